"""Checks of a result, executed under the lease of the attempt they judge: each started and recorded once.

A check belongs to an attempt that has come to its result and is still being judged. One whose process died
without a word is begun again where repeating it does no harm, a few times; else nobody knows what it found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import host_platform
from errors import CallHeld
from outcome import Outcome
from store import decisions
from store.records import TaskRef
from store.transaction import Transaction

#: Times a check is begun before it counts as one that cannot judge: it may be what ends the process.
MOST_STARTS: Final = 3


@dataclass(frozen=True, slots=True)
class CheckRef:
    """A check of one attempt's result."""

    ref: TaskRef
    #: place of the task
    seq: int
    #: ``command:0``, ``model``
    name: str


def start(
    tx: Transaction,
    check: CheckRef,
    swarm: str,
    allow: Callable[[Transaction], CallHeld | None] | None,
    *,
    may_repeat: bool,
) -> sqlite3.Row | CallHeld | None:
    """Swarm begins to execute a check.

    Returns none when the start is now recorded, what holds it back as `allow` says, or the check as it
    stands: begun or ended before. Raises `errors.LeaseLost` where no result under this lease is being judged.
    """
    row = tx.one("held", id=check.ref.id, lease=check.ref.lease)
    attempt = tx.one("get_attempt", id=check.ref.id, lease=check.ref.lease)
    if row is None or attempt is None or attempt["outcome"] is None:
        raise decisions.lease_lost(check.ref)
    before = tx.one("get_check", task=check.seq, lease=check.ref.lease, named=check.name)
    if before is not None and not (may_repeat and _is_lost(before)):
        return before
    held = None if allow is None else allow(tx)
    if held is not None:
        return held
    tx.run(
        "start_check" if before is None else "start_check_again",
        task=check.seq,
        lease=check.ref.lease,
        named=check.name,
        swarm=swarm,
        now=tx.now,
    )
    return None


def _is_lost(row: sqlite3.Row) -> bool:
    """Whether its process died without an outcome, and it may be begun once more."""
    if row["outcome"] is not None or row["starts"] >= MOST_STARTS:
        return False
    return not host_platform.ProcessId.parse(row["swarm"]).is_alive()


def record(tx: Transaction, check: CheckRef, outcome: Outcome, *, may_repeat: bool) -> bool:
    """Keep what a check brought; the first word stands.

    With `may_repeat` one that was stopped is as if it had never begun: whoever judges then asks again.
    """
    if outcome.status == "cancelled" and may_repeat:
        tx.run("forget_check", task=check.seq, lease=check.ref.lease, named=check.name)
        return True
    kept = tx.run(
        "record_check",
        task=check.seq,
        lease=check.ref.lease,
        named=check.name,
        outcome=outcome.model_dump_json(exclude_none=True),
        now=tx.now,
    )
    return kept.rowcount == 1
