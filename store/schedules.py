"""What becomes due: delayed tasks go to the ready ones, a schedule puts one occurrence into the queue.

A schedule never runs itself. Firings missed while nothing ran are made up for once, not one by one; a firing
that finds the last occurrence still open is skipped, with an event.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import UTC, datetime
from typing import Final

from clock import to_rfc3339
from store import ending, intake
from store.lanes import ConcurrencyLimits
from store.records import Intake, NewTask, parse_document
from store.transaction import Transaction


def promote_due(tx: Transaction, limits: ConcurrencyLimits) -> int:
    """Let everything start whose time has come; return how many tasks changed."""
    rows = tx.all("due", now=tx.now)
    for row in rows:
        if row["every"] is None:
            ending.make_claimable(tx, row)
            tx.mark_dirty(row["seq"])
        else:
            _fire(tx, row, limits)
    return len(rows)


def _fire(tx: Transaction, row: sqlite3.Row, limits: ConcurrencyLimits) -> None:
    tx.run("set_not_before", seq=row["seq"], not_before=intake.next_firing(row["every"], tx.now))
    tx.mark_dirty(row["seq"])
    still_open = tx.one("open_occurrence", stem=stem(row["id"]))
    if still_open is not None:
        reason = f"{still_open['id']} has not ended"
        tx.emit("schedule.skipped", task_id=row["id"], reason=reason, every=row["every"])
        return
    enter_occurrence(tx, row, row["not_before"], limits)


def enter_occurrence(
    tx: Transaction, row: sqlite3.Row, moment: float, limits: ConcurrencyLimits, by: str | None = None
) -> str | None:
    """Put one occurrence into the queue, of the firing at a moment, or for a person; its id.

    None where there was one of that second before.
    """
    occurrence = _occurrence(tx, row, moment)
    if tx.one("get_task", id=occurrence.task.id) is not None:
        return None
    intake.enter(tx, Intake(new=[occurrence]), "schedule", limits)
    tx.emit(
        "schedule.fired",
        task_id=row["id"],
        ids=[occurrence.task.id],
        every=row["every"],
        not_before=to_rfc3339(moment),
        source=by,
    )
    return occurrence.task.id


#: Letters of a schedule's id that leave room for a time in the 128 of its occurrences' ids.
LONGEST_STEM: Final = 111


def stem(schedule: str) -> str:
    """What the ids of a schedule's occurrences begin with: its id, shortened without losing which it is."""
    if len(schedule) <= LONGEST_STEM:
        return schedule
    return f"{schedule[: LONGEST_STEM - 11]}-{hashlib.sha256(schedule.encode()).hexdigest()[:10]}"


def _occurrence(tx: Transaction, row: sqlite3.Row, moment: float) -> NewTask:
    """The task of one firing: the schedule's text under an id that ends with the firing's time in UTC.

    Not in local time: an hour that comes twice in autumn has two firings.
    """
    full = tx.one("get_task_by_seq", seq=row["seq"])
    assert full is not None  # noqa: S101  the row was just read
    doc = json.loads(full["doc"])
    for key in ("every", "not_before", "status"):
        doc.pop(key, None)
    told = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
    doc["id"] = f"{stem(row['id'])}.{told}"
    return NewTask(parse_document(doc, doc["id"]), doc)
