"""Claiming, heartbeats and the fence: who may run a task, and who may still say what came of it.

A claim raises attempt and lease in one statement and is durable before anything starts. From then on every
word about the attempt must name the lease; one that has been superseded is dropped, with an event that says
so. A lease lasts until its owner's heartbeats stop, never for a fixed time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clock import to_rfc3339
from faults import fault_point
from host_platform import ProcessId
from outcome import Outcome
from store import lanes, subtasks
from store.asking import Asks
from store.records import Claim, TaskRef
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Claimant:
    """A worker that claims."""

    #: the name people see
    worker_id: str
    owner: ProcessId
    #: seconds a lease lasts without a heartbeat
    lease_s: float


def claim(
    tx: Transaction, who: Claimant, slots: int, gate: lanes.Gate, limits: lanes.ConcurrencyLimits
) -> list[sqlite3.Row]:
    """Take up to `slots` ready tasks, the most urgent first, as the gate and the limits allow; their rows."""
    claims: list[sqlite3.Row] = []
    if gate.paused is None and slots > 0:
        running = lanes.spread(tx.all("running_lanes"))
        while len(claims) < slots and (taken := _take(tx, who, running, gate, limits, slots - len(claims))):
            running += [row["lane"] for row in taken]
            claims += taken
            for row in taken:
                gate = gate.after_claim(row["lane"])
    if claims:
        _note(tx, claims)
        fault_point("claim.before_commit")
    return claims


def _take(
    tx: Transaction,
    who: Claimant,
    running: list[str],
    gate: lanes.Gate,
    limits: lanes.ConcurrencyLimits,
    slots: int,
) -> list[sqlite3.Row]:
    """The next task, with those that follow it where nothing else is to be weighed first."""
    heads = [lanes.Head(*row) for row in tx.all("ready_heads")]
    lane = lanes.choose(heads, running, gate, limits)
    if lane is None:
        return []
    rows = tx.all(
        "claim",
        lane=lane,
        most=lanes.at_once(lane, heads, gate, slots),
        owner=str(who.owner),
        worker_id=who.worker_id,
        lease_expires=tx.monotonic + who.lease_s,
        now=tx.now,
    )
    return sorted(rows, key=lambda row: (-row["priority"], row["seq"]))


def _note(tx: Transaction, rows: Sequence[sqlite3.Row]) -> None:
    tx.insert(
        "insert_attempt",
        [(row["seq"], row["lease"], row["attempts"], row["worker_id"], tx.now) for row in rows],
    )
    for row in rows:
        tx.emit(
            "task.in_progress",
            task_id=row["id"],
            status="in_progress",
            worker_id=row["worker_id"],
            attempt=row["attempts"],
            lease=row["lease"],
            mode=row["lane"].partition("|")[0],
        )
        if row["plan_parent"] is not None:
            subtasks.tell_start(tx, row)
        tx.mark_dirty(row["seq"])


def heartbeat(tx: Transaction, who: Claimant, held: Iterable[TaskRef]) -> list[TaskRef]:
    """Renew the leases that are still ours; return those that are not."""
    lost = []
    for ref in held:
        renewed = tx.run(
            "renew_lease",
            id=ref.id,
            lease=ref.lease,
            owner=str(who.owner),
            lease_expires=tx.monotonic + who.lease_s,
        )
        if renewed.rowcount == 0:
            lost.append(ref)
    return lost


def held(tx: Transaction, ref: TaskRef, about: str) -> sqlite3.Row | None:
    """The task's row if `ref` is its current lease; otherwise none, and an event that `about` was dropped."""
    row = tx.one("held", id=ref.id, lease=ref.lease)
    if row is None:
        now = tx.one("get_task", id=ref.id)
        tx.emit(
            "task.result_dropped",
            task_id=ref.id,
            lease=ref.lease,
            reason=f"{about} came under lease {ref.lease}, but "
            + (f"the task is {now['state']} under lease {now['lease']}" if now else "there is no such task"),
        )
    return row


def adopt(tx: Transaction, who: Claimant, row: sqlite3.Row) -> Claim | None:
    """Take over a running task whose worker is gone; none if somebody else was faster."""
    taken = tx.one(
        "adopt",
        seq=row["seq"],
        lease=row["lease"],
        old_owner=row["owner"],
        owner=str(who.owner),
        worker_id=who.worker_id,
        lease_expires=tx.monotonic + who.lease_s,
    )
    if taken is None:
        return None
    tx.emit(
        "task.adopted",
        task_id=taken["id"],
        status="in_progress",
        worker_id=who.worker_id,
        attempt=taken["attempts"],
        lease=taken["lease"],
        owner=row["owner"],
    )
    tx.mark_dirty(taken["seq"])
    return Claim.from_row(taken)


def leave(tx: Transaction, ref: TaskRef) -> None:
    """A worker that stops leaves a task whose result is not judged yet: the next one takes it over."""
    row = held(tx, ref, "a stop")
    if row is not None:
        tx.emit(
            "task.left",
            task_id=ref.id,
            status="in_progress",
            worker_id=row["worker_id"],
            attempt=row["attempts"],
            lease=ref.lease,
        )


def ends_since(reader: Asks, claim: Claim, outcome: Outcome) -> int:
    """How many workers that held a lease have ended since its outcome was there, and not in good order."""
    attempt = reader.one("get_attempt", id=claim.id, lease=claim.ref.lease)
    found = reader.one(
        "adoptions_since",
        task_id=claim.id,
        after=None if attempt is None else attempt["ended_event"],
        since=to_rfc3339(outcome.ended_at),
    )
    return 0 if found is None else max(0, int(found["n"]))


def is_abandoned(row: sqlite3.Row, monotonic: float) -> bool:
    """Whether a running task's worker is gone, or has been silent for longer than its lease."""
    owner = ProcessId.parse(row["owner"])
    return not owner.is_alive() or row["lease_expires"] < monotonic
