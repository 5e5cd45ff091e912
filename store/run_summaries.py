"""Summaries that tasks of runs are told in place of earlier answers: each begun and recorded once.

A summary is asked for under the lease of a claimed task, before its attempt. What a model once said of a text
is kept with the task, so that an attempt that follows asks, and pays, no second time.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import host_platform
from errors import CallHeld
from outcome import Outcome
from store import decisions
from store.records import TaskRef
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SummaryRef:
    """One text that is summarised for a task."""

    ref: TaskRef
    #: place of the task
    seq: int
    #: SHA-256 of what the model is asked
    digest: str


def digest_of(prompt: str, mark: str | None, model: str | None) -> str:
    """What tells one question from another: who is asked, and its words but for the delimiter in them."""
    words = prompt if mark is None else prompt.replace(mark, "")
    return hashlib.sha256(f"{model}\0{words}".encode("utf-8", "surrogatepass")).hexdigest()


def start(
    tx: Transaction, wanted: SummaryRef, swarm: str, allow: Callable[[Transaction], CallHeld | None] | None
) -> sqlite3.Row | CallHeld | None:
    """Swarm begins to ask for a summary.

    Returns none when the start is now recorded, what holds it back as `allow` says, or the summary as it
    stands: under way, or there. Raises `errors.LeaseLost` where the lease is not the task's own any more.
    """
    if tx.one("held", id=wanted.ref.id, lease=wanted.ref.lease) is None:
        raise decisions.lease_lost(wanted.ref)
    before = tx.one("get_summary", task=wanted.seq, digest=wanted.digest)
    if before is not None and _stands(before, wanted.ref.lease):
        return before
    held = None if allow is None else allow(tx)
    if held is not None:
        return held
    values = {"task": wanted.seq, "digest": wanted.digest, "lease": wanted.ref.lease}
    tx.run("start_summary", swarm=swarm, now=tx.now, **values)
    return None


def _stands(row: sqlite3.Row, lease: int) -> bool:
    """Whether a summary is there, or is being made for this very lease."""
    if row["outcome"] is not None:
        return Outcome.model_validate_json(row["outcome"]).status == "completed"
    return row["lease"] == lease and host_platform.ProcessId.parse(row["swarm"]).is_alive()


def record(tx: Transaction, wanted: SummaryRef, outcome: Outcome) -> bool:
    """Keep what came of it; a word under a lease that has been superseded is dropped."""
    kept = tx.run(
        "record_summary",
        task=wanted.seq,
        digest=wanted.digest,
        lease=wanted.ref.lease,
        outcome=outcome.model_dump_json(exclude_none=True),
        now=tx.now,
    )
    return kept.rowcount == 1
