"""What may be done to a run from outside: abort it, close it, resume it; and what its deadline does."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from run_contract.errors import RunCompleted
from runtime_contract import Status
from store import claims, ending, lost_runs, recording, run_ends, run_growth, runs
from store.records import TaskRef
from store.transaction import Transaction, dump

#: Seconds after which a task is looked at again that could not be prepared.
AGAIN_S: Final = 2.0
#: Why a run that is resumed completes at once.
ALL_DONE: Final = "all of its tasks had completed"
#: Attempts whose answers could not be judged, until a task fails with that.
LEAST_TRIES: Final = 3


def abort(tx: Transaction, run_id: str, by: str) -> sqlite3.Row:
    """Abort a run: what has not begun never will, what runs is asked to end; its row.

    One that is aborting or aborted stays so. Raises `RunNotFound`, `RunCompleted`.
    """
    row = runs.find(tx, run_id)
    if row["state"] in {"aborting", "aborted"}:
        return row
    if row["state"] != "running":
        told = f"The run {run_id!r} is {row['state']}; only one that runs is aborted."
        raise RunCompleted(told, run_id=run_id)
    if not row["is_stopping"]:  # else it fails, and what runs of it is being stopped already
        run_ends.tell(tx, "run.aborting", row, source=by)
        run_ends.stop(tx, row["seq"], "aborted", "cancelled", f"aborted by {by}", ending.end_together)
    return runs.find(tx, run_id)


def close(tx: Transaction, run_id: str, by: str) -> sqlite3.Row:
    """Let a run end when all its tasks have: nothing more is added. Its row. Raises `RunNotFound`."""
    row = runs.find(tx, run_id)
    if row["is_open"]:
        tx.run("run_closed", seq=row["seq"])
        run_ends.tell(tx, "run.closed", row, source=by)
        run_ends.finish(tx, row["seq"], ending.end_together)
    return runs.find(tx, run_id)


def resume(tx: Transaction, run_id: str, by: str) -> sqlite3.Row:
    """Send back to the queue what did not complete of a run that failed or was aborted; its row.

    What is approved stays so, and a run of which everything is completes at once. Tasks that were lost stay
    so, and the run fails with them. Raises `RunNotFound`, `RunCompleted` where it has not ended so, was lost,
    or nothing but lost tasks is left of it.
    """
    row = runs.find(tx, run_id)
    lost_runs.check(row, "resumed")
    if row["state"] not in {"failed", "aborted"}:
        raise RunCompleted(
            f"The run {run_id!r} is {row['state']}; only a failed or aborted run is resumed.", run_id=run_id
        )
    left = tx.all("run_incomplete", run=row["seq"])
    back = [each for each in left if each["code"] != lost_runs.LOST]
    if left and not back:
        lost_runs.check_tasks(tx, row, "resumed")
    if back:
        ending.reopen_together(tx, back, by)
    else:
        run_ends.complete(tx, run_id, ending.end_together)
    return runs.find(tx, run_id)


def end_unrun(tx: Transaction, ref: TaskRef, status: Status, code: str, reason: str) -> bool:
    """End a claimed task of a run before anything of it ran: skipped, or it could not be prepared."""
    row = claims.held(tx, ref, "what keeps it from running")
    if row is None:
        return False
    recording.end_attempt(tx, row, "skipped" if status is Status.CANCELLED else "failed")
    ending.end_task(tx, row, status, code=code, reason=reason)
    return True


def put_off(tx: Transaction, ref: TaskRef, reason: str) -> None:
    """Send a claimed task back that cannot be prepared right now; nothing of it counts."""
    row = claims.held(tx, ref, "what keeps it from running")
    if row is not None:
        _send_back(tx, row, reason, counts=False, became="handed_back")


def put_off_answered(tx: Transaction, ref: TaskRef, reason: str, effect: str, limit: int) -> None:
    """Send a task back whose attempt gave an answer that cannot be judged right now.

    ``idempotent``: again after a while, as after an interruption, until `limit` attempts have ended so, but
    three at least. ``unsafe``: a person is asked.
    """
    row = claims.held(tx, ref, "what keeps it from being judged")
    if row is None or recording.end_withdrawn(tx, row):
        return
    if effect == "unsafe":
        recording.interrupted(tx, row, effect, limit, reason)
    elif row["interruptions"] + 1 >= max(limit, LEAST_TRIES):
        told = f"{reason}, for the {row['interruptions'] + 1}. time; `skep retry {row['id']}` tries again"
        if not recording.run_new_words(tx, row, reason):
            recording.fail(tx, row, run_growth.INVALID_RESULT, told)
    else:
        _send_back(tx, row, reason, interrupted=True, became="interrupted")


def _send_back(tx: Transaction, row: sqlite3.Row, reason: str, **how: Any) -> None:
    recording.requeue(tx, row, reason, not_before=tx.now + AGAIN_S, waiting_for=reason, **how)


def note_told(tx: Transaction, task: int, ledger: dict[str, Any]) -> None:
    """Keep what the attempt of a task was told, and what was left out of it."""
    tx.run("note_ledger", task=task, ledger=dump(ledger))


def end_overdue(tx: Transaction) -> int:
    """End the runs whose time is up; how many."""
    found = tx.all("runs_overdue", now=tx.now)
    for each in found:
        row = runs.find(tx, each["id"])
        run_ends.stop(tx, row["seq"], "failed", "timeout", _late(row), ending.end_together)
    return len(found)


def _late(run: sqlite3.Row) -> str:
    """Why the time of a run is up: its own limit, or that of what stands above it, where that was sooner."""
    limit_ms = json.loads(run["policy"]).get("run_timeout_ms")
    if limit_ms and (run["parent"] is None or run["deadline"] >= run["created"] + limit_ms / 1000):
        return f"the run took longer than {limit_ms / 1000:g} s"
    return f"the time is up that {run['parent']} has, whose work it does"
