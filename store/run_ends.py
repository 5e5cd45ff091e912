"""What the ends of tasks mean for the runs they are of; a task of no run costs nothing here.

It is called in the transaction of every end. A run counts how many of its tasks are open; the first end that
its policy does not bear decides what it comes to, withdraws what has not begun and asks what runs to stop.
When the last one has ended, the run has.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from errors import TransitionNotAllowed
from runtime_contract import Status
from store import decisions, lost_runs
from store.transaction import Transaction, dump

#: The code of a run that went on without some of its tasks.
INCOMPLETE: Final = "incomplete"
#: The code of a task that did not begin because its run had come to an end.
RUN_ENDED: Final = "run_ended"
#: The code of a task that was begun, and was stopped by a person or with its run.
CANCELLED: Final = "cancelled"
#: The code of a task whose condition was not met, and of those that need one which was skipped.
CONDITION_NOT_MET: Final = "condition_not_met"
DEPENDENCY_SKIPPED: Final = "dependency_skipped"
#: What `held_by` says of a task that waits for the run that does it.
CHILD_PREFIX: Final = "child:"
#: Codes of tasks that were skipped, which is no failure.
SKIPS: Final = frozenset({CONDITION_NOT_MET, DEPENDENCY_SKIPPED})


class EndTogether(Protocol):
    """Ends several tasks for one reason (`ending.end_together`)."""

    def __call__(
        self,
        tx: Transaction,
        rows: Sequence[sqlite3.Row],
        *,
        code: str,
        reason: str,
        status: Status,
        begun: Collection[str] = (),
    ) -> None:
        """End them, and then those that wait for them; of ids in `begun` the code is `CANCELLED`."""


def run_of(task_id: str) -> str:
    """The run that a task is of; empty where it is of none."""
    return task_id.partition(":")[0] if ":" in task_id else ""


def follow(tx: Transaction, ended: Sequence[tuple[str, Status]], end: EndTogether) -> None:
    """Tasks have just ended: count them, and do what the policies of their runs ask for."""
    counts = Counter(run for name, _ in ended if (run := run_of(name)))
    for run_id, count in counts.items():
        row = tx.one("run_tasks_ended", id=run_id, count=count)
        if row is None:
            continue  # a run whose own row was lost with the database it stood in
        lost = [name for name, how in ended if how is not Status.APPROVED and run_of(name) == run_id]
        if lost and not row["is_stopping"]:
            _weigh(tx, row, lost, end)
        if row["open"] == 0 or lost:
            finish(tx, row["seq"], end)


def _weigh(tx: Transaction, run: sqlite3.Row, lost: Sequence[str], end: EndTogether) -> None:
    """Decide what a run comes to, where one of these losses counts."""
    losses = tx.all("run_losses", ids=dump([*lost]))
    if run["on_failure"] == "required" and not any(each["required"] for each in losses):
        return
    if losses:
        first = losses[0]
        reason = f"task {first['name']}: {first['reason'] or first['code'] or first['state']}"
        code = first["code"] or first["state"]
        if run["on_failure"] == "continue":
            decide(tx, run["seq"], "failed", code, reason)
        else:
            stop(tx, run["seq"], "failed", code, reason, end)


def decide(
    tx: Transaction, run: int, ends_as: str, code: str, reason: str, *, is_stopping: bool = False
) -> sqlite3.Row | None:
    """What a run comes to once everything in it has ended; none where that was decided before."""
    state = "aborting" if ends_as == "aborted" else "running"
    told = {"ends_as": ends_as, "code": code, "reason": reason, "is_stopping": int(is_stopping)}
    return tx.one("run_decided", seq=run, state=state, **told)


def stop(tx: Transaction, run: int, ends_as: str, code: str, reason: str, end: EndTogether) -> bool:
    """End a run: what has not begun never will, what runs is asked to end. False if it is over already."""
    if decide(tx, run, ends_as, code, reason, is_stopping=True) is None:
        return False
    told = f"its run ended: {reason}"
    for row in tx.all("run_running", run=run):
        tx.run("request_cancel", seq=row["seq"], reason=told)
        tx.emit("task.cancel_requested", task_id=row["id"], status="in_progress", reason=told)
    rows = tx.all("run_unstarted", run=run)
    awaiting = {row["id"]: row for row in rows if _open_child(tx, row) is not None}
    over = [row for row in rows if row["id"] not in awaiting]
    for row in over:
        if row["state"] == "review" or row["held_by"] is not None:
            decisions.withdraw(tx, row["id"], "skep")
    why = CANCELLED if code == CANCELLED else RUN_ENDED
    begun = {row["id"] for row in over if row["became_others"]}
    end(tx, over, code=why, reason=told, status=Status.CANCELLED, begun=begun)
    for row in awaiting.values():
        end_with_child(tx, row, told, end)
    finish(tx, run, end)
    return True


def finish(tx: Transaction, run: int, end: EndTogether) -> None:
    """End a run of which nothing is left; nothing happens where something is."""
    row = tx.one("run_finished", seq=run, now=tx.now)
    if row is None:
        return
    tell(tx, f"run.{row['state']}", row, code=row["code"], reason=row["reason"], count=row["tasks"])
    held_by = f"{CHILD_PREFIX}{row['id']}"
    above = None if row["parent"] is None else tx.one("awaiting_run", held_by=held_by)
    if above is not None and above["cancel_requested"]:
        told = {"code": CANCELLED, "reason": above["reason"], "status": Status.CANCELLED}
        end(tx, [above], **told, begun={above["id"]})
    elif above is not None:
        tx.run("wake_parent", held_by=held_by)


def _open_child(tx: Transaction, task: sqlite3.Row) -> sqlite3.Row | None:
    """The run that a task waits for, where it goes on."""
    held_by = task["held_by"] or ""
    if not held_by.startswith(CHILD_PREFIX):
        return None
    child = tx.one("get_run", id=held_by.removeprefix(CHILD_PREFIX))
    return child if child is not None and child["finished"] is None else None


def end_with_child(tx: Transaction, task: sqlite3.Row, reason: str, end: EndTogether) -> bool:
    """Have a task that waits for a run end with it, which is asked to; false where it waits for none.

    It ends when nothing of that run runs any more, which may be at once: until then what it costs is open.
    """
    child = _open_child(tx, task)
    if child is None:
        return False
    tx.run("request_cancel_awaiting", seq=task["seq"], reason=reason)
    tx.emit("task.cancel_requested", task_id=task["id"], status="queued", reason=reason)
    _abort_child(tx, child, task["id"], end)
    return True


def end_child(tx: Transaction, task: sqlite3.Row, end: EndTogether) -> None:
    """A task has ended before the run that does it: that run is aborted."""
    if not (task["held_by"] or "").startswith(CHILD_PREFIX):
        return
    tx.run("child_over", task=task["seq"])
    child = _open_child(tx, task)
    if child is not None:
        _abort_child(tx, child, task["id"], end)


def _abort_child(tx: Transaction, child: sqlite3.Row, task_id: str, end: EndTogether) -> None:
    """Abort the run that does a task which ends; nothing happens where it is being stopped already."""
    stop(tx, child["seq"], "aborted", CANCELLED, f"{task_id}, whose work it does, has ended", end)


def tell(tx: Transaction, event: str, run: sqlite3.Row, **fields: Any) -> None:
    """Write an event about a run."""
    tx.emit(event, run_id=run["id"], **fields)


def reopened(tx: Transaction, names: Iterable[str]) -> None:
    """Tasks were sent back to the queue: their runs go on. Raises `TransitionNotAllowed` for a lost run."""
    for run_id, count in Counter(run for name in names if (run := run_of(name))).items():
        again = _go_on(tx, run_id, count)
        if again is not None:
            keep_in_mind(tx, again)


def complete(tx: Transaction, run_id: str, end: EndTogether) -> None:
    """Let a run that ended otherwise go on, all of whose tasks are approved: it completes."""
    again = _go_on(tx, run_id, 0)
    if again is not None:
        finish(tx, again["seq"], end)


def _go_on(tx: Transaction, run_id: str, count: int) -> sqlite3.Row | None:
    """Have a run be running with so many more open tasks; its row, none where it is not known.

    Raises `TransitionNotAllowed` for a lost one.
    """
    row = tx.one("get_run", id=run_id)
    if row is None:
        return None
    if lost_runs.is_lost(row):
        raise TransitionNotAllowed(f"The run {run_id!r} cannot go on: {lost_runs.TOLD}.")
    again = tx.one("run_reopened", id=run_id, count=count, deadline=new_deadline(tx, row, tx.now))
    if again is not None and row["state"] != "running":
        tell(tx, "run.resumed", again, count=count)
    return again


def new_deadline(tx: Transaction, run: sqlite3.Row, now: float) -> float | None:
    """When a run that goes on must have ended: by its own limit, its task's, and the run's above.

    In Unix seconds, as `now`; none: no limit.
    """
    limits = [json.loads(run["policy"]).get("run_timeout_ms")]
    above, task = None, None
    if run["parent"] is not None:
        above_id, _, name = run["parent"].partition(":")
        above = tx.one("get_run", id=above_id)
        task = None if above is None else tx.one("run_task_named", run=above["seq"], id=name)
    if task is not None:
        limits.append(json.loads(task["asked"]).get("timeout_ms"))
    moments = [now + limit / 1000 for limit in limits if limit]
    if above is not None and above["deadline"] is not None:
        moments.append(above["deadline"])
    return min(moments, default=None)


def keep_in_mind(tx: Transaction, run: sqlite3.Row) -> None:
    """A run some of whose tasks stay uncompleted does not complete, whatever comes of the others."""
    left = [row for row in tx.all("run_incomplete", run=run["seq"]) if row["code"] not in SKIPS]
    needed = tx.all("run_losses", ids=dump([row["id"] for row in left])) if left else []
    ended = [row["id"] for row in left if row["code"] == RUN_ENDED]
    if ended or any(each["required"] or run["on_failure"] != "required" for each in needed):
        decide(tx, run["seq"], "failed", INCOMPLETE, _why_incomplete(run, left, ended))


def _why_incomplete(run: sqlite3.Row, left: Sequence[sqlite3.Row], ended: Sequence[str]) -> str:
    """Why a run does not complete, of whose tasks these are left."""
    lost = [row["id"].partition(":")[2] for row in left if row["code"] == lost_runs.LOST]
    if lost:
        return lost_runs.why_incomplete(lost)
    name = (ended or [row["id"] for row in left])[0].partition(":")[2]
    return f"task {name} did not complete; `skep run resume {run['id']}` brings back all that did not"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task of a run needs of those that it waits for."""

    #: one that completed will do, once all have ended
    any: bool
    #: the tasks whose answers it needs, or that do its work; of others it waits for the end, however that is
    names: frozenset[str]
    #: of these what it began with
    deps: frozenset[str]


def needs_of(tx: Transaction, row: sqlite3.Row) -> Needs | None:
    """What a task needs of those that it waits for; none: all of them, as a task of no run does."""
    run = run_of(row["id"])
    found = tx.one("needs_of", task=row["seq"]) if run else None
    if found is None:
        return None
    deps, items = (
        frozenset(f"{run}:{name}" for name in json.loads(found[field] or "[]")) for field in ("deps", "items")
    )
    return Needs(bool(found["needs_any"]), deps | items, deps)


def is_skipped(tx: Transaction, task_id: str) -> bool:
    """Whether a task of a run was skipped by a condition, which is no failure of those that need it."""
    row = tx.one("get_task", id=task_id) if run_of(task_id) else None
    return row is not None and row["code"] in SKIPS
