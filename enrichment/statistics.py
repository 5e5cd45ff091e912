"""How an identity is doing: counted from the store, which alone knows.

The leader shows it in the identity's file as well (`statistics_file.py`), for whoever opens that.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, replace
from typing import Any

from clock import to_rfc3339
from store import ledger
from store.reading import Reader


@dataclass(frozen=True, slots=True)
class Statistics:
    """What one identity did and earned."""

    identity: str
    tasks: int = 0
    #: attempts that came to a verdict or a failure
    attempts: int = 0
    approved: int = 0
    rejected: int = 0
    failed: int = 0
    cost_micros: int = 0
    #: tokens
    earned: int = 0
    spent: int = 0
    balance: int = 0
    #: when its last attempt ended, RFC 3339
    last_ended: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The figures as every face shows them."""
        return {name: value for name, value in asdict(self).items() if name != "identity"}


def statistics_of(reader: Reader, identity: str | None = None) -> list[Statistics]:
    """The figures of one identity, or of all that ever did or earned anything; by name."""
    did = {row["identity"]: row for row in reader.all("identity_statistics", identity=identity)}
    purses = [ledger.purse_of(reader, identity)] if identity else ledger.purses(reader)
    has = {purse.identity: purse for purse in purses if purse.earned or purse.identity in did}
    return [_of(name, did.get(name), has.get(name, ledger.Purse(name))) for name in sorted({*did, *has})]


def _of(identity: str, row: sqlite3.Row | None, purse: ledger.Purse) -> Statistics:
    did = Statistics(identity, earned=purse.earned, spent=purse.spent, balance=purse.balance)
    if row is None:
        return did
    return replace(
        did,
        tasks=row["tasks"],
        attempts=row["attempts"],
        approved=row["approved"],
        rejected=row["rejected"],
        failed=row["failed"],
        cost_micros=row["cost_micros"],
        last_ended=None if row["last_ended"] is None else to_rfc3339(row["last_ended"]),
    )
