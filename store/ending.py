"""Where tasks end and what follows for those that wait: one function for every end, rescue included.

An approved task takes one from the count of each dependant, in the same transaction, so a claim never has to
look at dependencies. Any other end fails the dependants, near and far, with the name of the one that ended;
when a person sends that one back to the queue, they come back with it.

A task that was split ends with the first of its subtasks that ends badly, and takes those with it that have
not started. It comes back as a whole: whatever of it had not been approved is tried again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, Final

from run_contract.needing import did_not_complete, was_skipped
from runtime_contract import Status, check_transition
from store import cycles, round_ends, run_ends, subtasks, suspects
from store.records import STATUS_OF_STATE
from store.transaction import Transaction, dump

#: The code of a task that failed because one it waited for did.
DEPENDENCY_FAILED: Final = "dependency_failed"
#: The code of a split task that failed because one of its subtasks did.
SUBTASK_FAILED: Final = "subtask_failed"
#: The code of a subtask that was withdrawn because the task it is a part of had ended.
PLAN_ENDED: Final = "plan_ended"
_FOR_ITS_SAKE: Final = frozenset({DEPENDENCY_FAILED, SUBTASK_FAILED, run_ends.DEPENDENCY_SKIPPED})
#: States of tasks that have not started.
UNSTARTED: Final = frozenset({"blocked", "delayed", "ready"})


def end_task(
    tx: Transaction,
    row: sqlite3.Row,
    status: Status,
    *,
    reason: str | None = None,
    code: str | None = None,
    result: dict[str, Any] | None = None,
    **event_fields: Any,
) -> None:
    """End a task and let its dependants know. Raises `TransitionNotAllowed`."""
    check_transition(STATUS_OF_STATE[row["state"]], status, row["id"])
    ended = _end(tx, row, status, reason, code, result, event_fields)
    if status is Status.APPROVED:
        release_children(tx, row["id"])
        run_ends.follow(tx, ended, end_together)
    else:
        _fail_dependants(tx, ended)


def end_together(
    tx: Transaction,
    rows: Sequence[sqlite3.Row],
    *,
    code: str,
    reason: str,
    status: Status = Status.FAILED,
    begun: Collection[str] = (),
    **event_fields: Any,
) -> None:
    """End several tasks for one reason, and only then those that wait for them.

    Those of a run whose ids are in `begun` are told as tasks that were asked, and did not end by themselves.
    """
    ended: dict[str, Status] = {}
    for row in rows:
        if row["id"] not in ended:
            own = run_ends.CANCELLED if row["id"] in begun else code
            if row["id"] in begun:
                tx.run("note_begun", seq=row["seq"])
            ended |= _end(tx, row, status, reason, own, None, event_fields)
    _fail_dependants(tx, [*ended.items()])


def _end(
    tx: Transaction,
    row: sqlite3.Row,
    status: Status,
    reason: str | None,
    code: str | None,
    result: dict[str, Any] | None,
    event_fields: dict[str, Any],
) -> list[tuple[str, Status]]:
    """End a task, and with it those of its subtasks that have not started; all that ended, and how."""
    tx.run(
        "end_task",
        seq=row["seq"],
        state=status.value,
        code=code,
        reason=reason,
        now=tx.now,
        result=None if result is None else dump(result),
    )
    tx.emit(
        f"task.{status.value}",
        task_id=row["id"],
        status=status.value,
        worker_id=row["worker_id"],
        attempt=row["attempts"] or None,
        reason=reason,
        code=code,
        **event_fields,
    )
    tx.mark_dirty(row["seq"])
    if row["held_by"] is not None:
        run_ends.end_child(tx, row, end_together)
    if row["plan_parent"] is not None:
        subtasks.tell_end(tx, row, status, reason)
    ended = [(row["id"], status)]
    if row["planned"] and status is not Status.APPROVED:
        why = ended_with(row["id"], status)
        for each in tx.all("subtasks_of", parent=row["id"]):
            if each["state"] in UNSTARTED:
                ended += _end(tx, each, Status.CANCELLED, why, PLAN_ENDED, None, {})
    return ended


def ended_with(parent: str, status: str) -> str:
    """Why a subtask ends that nothing is wrong with."""
    return f"{parent}, which it is a part of, ended {status}; `skep retry {parent}` brings both back"


def release_children(tx: Transaction, parent: str) -> None:
    """One thing less to wait for, for everyone who waits for `parent`."""
    for child in tx.all("release_children", parent=parent):
        tx.mark_dirty(child["seq"])
        if child["waiting_on"] == 0 and child["state"] == "blocked":
            make_claimable(tx, child)


def make_claimable(tx: Transaction, row: sqlite3.Row) -> None:
    """Nothing holds a task but, perhaps, its time. A schedule itself is never claimed, only its firings."""
    not_before = row["not_before"]
    is_later = row["every"] is not None or (not_before is not None and not_before > tx.now)
    tx.run(
        "set_state",
        seq=row["seq"],
        state="delayed" if is_later else "ready",
        waiting_for=None,
        not_before=not_before,
    )


def fail_children(tx: Transaction, parent: str, status: Status) -> None:
    """Everyone who waits for `parent`, near or far, fails with it."""
    _fail_dependants(tx, [(parent, status)], known=1)


def _fail_dependants(tx: Transaction, ended: list[tuple[str, Status]], known: int = 0) -> None:
    """Fail who waits for these, near and far. The first `known` of them had ended before."""
    over = {name for name, _ in ended}
    left, gone_too = list(ended), list(ended[known:])
    for name, how in left:  # grows while it is read: so everyone names the nearest that ended
        # what was split goes first: it takes its own unstarted subtasks with it
        for child in sorted(tx.all("children_of", parent=name), key=lambda row: (-row["planned"], row["id"])):
            if child["id"] not in over and child["state"] in UNSTARTED:
                if _may_do_without(tx, child, [name]):
                    continue
                gone = _end_for_the_sake_of(tx, child, name, how)
                over |= {each for each, _ in gone}
                left += gone
                gone_too += gone
    run_ends.follow(tx, gone_too, end_together)


def _may_do_without(tx: Transaction, row: sqlite3.Row, dead: Sequence[str]) -> bool:
    """Whether a task can do without these that it waits for, which have ended; if that was all, it is let go.

    Of rounds that it does not need it waits for the end alone. Where any dependency will do only those count
    that have not ended; one must be approved. What is in rounds of its own has run, and waits for these.
    """
    needs = run_ends.needs_of(tx, row)
    if needs is None:
        return False
    if round_ends.is_in_rounds(tx, row):
        return needs.deps.issuperset(dead)
    waited_for = {each["id"]: each["state"] for each in tx.all("parents_of", child=row["seq"])}
    states = [state for name, state in waited_for.items() if name in needs.names]
    if not needs.any and any(map(is_dead, states)):
        return False
    if needs.any and "approved" not in states and all(map(is_dead, states)):
        return False
    open_ones = sum(state != "approved" and not is_dead(state) for state in waited_for.values())
    tx.run("set_waiting_on", seq=row["seq"], waiting_on=open_ones)
    if not open_ones and row["state"] == "blocked":
        make_claimable(tx, row)
    tx.mark_dirty(row["seq"])
    return True


def _end_for_the_sake_of(
    tx: Transaction, row: sqlite3.Row, name: str, how: Status
) -> list[tuple[str, Status]]:
    """Fail a task because the one of that name, which it waits for, ended so; all that ended with it."""
    name = _needed(tx, row, name)
    own = name.partition(":")[2]  # of a task of a run
    reason = did_not_complete(own) if own else _why_with(tx, name, f"ended {how}")
    code = DEPENDENCY_FAILED
    if run_ends.is_skipped(tx, name):
        reason = was_skipped(own)
        skipped = run_ends.DEPENDENCY_SKIPPED
        return _end(tx, row, Status.CANCELLED, reason, skipped, None, {"depends_on": [name]})
    cause = round_ends.cause_of(tx, row, name)
    if cause is not None:
        tx.run("note_begun", seq=row["seq"])
        return _end(tx, row, Status.FAILED, cause.reason, cause.code, None, {"depends_on": [name]})
    part = tx.one("get_task", id=name) if row["planned"] else None
    if part is not None and part["plan_parent"] == row["id"]:
        code = SUBTASK_FAILED
        told = f" ({part['reason']})" if part["reason"] else ""
        reason = (
            f"its subtask {name} ended {how}{told}; `skep retry {row['id']}` tries again what failed "
            "and keeps what is approved"
        )
    return _end(tx, row, Status.FAILED, reason, code, None, {"depends_on": [name]})


def _why_with(tx: Transaction, name: str, how: str) -> str:
    """Why a task fails that waits for the one of that name, and what brings both back."""
    row = tx.one("get_task", id=name)
    if row is not None and cycles.is_closed(tx, row):
        return cycles.why_with(name)
    return f"waits for {name}, which {how}; `skep retry {name}` brings both back"


def _needed(tx: Transaction, row: sqlite3.Row, name: str) -> str:
    """The task for whose sake one ends: `name`, or where it only waits for the end of that, one it needs."""
    needs = run_ends.needs_of(tx, row)
    if needs is None or name in needs.names:
        return name
    waited_for = tx.all("parents_of", child=row["seq"])
    dead = [each["id"] for each in waited_for if each["id"] in needs.names and is_dead(each["state"])]
    return min(dead, default=name)


def reopen_together(tx: Transaction, rows: Sequence[sqlite3.Row], by: str) -> None:
    """Send ended tasks of a run back to the queue, all that it did not complete, so that none is dead."""
    for row in rows:
        _send_back(tx, row, f"sent back by {by}", by)
    run_ends.reopened(tx, [row["id"] for row in rows])


def _send_back(tx: Transaction, row: sqlite3.Row, reason: str, by: str) -> None:
    parents = tx.all("parents_of", child=row["seq"])
    waiting_on = sum(each["state"] != "approved" for each in parents)
    state = "blocked" if waiting_on else "ready"
    tx.run("reopen_task", seq=row["seq"], state=state, waiting_on=waiting_on)
    suspects.clear(tx, row)
    tx.emit("task.retried", task_id=row["id"], status="queued", reason=reason, source=by)
    tx.mark_dirty(row["seq"])
    if not waiting_on:
        make_claimable(tx, row)


def reopen(tx: Transaction, row: sqlite3.Row, by: str) -> list[str]:
    """Send an ended task back to the queue, and with it those that failed for its sake; the ids of all.

    Those that wait for another ended task too fail again. Raises `TransitionNotAllowed`.
    """
    check_transition(STATUS_OF_STATE[row["state"]], Status.PENDING, row["id"])
    revived = _failed_for_the_sake_of(tx, row)
    for task, parent in revived.values():
        _send_back(tx, task, f"sent back by {by}" if parent is None else f"{parent} was sent back", by)
    run_ends.reopened(tx, revived)
    for task, _ in revived.values():
        _fail_behind_the_dead(tx, task["seq"])
    return list(revived)


def _failed_for_the_sake_of(tx: Transaction, row: sqlite3.Row) -> dict[str, tuple[sqlite3.Row, str | None]]:
    """The task and everyone, near and far, who ended only because it did, each once with whom it followed.

    With a task that was split come all of its subtasks that ended without being approved.
    """
    found: dict[str, tuple[sqlite3.Row, str | None]] = {row["id"]: (row, None)}
    left = [row]
    while left:
        one = left.pop()
        back = [each for each in tx.all("children_of", parent=one["id"]) if _followed(tx, each)]
        if one["planned"]:
            back += [each for each in tx.all("subtasks_of", parent=one["id"]) if is_dead(each["state"])]
        for each in back:
            if each["id"] not in found:
                found[each["id"]] = (each, one["id"])
                left.append(each)
    return found


def _followed(tx: Transaction, row: sqlite3.Row) -> bool:
    """Whether a task that waits for another ended only because that did."""
    if row["code"] in _FOR_ITS_SAKE:
        return True
    return is_dead(row["state"]) and round_ends.is_in_rounds(tx, row)


def _fail_behind_the_dead(tx: Transaction, seq: int) -> None:
    dead = [each["id"] for each in tx.all("parents_of", child=seq) if is_dead(each["state"])]
    row = tx.one("get_task_by_seq", seq=seq)
    if dead and row is not None and row["state"] == "blocked" and not _may_do_without(tx, row, dead):
        own = dead[0].partition(":")[2]
        reason = did_not_complete(own) if own else _why_with(tx, dead[0], "has ended")
        cause = round_ends.cause_of(tx, row, dead[0])
        if cause is None:
            cause = round_ends.Cause(DEPENDENCY_FAILED, reason)
        else:
            tx.run("note_begun", seq=row["seq"])
        ended = _end(tx, row, Status.FAILED, cause.reason, cause.code, None, {"depends_on": dead})
        _fail_dependants(tx, ended)


def is_dead(state: str | None) -> bool:
    """Whether a dependency in this state will not be approved by itself."""
    return state in {"failed", "safety_blocked", "cancelled"}


def read_result(row: sqlite3.Row) -> dict[str, Any]:
    """What the last attempt of a task brought."""
    found: dict[str, Any] = json.loads(row["result"]) if row["result"] else {}
    return found


def let_go(tx: Transaction, held_by: str) -> int:
    """Whoever is held by something that is gone may be claimed again; how many that were."""
    count = 0
    while rows := tx.all("held_tasks", held_by=held_by, limit=1000):
        for row in rows:
            make_claimable(tx, row)
            tx.mark_dirty(row["seq"])
        count += len(rows)
    return count
