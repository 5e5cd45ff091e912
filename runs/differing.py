"""Two runs beside each other: whose answers differ, and what each cost. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

#: Lines of a difference that are told of one task.
MOST_LINES: Final = 200
#: What a task answered, and whose answer that is.
_ANSWER: Final = ("output", "output_ref", "output_bytes", "reused_from")


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], read: Callable[[Mapping[str, Any]], str]
) -> dict[str, Any]:
    """What tells two runs apart, task by task, from how `runs.views.whole` tells each.

    What was done in rounds is compared by the answer that stands for it, with what all of its rounds used.
    The items of a list whose answer was kept are in one of the runs alone; they were kept with it.

    Parameters:
        read: the whole answer of a task.
    """
    sides = sides_of(first, second, read)
    names = dict.fromkeys([*sides[0], *sides[1]])
    tasks = [_task(name, sides[0].get(name), sides[1].get(name), read) for name in names]
    return {
        "first": first["id"],
        "second": second["id"],
        "states": [first["state"], second["state"]],
        "tokens": second["usage"]["tokens"] - first["usage"]["tokens"],
        "cost_micros": second["cost_micros"] - first["cost_micros"],
        "tasks": tasks,
    }


def sides_of(
    first: Mapping[str, Any], second: Mapping[str, Any], read: Callable[[Mapping[str, Any]], str]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The tasks of two runs that are compared (`compared`), with the items of lists that were kept."""
    sides = compared(first["tasks"]), compared(second["tasks"])
    _add_kept_items(*sides, read)
    _add_kept_items(sides[1], sides[0], read)
    return sides


def compared(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tasks of a run that are compared: rounds not by themselves, but in the steps they stand for."""
    steps = {name: _step_of(tasks, name) for name in tasks}
    found: dict[str, dict[str, Any]] = {}
    for name, task in tasks.items():
        if steps[name] == name:
            stands = tasks.get(task.get("answer_of") or _standing_item(tasks, name), task)
            own = {field: value for field, value in task.items() if field not in _ANSWER}
            found[name] = own | {field: stands[field] for field in _ANSWER if field in stands}
    for name, task in tasks.items():
        step = found.get(steps[name])
        if steps[name] != name and step is not None:
            used = {field: value + task["usage"].get(field, 0) for field, value in step["usage"].items()}
            step["usage"] = used
    return found


def _standing_item(tasks: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """The item of a later round of its list that stands for one; itself where there is none."""
    above = tasks.get(tasks[name].get("parent") or "", {})
    return f"{above['answer_of']}.{name.rpartition('.')[2]}" if "answer_of" in above else name


def _add_kept_items(
    there: Mapping[str, dict[str, Any]],
    kept: dict[str, dict[str, Any]],
    read: Callable[[Mapping[str, Any]], str],
) -> None:
    """Put the items of lists whose answers `kept` has from elsewhere beside these lists, unpaid.

    Where the other run has the same answer, they are its items; else they are read from the answer itself.
    """
    answers: dict[str, list[str]] = {}
    for name, task in there.items():
        above = task.get("parent") or ""
        mine, own = kept.get(above), there.get(above)
        if name in kept or mine is None or own is None or "reused_from" not in mine:
            continue
        unpaid = dict.fromkeys(task["usage"], 0)
        told = {"usage": unpaid, "reused_from": mine["reused_from"], "parent": above}
        if _is_same(own, mine):
            kept[name] = dict(task) | told
            continue
        if above not in answers:
            answers[above] = _items_in(read(mine))
        number = name.rpartition(".")[2]
        if number.isdecimal() and 0 < int(number) <= len(answers[above]):
            kept[name] = told | {"state": mine["state"], "output": answers[above][int(number) - 1]}


def _items_in(answer: str) -> list[str]:
    """The answers of its items, of which that of a list is put together; none where it is not."""
    try:
        found = json.loads(answer)
    except ValueError:
        return []
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else []


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("state", "output_ref", "output"))


def _step_of(tasks: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """The step that a later round, or an item of a list in one, stands for; else the task itself."""
    above: str | None = name
    while above is not None and above in tasks:
        if tasks[above].get("round", 1) > 1:
            return above.rpartition(".r")[0]
        above = tasks[above].get("parent")
    return name


def _task(
    name: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, read: Callable[..., str]
) -> dict[str, Any]:
    told: dict[str, Any] = {"id": name, "states": [one and one["state"], other and other["state"]]}
    used = [each["usage"] if each is not None else {"tokens": 0, "cost_micros": 0} for each in (one, other)]
    told["tokens"] = used[1]["tokens"] - used[0]["tokens"]
    told["cost_micros"] = used[1]["cost_micros"] - used[0]["cost_micros"]
    if one is None or other is None:
        return told | {"is_same": False, "diff": []}
    is_same = _is_same(one, other)
    if not is_same and ("output_ref" in one) != ("output_ref" in other):  # of one only the text is known
        is_same = one["state"] == other["state"] and read(one) == read(other)
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
