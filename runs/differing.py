"""Two runs beside each other: whose answers differ, and what each cost. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

#: Lines of a difference that are told of one task.
MOST_LINES: Final = 200


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], read: Callable[[Mapping[str, Any]], str]
) -> dict[str, Any]:
    """What tells two runs apart, task by task, from how `runs.views.whole` tells each.

    Parameters:
        read: the whole answer of a task.
    """
    names = dict.fromkeys([*first["tasks"], *second["tasks"]])
    tasks = [_task(name, first["tasks"].get(name), second["tasks"].get(name), read) for name in names]
    return {
        "first": first["id"],
        "second": second["id"],
        "states": [first["state"], second["state"]],
        "tokens": second["usage"]["tokens"] - first["usage"]["tokens"],
        "cost_micros": second["cost_micros"] - first["cost_micros"],
        "tasks": tasks,
    }


def _task(
    name: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, read: Callable[..., str]
) -> dict[str, Any]:
    told: dict[str, Any] = {"id": name, "states": [one and one["state"], other and other["state"]]}
    used = [each["usage"] if each is not None else {"tokens": 0, "cost_micros": 0} for each in (one, other)]
    told["tokens"] = used[1]["tokens"] - used[0]["tokens"]
    told["cost_micros"] = used[1]["cost_micros"] - used[0]["cost_micros"]
    if one is None or other is None:
        return told | {"is_same": False, "diff": []}
    is_same = all(one.get(name) == other.get(name) for name in ("state", "output_ref", "output"))
    return told | {
        "is_same": is_same,
        "is_reused": "reused_from" in other,
        "diff": [] if is_same else _lines(read(one), read(other)),
    }


def _lines(before: str, after: str) -> list[str]:
    found = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), "first", "second", lineterm="")
    )
    more = len(found) - MOST_LINES
    return found if more <= 0 else [*found[:MOST_LINES], f"... and {more:,} lines more"]
