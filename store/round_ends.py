"""What the end of a round means for the task that asked for it: it ran, so it fails as that round did.

A task that became rounds waits for the end of the next one, and that for the one after. Where one ends badly
none of them is a task that never began: each was asked and paid, and fails with what the last one met.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from store import run_ends
from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a task fails whose rounds ended badly."""

    code: str
    #: for a person
    reason: str


def is_in_rounds(tx: Transaction, row: sqlite3.Row) -> bool:
    """Whether a task was done, and waits or waited for a further round of itself."""
    return bool(run_ends.run_of(row["id"])) and tx.one("is_in_rounds", task=row["seq"]) is not None


def cause_of(tx: Transaction, row: sqlite3.Row, name: str) -> Cause | None:
    """Why a task fails for the sake of `name`, the end of its next round; none where it waits for none."""
    if not is_in_rounds(tx, row):
        return None
    first = tx.one("failed_first", id=name)
    if first is None:
        return None
    code = first["code"] or first["state"]
    return Cause(code, f"{first['reason'] or code} ({first['id'].partition(':')[2]}, in its rounds)")


def failed_first(tx: Transaction, row: sqlite3.Row) -> sqlite3.Row | None:
    """Of a task that failed by its rounds what failed in the last of them; none for any other."""
    if row["state"] != "failed" or not is_in_rounds(tx, row):
        return None
    return tx.one("failed_first", id=row["id"])
