"""What a person may do to a task from outside the road: cancel, retry, approve, reject, answer."""

from __future__ import annotations

import sqlite3
from typing import Final

from errors import NotFound, TransitionNotAllowed
from runtime_contract import ENDED, Status
from store import cycles, decisions, ending, intake, lost_runs, round_ends, run_ends
from store.records import STATUS_OF_STATE, task_of
from store.transaction import Transaction


def find(tx: Transaction, task_id: str) -> sqlite3.Row:
    """The task's row. Raises `NotFound`."""
    row = tx.one("get_task", id=task_id)
    if row is None:
        raise NotFound(f"There is no task {task_id!r}.", task_id=task_id)
    return row


def cancel(tx: Transaction, task_id: str, by: str, reason: str | None = None) -> str:
    """Withdraw a task. A running one is asked to stop and ends within the second; the word for what happened.

    Raises `NotFound`, `TransitionNotAllowed`.
    """
    row = find(tx, task_id)
    if STATUS_OF_STATE[row["state"]] in ENDED:
        raise TransitionNotAllowed(f"{task_id} is {STATUS_OF_STATE[row['state']]} already.")
    why = reason or f"cancelled by {by}"
    if row["state"] == "running":
        tx.run("request_cancel", seq=row["seq"], reason=why)
        tx.emit("task.cancel_requested", task_id=task_id, status="in_progress", reason=why, source=by)
        return "stopping"
    if run_ends.end_with_child(tx, row, why, ending.end_together):
        return "stopping" if STATUS_OF_STATE[find(tx, task_id)["state"]] not in ENDED else "cancelled"
    if STATUS_OF_STATE[row["state"]] is Status.PENDING_REVIEW or row["held_by"] is not None:
        decisions.withdraw(tx, task_id, by)
    if round_ends.is_in_rounds(tx, row):
        tx.run("note_begun", seq=row["seq"])
    ending.end_task(tx, row, Status.CANCELLED, code="cancelled", reason=why)
    if row["planned"]:
        _cancel_subtasks(tx, task_id, by)
    return "cancelled"


def _cancel_subtasks(tx: Transaction, parent: str, by: str) -> None:
    """Withdraw what is left of a task that a person withdrew: what runs, and what waits for a person."""
    for row in tx.all("subtasks_of", parent=parent):
        if STATUS_OF_STATE[row["state"]] not in ENDED:
            cancel(tx, row["id"], by, f"{parent}, which it is a part of, was cancelled by {by}")
        elif row["planned"]:
            _cancel_subtasks(tx, row["id"], by)


def retry(tx: Transaction, task_id: str, by: str) -> None:
    """Send an ended task back to the queue with its attempts forgotten.

    One that failed by its rounds goes on where those ended: what failed of the last one is sent back, and
    the task waits for it.

    Raises `TransitionNotAllowed`, also where it would fail again at once: for the sake of another, which is
    named.
    """
    row = find(tx, task_id)
    lost_runs.check_task(tx, row)
    if row["code"] in {"invalid_task", "duplicate_id"}:
        raise TransitionNotAllowed(
            f"{task_id} broke the contract ({row['reason']}); correct it with `skep edit {task_id}` "
            "or in queue.json instead."
        )
    status = STATUS_OF_STATE[row["state"]]
    if status not in RETRIABLE:
        raise TransitionNotAllowed(
            f"{task_id} is {status}; only {', '.join(sorted(RETRIABLE))} tasks are retried."
        )
    if cycles.is_closed(tx, row):
        raise TransitionNotAllowed(f"{task_id} would fail again at once: it {row['reason']}.")
    failed = round_ends.failed_first(tx, row)
    reopen(tx, row if failed is None else find(tx, failed["id"]), by)
    again = find(tx, task_id)
    if ending.is_dead(again["state"]):
        raise TransitionNotAllowed(f"{task_id} would fail again at once: it {again['reason']}.")


def reopen(tx: Transaction, row: sqlite3.Row, by: str) -> None:
    """Send an ended task and those that failed for its sake back, and look anew at what they wait for.

    Raises `TransitionNotAllowed`.
    """
    lost_runs.check_task(tx, row)
    again = [find(tx, each) for each in ending.reopen(tx, row, by)]
    waiting = [task_of(each["doc"], each["id"]) for each in again if each["state"] == "blocked"]
    intake.settle_dependencies(tx, waiting, reaches_older=True)


#: Ends a person can take back. An approved task is done; add a new one to do it again.
RETRIABLE: Final = frozenset({Status.FAILED, Status.SAFETY_BLOCKED, Status.CANCELLED})
