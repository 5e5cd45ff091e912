"""Room for more tasks: what runs at once in all stays within what is wanted, also when workers die.

A worker knows what it holds itself. What it cannot know by that is what swarm still executes for a worker
that died, which it or another will adopt, and what others adopted beyond their own places. So it is counted
in the transaction that claims; else every crash would add as many tasks as a worker runs.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from store import claims
from store.rescue import execution_of
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Shared:
    """Places that workers have together."""

    #: tasks that run at once in all of them
    at_once: int
    #: their names
    workers: frozenset[str]


def left(tx: Transaction, shared: Shared | None, wanted: int) -> int:
    """How many of the `wanted` places may be taken; all of them where nothing is shared."""
    if shared is None or wanted <= 0:
        return wanted
    running = tx.one("count_running")
    if running is not None and running["n"] + wanted <= shared.at_once:
        return wanted
    groups = tx.all("running_by_owner", monotonic=tx.monotonic)
    taken: int = sum(row["n"] for row in groups if _takes_a_place(row, shared, tx.monotonic))
    return max(0, min(wanted, shared.at_once - taken))


def _takes_a_place(row: sqlite3.Row, shared: Shared, monotonic: float) -> bool:
    """Whether what runs counts. What nobody executes is left out, so that it can keep nothing waiting."""
    if claims.is_abandoned(row, monotonic):
        return execution_of(row) in {"running", "ended"}  # what is adopted
    return row["worker_id"] in shared.workers
