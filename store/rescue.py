"""Running tasks whose worker is gone: what swarm has is picked up, the rest is decided by `effect`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from host_platform import ProcessId
from store import claims
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A running task without a living worker, and what is known of its execution."""

    row: sqlite3.Row
    #: ended: an outcome is stored; running: swarm still executes it; unstarted: swarm never began;
    #: lost: it began, and the process that executed it is gone without an outcome
    execution: Literal["ended", "running", "unstarted", "lost"]


def find_abandoned(tx: Transaction) -> list[Abandoned]:
    """Every running task whose worker is gone or has been silent for longer than its lease."""
    return [
        Abandoned(row, execution_of(row))
        for row in tx.all("running")
        if claims.is_abandoned(row, tx.monotonic)
    ]


def execution_of(row: sqlite3.Row) -> Literal["ended", "running", "unstarted", "lost"]:
    """What is known of an attempt's execution (a row with ``swarm`` and ``outcome``)."""
    if row["outcome"] is not None:
        return "ended"
    if row["swarm"] is None:
        return "unstarted"
    return "running" if ProcessId.parse(row["swarm"]).is_alive() else "lost"
