"""A task with its subtasks, and of each what was routed, judged, spent and earned."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from commands import terminal
from commands.task_view import loads, status_of, what_of
from runtime_contract import MICROS_PER_DOLLAR
from store import planning, waiting
from store.reading import Reader
from store.subtasks import focus_of

WORDS_SHOWN: Final = 60  # characters of a task's own words
#: Fields of the history that make a task's receipt.
_RECEIPT: Final = (
    "model", "cost_micros", "tool_route", "tool_name", "review_verdict", "review_confidence",
    "identity_id", "phase5_reward_tokens_awarded", "phase5_reward_reason", "drift",
)  # fmt: skip


def tree_of(reader: Reader, row: sqlite3.Row, now: waiting.Situation) -> dict[str, Any]:
    """The tree under a task, as JSON tells it."""
    doc = json.loads(row["doc"])
    subtasks = reader.all("subtasks_of", parent=row["id"]) if row["planned"] else []
    parents = reader.all("parents_of", child=row["seq"])
    own = {each["id"] for each in subtasks}
    return {
        "id": row["id"],
        "status": status_of(row),
        "what": focus_of(row) if row["plan_parent"] else what_of(doc),
        "waiting_for": reader.waiting_for(row, now),
        "reason": row["reason"],
        "depends_on": [each["id"] for each in parents if each["id"] not in own],
        "receipt": _receipt(reader, row),
        "intent": planning.intent_of(reader, row["id"]) if row["planned"] else None,
        "subtasks": [tree_of(reader, each, now) for each in subtasks],
    }


def _receipt(reader: Reader, row: sqlite3.Row) -> dict[str, Any]:
    """The last word of the history on each of these."""
    told: dict[str, Any] = {}
    for event in reader.events(task_id=row["id"]):
        if event["event"] == "task.in_progress":
            told.pop("drift", None)  # of the attempt before
        if not event["event"].startswith("task.subtask_"):
            fields = loads(event["data"])
            told |= {name: fields[name] for name in _RECEIPT if name in fields}
    return told


def lines_of(node: dict[str, Any], lead: str = "", branch: str = "") -> Iterator[str]:
    """The tree as text, a line a task."""
    words = terminal.shorten(node["what"], WORDS_SHOWN)
    notes = list(_notes(node))
    status = terminal.styled_status(node["status"])
    yield (
        terminal.clean(f"{lead}{branch}{node['id']}  ")
        + status
        + terminal.clean(f"  {words}" + (f"  ({'; '.join(notes)})" if notes else ""))
    )
    below = lead + {"├─ ": "│  ", "└─ ": "   "}.get(branch, "")
    for number, each in enumerate(node["subtasks"], 1):
        yield from lines_of(each, below, "└─ " if number == len(node["subtasks"]) else "├─ ")


def _notes(node: dict[str, Any]) -> Iterator[str]:
    """What is said of a task behind its words."""
    receipt = node["receipt"]
    if node["depends_on"]:
        yield f"after {', '.join(node['depends_on'])}"
    if node["waiting_for"]:
        yield f"waits for {node['waiting_for']}"
    if receipt.get("tool_name"):
        yield f"tool {receipt['tool_name']}"
    if receipt.get("model"):
        cost = receipt.get("cost_micros")
        yield receipt["model"] + ("" if cost is None else f" ${cost / MICROS_PER_DOLLAR:.6f}")
    if receipt.get("review_verdict"):
        yield f"{receipt['review_verdict']} {receipt.get('review_confidence', 0):.2f}"
    for what in receipt.get("drift") or ():
        yield f"drifted: {what}"
    if receipt.get("phase5_reward_tokens_awarded"):
        yield f"{receipt['phase5_reward_tokens_awarded']} tokens earned"
