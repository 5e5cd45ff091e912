"""A task with its parts, as a tree, and of each what was routed, judged, spent and earned."""

from __future__ import annotations

import json
import shlex
import sqlite3
from typing import Any, Final

from store import planning, waiting
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.subtasks import focus_of

#: Tasks that lie above one another at most, looking for the one that was written by a person.
_MOST_ABOVE: Final = 20
#: Fields of the history that make a task's receipt.
_RECEIPT: Final = (
    "model", "cost_micros", "tool_route", "tool_name", "review_verdict", "review_confidence",
    "identity_id", "phase5_reward_tokens_awarded", "phase5_reward_reason", "drift",
)  # fmt: skip


def tree_of(reader: Reader, row: sqlite3.Row, now: waiting.Situation) -> dict[str, Any]:
    """The tree under a task, as JSON tells it."""
    subtasks = reader.all("subtasks_of", parent=row["id"]) if row["planned"] else []
    parents = reader.all("parents_of", child=row["seq"])
    own = {each["id"] for each in subtasks}
    return {
        "id": row["id"],
        "status": STATUS_OF_STATE[row["state"]].value,
        "what": focus_of(row) if row["plan_parent"] else words_of(json.loads(row["doc"])),
        "waiting_for": reader.waiting_for(row, now),
        "reason": row["reason"],
        "rejections": row["rejections"],
        "depends_on": [each["id"] for each in parents if each["id"] not in own],
        "receipt": _receipt(reader, row),
        "intent": planning.intent_of(reader, row["id"]) if row["planned"] else None,
        "subtasks": [tree_of(reader, each, now) for each in subtasks],
    }


def root_of(reader: Reader, row: sqlite3.Row) -> sqlite3.Row:
    """The task that another is a part of, near or far; the task itself where it is no part."""
    for _ in range(_MOST_ABOVE):
        above = None if row["plan_parent"] is None else reader.task(row["plan_parent"])
        if above is None:
            break
        row = above
    return row


def words_of(doc: dict[str, Any]) -> str:
    """What a task does, in its own words."""
    argv = doc.get("argv")
    if isinstance(argv, list):
        return shlex.join(map(str, argv))
    return str(doc.get("command") or doc.get("prompt") or doc.get("raw") or "")


def _receipt(reader: Reader, row: sqlite3.Row) -> dict[str, Any]:
    """The last word of the history on each of these."""
    told: dict[str, Any] = {}
    for event in reader.events(task_id=row["id"]):
        if event["event"] == "task.in_progress":
            told.pop("drift", None)  # of the attempt before
        if not event["event"].startswith("task.subtask_"):
            fields = json.loads(event["data"])
            told |= {name: fields[name] for name in _RECEIPT if name in fields}
    return told
