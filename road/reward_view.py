"""Keeps the view of the ledger up with the store: seldom, and only when there is something new to show."""

from __future__ import annotations

from typing import Final

from enrichment import ledger_view
from store.sqlite_store import SqliteStore

#: Seconds between two writings at least, and between looks whether the file is still there.
QUIET_S: Final = 2.0
LOOK_S: Final = 10.0


class RewardView:
    """Writes one home's view. For the leader."""

    def __init__(self, store: SqliteStore, most: int) -> None:
        self._store = store
        self._path = store.home.reward_ledger
        self._most = most
        #: how far the ledger went when the file was written
        self._shown: int | None = None

    def write_if_changed(self) -> bool:
        """Write the file where it is missing or lacks something; whether it did. Raises `OSError`."""
        row = self._store.reader.one("last_entry")
        newest = None if row is None else row["seq"]
        if newest is None or (newest == self._shown and self._path.is_file()):
            return False
        ledger_view.write(self._path, self._store.reader, self._most)
        self._shown = newest
        return True
