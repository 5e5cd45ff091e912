"""What the history of a split task tells of its subtasks: each start and end, beside their own events."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from redaction import clean
from runtime_contract import Status
from store.transaction import Transaction

#: The line of a subtask's words after which its own begin, behind those that all parts share.
OWN_PART: Final = "Your part of this, and only this:"
#: Characters of the line that says what a subtask is about.
FOCUS_CHARS: Final = 80


def tell_start(tx: Transaction, row: sqlite3.Row) -> None:
    """A worker claimed a subtask."""
    tx.emit(
        "task.subtask_started",
        task_id=row["plan_parent"],
        status="subtask_started",
        worker_id=row["worker_id"],
        subtask_id=row["id"],
        focus=focus_of(row),
    )


def tell_end(tx: Transaction, row: sqlite3.Row, status: Status, reason: str | None) -> None:
    """A subtask reached its end; `row` is how it stood before."""
    result = json.loads(row["result"]) if row["result"] else {}
    kind = "subtask_completed" if status is Status.APPROVED else "subtask_failed"
    tx.emit(
        f"task.{kind}",
        task_id=row["plan_parent"],
        status=kind,
        worker_id=row["worker_id"],
        subtask_id=row["id"],
        focus=focus_of(row),
        result_summary=result.get("result"),
        model=result.get("model"),
        errors=None if status is Status.APPROVED else f"{status}: {reason}" if reason else status.value,
    )


def focus_of(row: sqlite3.Row) -> str:
    """The first line of a subtask's own words, without secrets: a cut one would not be known for one."""
    prompt = str(json.loads(row["doc"]).get("prompt") or "")
    line = clean(own_words(prompt).partition("\n")[0])
    return line if len(line) <= FOCUS_CHARS else f"{line[: FOCUS_CHARS - 3]}..."


def own_words(prompt: str) -> str:
    """What a subtask asks for itself, without what all parts share."""
    return prompt.rpartition(f"{OWN_PART}\n")[2].strip()
