"""What answers the store's queries, for whoever only reads: a reader, or a transaction amid its changes."""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol


class Asks(Protocol):
    """A reader, or a transaction."""

    def one(self, name: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a query, or none."""

    def all(self, name: str, **values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""
