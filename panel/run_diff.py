"""Two runs beside each other: whose answers differ, side by side, and what each cost."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from errors import InvalidRequest
from panel.context import Panel
from redaction import clean_value
from runs import views
from runs.answers import answer_of
from runs.differing import differences, sides_of
from store import lost_runs

#: Tasks of each that can be compared in one request.
MOST_TASKS: Final = 1_000
#: Characters of an answer that are told beside the other.
MOST_ANSWER: Final = 4_000


def diff_of(here: Panel, first: sqlite3.Row, second: sqlite3.Row) -> dict[str, Any]:
    """What tells two runs apart, with the answers that differ. Raises `InvalidRequest` for large ones."""
    for row in (first, second):
        lost_runs.check(row, "compared")
        if row["tasks"] > MOST_TASKS:
            line = f"skep run diff {first['id']} {second['id']}"
            raise InvalidRequest(
                f"{row['id']} has {row['tasks']:,} tasks, over the {MOST_TASKS:,} that are compared here; "
                f"`{line}` compares any number."
            )
    wholes = [views.whole(here.reader, row) for row in (first, second)]
    read = functools.partial(_answer, here)
    found, sides = differences(wholes[0], wholes[1], read), sides_of(wholes[0], wholes[1], read)
    for task in found["tasks"]:
        own = [each.get(task["id"]) for each in sides]
        task["answers"] = [None if task["is_same"] else _read(here, each) for each in own]
        task["used"] = [_used(each) for each in own]
    found |= {
        "used": [{"tokens": each["usage"]["tokens"], "cost_micros": each["cost_micros"]} for each in wholes],
        "names": [each["name"] for each in wholes],
    }
    shown: dict[str, Any] = clean_value(found)
    return shown


def _answer(here: Panel, task: Mapping[str, Any]) -> str:
    return answer_of(here.home.outputs, task)


def _read(here: Panel, task: Mapping[str, Any] | None) -> str | None:
    """The beginning of what a task answered, or why it did not; none where the run has no such task."""
    if task is None:
        return None
    text = _answer(here, task)
    if not text and task.get("error"):
        return f"{task['error']['code']}: {task['error']['message']}"
    rest = len(text) - MOST_ANSWER
    return text if rest <= 0 else f"{text[:MOST_ANSWER]}\n[{rest:,} more characters]"


def _used(task: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if task is None else task["usage"]
