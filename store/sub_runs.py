"""A task whose work another run does: it waits for that run, and ends as that run ends.

While it waits it is held by the name of the run; the transaction in which that run ends lets it be claimed
once more. A task that ends before takes its run along (`run_ends.end_child`).
"""

from __future__ import annotations

import sqlite3

from store import claims, recording, run_ends, run_steering, runs
from store.lanes import ConcurrencyLimits
from store.records import TaskRef
from store.runs import NewRun
from store.transaction import Transaction

#: Where such runs come from, as their `source` tells it.
SOURCE = "run"
_ENDED = frozenset({"completed", "failed", "aborted"})


def begin(tx: Transaction, ref: TaskRef, new: NewRun, limits: ConcurrencyLimits) -> bool:
    """Start the run that does a claimed task, which waits for it; false where the claim is not ours any more.

    Raises `RunExists`.
    """
    row = claims.held(tx, ref, "a run that does it")
    if row is None or recording.end_withdrawn(tx, row):
        return False
    runs.start(tx, new, SOURCE, limits)
    tx.run("put_child", task=row["seq"], child=new.id)
    _wait(tx, row, new.id)
    return True


def wait(tx: Transaction, ref: TaskRef, child: str) -> bool:
    """Have a claimed task wait for the run that does it, and was started before."""
    row = claims.held(tx, ref, "a run that does it")
    if row is None or recording.end_withdrawn(tx, row):
        return False
    _wait(tx, row, child)
    return True


def _wait(tx: Transaction, row: sqlite3.Row, child: str) -> None:
    recording.end_attempt(tx, row, "held")
    held_by = f"{run_ends.CHILD_PREFIX}{child}"
    tx.run("hold_for_run", seq=row["seq"], held_by=held_by, waiting_for=f"its run {child}")
    tx.emit("task.run_awaited", task_id=row["id"], status="queued", waiting_for=f"its run {child}")
    tx.mark_dirty(row["seq"])
    if runs.find(tx, child)["state"] in _ENDED:  # as it was started, or before this was written
        tx.run("wake_parent", held_by=held_by)


def resume(tx: Transaction, ref: TaskRef, child: str) -> bool:
    """Have the run go on that does a task which was sent back, and the task wait for it."""
    row = claims.held(tx, ref, "a run that does it")
    if row is None or recording.end_withdrawn(tx, row):
        return False
    if runs.find(tx, child)["state"] in {"failed", "aborted"}:
        run_steering.resume(tx, child, SOURCE)
    tx.run("put_child", task=row["seq"], child=child)
    _wait(tx, row, child)
    return True


def fail(tx: Transaction, ref: TaskRef, child: str) -> bool:
    """A claimed task fails as the run that did it."""
    row = claims.held(tx, ref, "the end of its run")
    if row is None:
        return False
    ended = runs.find(tx, child)
    tx.run("child_over", task=row["seq"])
    told = ended["reason"] or ended["code"] or ended["state"]
    recording.fail(tx, row, ended["code"] or ended["state"], f"its run {child} {ended['state']}: {told}")
    return True
