"""Where tasks end and what follows for those that wait: one function for every end, rescue included.

An approved task takes one from the count of each dependant, in the same transaction, so a claim never has to
look at dependencies. Any other end fails the dependants, near and far, with the name of the one that ended;
when a person sends that one back to the queue, they come back with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from runtime_contract import Status, check_transition
from store.records import STATUS_OF_STATE
from store.transaction import Transaction, dump

#: The code of a task that failed because one it waited for did.
DEPENDENCY_FAILED = "dependency_failed"


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
    check_transition(STATUS_OF_STATE[row["state"]], status)
    _end(tx, row, status, reason, code, result, event_fields)
    if status is Status.APPROVED:
        release_children(tx, row["id"])
    else:
        fail_children(tx, row["id"], status)


def end_together(
    tx: Transaction, rows: Sequence[sqlite3.Row], *, code: str, reason: str, **event_fields: Any
) -> None:
    """Fail several tasks for one reason, and only then those that wait for them."""
    for row in rows:
        _end(tx, row, Status.FAILED, reason, code, None, event_fields)
    for row in rows:
        fail_children(tx, row["id"], Status.FAILED)


def _end(
    tx: Transaction,
    row: sqlite3.Row,
    status: Status,
    reason: str | None,
    code: str | None,
    result: dict[str, Any] | None,
    event_fields: dict[str, Any],
) -> None:
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
    ended: list[tuple[str, Status]] = [(parent, status)]
    while ended:
        name, how = ended.pop()
        for child in tx.all("children_of", parent=name):
            if STATUS_OF_STATE[child["state"]] is Status.PENDING:
                reason = f"waits for {name}, which ended {how}; `skep retry {name}` brings both back"
                _end(tx, child, Status.FAILED, reason, DEPENDENCY_FAILED, None, {"depends_on": [name]})
                ended.append((child["id"], Status.FAILED))


def reopen(tx: Transaction, row: sqlite3.Row, by: str) -> list[str]:
    """Send an ended task back to the queue, and with it those that failed for its sake; the ids of all.

    Those that wait for another ended task too fail again. Raises `TransitionNotAllowed`.
    """
    check_transition(STATUS_OF_STATE[row["state"]], Status.PENDING)
    revived = _failed_for_the_sake_of(tx, row)
    for task_id, (task, parent) in revived.items():
        parents = tx.all("parents_of", child=task["seq"])
        waiting_on = sum(each["state"] != "approved" for each in parents)
        state = "blocked" if waiting_on else "ready"
        tx.run("reopen_task", seq=task["seq"], state=state, waiting_on=waiting_on)
        reason = f"sent back by {by}" if parent is None else f"{parent} was sent back"
        tx.emit("task.retried", task_id=task_id, status="queued", reason=reason, source=by)
        tx.mark_dirty(task["seq"])
        if not waiting_on:
            make_claimable(tx, task)
    for task, _ in revived.values():
        _fail_behind_the_dead(tx, task["seq"])
    return list(revived)


def _failed_for_the_sake_of(tx: Transaction, row: sqlite3.Row) -> dict[str, tuple[sqlite3.Row, str | None]]:
    """The task and everyone, near and far, who failed only because it ended, each once with its parent."""
    found: dict[str, tuple[sqlite3.Row, str | None]] = {row["id"]: (row, None)}
    names = [row["id"]]
    while names:
        name = names.pop()
        for child in tx.all("children_of", parent=name):
            if child["code"] == DEPENDENCY_FAILED and child["id"] not in found:
                found[child["id"]] = (child, name)
                names.append(child["id"])
    return found


def _fail_behind_the_dead(tx: Transaction, seq: int) -> None:
    dead = [each["id"] for each in tx.all("parents_of", child=seq) if is_dead(each["state"])]
    row = tx.one("get_task_by_seq", seq=seq)
    if dead and row is not None and row["state"] == "blocked":
        reason = f"waits for {dead[0]}, which has ended; `skep retry {dead[0]}` brings both back"
        _end(tx, row, Status.FAILED, reason, DEPENDENCY_FAILED, None, {"depends_on": dead})
        fail_children(tx, row["id"], Status.FAILED)


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
