"""What a person may do to a recurring or delayed task: run it now, skip its next time, stop it."""

from __future__ import annotations

import sqlite3

from clock import to_local_text, to_rfc3339
from errors import InvalidRequest, TransitionNotAllowed
from store import intake, schedules, steering
from store.lanes import ConcurrencyLimits
from store.records import STATUS_OF_STATE
from store.transaction import Transaction


def run_now(tx: Transaction, task_id: str, by: str, limits: ConcurrencyLimits) -> str:
    """Let a delayed task go, or put one more occurrence of a schedule into the queue; a sentence about it.

    A schedule's own times stay. Raises `NotFound`; `TransitionNotAllowed` for what waits for something else
    than a time, and for a schedule whose last occurrence has not ended.
    """
    row = _find(tx, task_id)
    if row["every"] is None:
        _bring_forward(tx, row, by)
        told = f"{task_id} is let go now."
    else:
        told = f"{_fire(tx, row, by, limits)} is in the queue; the times of {task_id} stay."
    tx.audit("schedule", "recorded", actor=by, task_id=task_id, action="run")
    return told


def skip(tx: Transaction, task_id: str, by: str, expected: str | None = None) -> str:
    """Let the next time of a schedule pass; a sentence about it.

    `expected` is that time as the person saw it, RFC 3339. Raises `NotFound`, `TransitionNotAllowed`.
    """
    row = _find(tx, task_id)
    if row["every"] is None:
        raise InvalidRequest(f"{task_id} runs once, so there is no next time; cancel it instead.")
    moment = row["not_before"]
    if expected is not None and expected != to_rfc3339(moment):
        raise TransitionNotAllowed(
            f"The next time of {task_id} is another by now, {to_local_text(moment)}; look again."
        )
    following = intake.next_firing(row["every"], max(moment, tx.now))
    tx.run("set_not_before", seq=row["seq"], not_before=following)
    tx.mark_dirty(row["seq"])
    tx.emit(
        "schedule.skipped",
        task_id=task_id,
        reason=f"{by} skipped this time",
        every=row["every"],
        not_before=to_rfc3339(moment),
        source=by,
    )
    tx.audit("schedule", "recorded", actor=by, task_id=task_id, action="skip")
    return f"{task_id} skips {to_local_text(moment)}; then it runs at {to_local_text(following)}."


def stop(tx: Transaction, task_id: str, by: str, reason: str | None = None) -> str:
    """Withdraw a schedule or a delayed task; a sentence about it. An occurrence that is open goes on.

    Raises `NotFound`, `TransitionNotAllowed`.
    """
    row = _find(tx, task_id, may_wait_otherwise=True)
    open_one = tx.one("open_occurrence", stem=schedules.stem(task_id)) if row["every"] else None
    steering.cancel(tx, task_id, by, reason or f"stopped by {by}")
    tx.audit("schedule", "recorded", actor=by, task_id=task_id, action="stop", reason=reason)
    rest = f"; {open_one['id']}, which has not ended, goes on" if open_one else ""
    return f"{task_id} is stopped{rest}."


def _find(tx: Transaction, task_id: str, *, may_wait_otherwise: bool = False) -> sqlite3.Row:
    """A task that waits for a time. Raises `NotFound`, `TransitionNotAllowed`."""
    row = steering.find(tx, task_id)
    if row["state"] == "delayed" and (row["held_by"] is None or may_wait_otherwise):
        return row
    if row["state"] == "blocked" and row["every"] is not None and may_wait_otherwise:
        return row
    if row["state"] == "blocked":
        told = "waits for other tasks, not for a time"
    elif row["held_by"] is not None:
        told = f"waits for {row['held_by']}, not for a time"
    else:
        told = f"is {STATUS_OF_STATE[row['state']]}, and waits for no time"
    raise TransitionNotAllowed(f"{task_id} {told}.")


def _bring_forward(tx: Transaction, row: sqlite3.Row, by: str) -> None:
    tx.run("set_state", seq=row["seq"], state="ready", waiting_for=None, not_before=tx.now)
    tx.mark_dirty(row["seq"])
    tx.emit(
        "task.brought_forward",
        task_id=row["id"],
        status="queued",
        not_before=to_rfc3339(row["not_before"]),
        source=by,
    )


def _fire(tx: Transaction, row: sqlite3.Row, by: str, limits: ConcurrencyLimits) -> str:
    still_open = tx.one("open_occurrence", stem=schedules.stem(row["id"]))
    if still_open is not None:
        raise TransitionNotAllowed(
            f"{still_open['id']} has not ended, and only one of {row['id']} is open at once; "
            "wait, or cancel it."
        )
    kept = tx.meta(intake.LANE_LIMITS)
    known = limits if kept is None else ConcurrencyLimits.from_json(kept)
    entered = schedules.enter_occurrence(tx, row, tx.now, known, by)
    if entered is None:
        raise TransitionNotAllowed(f"{row['id']} ran this very second; try again in a moment.")
    return entered
