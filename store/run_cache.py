"""Which approved answers of runs' tasks may be taken again, by the hash of what was asked."""

from __future__ import annotations

import sqlite3

from store.asking import Asks
from store.transaction import Transaction


def note_key(tx: Transaction, task: int, key: str | None) -> None:
    """Keep what the attempt that is being judged was asked; none: its answer is not taken again."""
    tx.run("note_cache_key", task=task, key=key)


def find(asks: Asks, key: str, since: float) -> sqlite3.Row | None:
    """The newest approved task that was asked this, and has ended since a moment; none: there is none."""
    return asks.one("cached_answer", key=key, since=since)


def note_hit(tx: Transaction, row: sqlite3.Row, source: str) -> None:
    """A task is given the answer of another; what outputs that has is read by what this one is asked for."""
    tx.run("note_hit", task=row["seq"], source=source)
