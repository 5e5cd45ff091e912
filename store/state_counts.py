"""How many tasks are in each state: counted once for all threads of a process, however many ask.

To count means to go through an index of every task, some milliseconds at a hundred thousand. It is done anew
only where anybody has written since. Who can do with a moment's age, as pages that are refreshed anyway,
says so with `keep`; what this process itself has written is in the counts all the same.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Seconds for which counts are kept at the most, however long it takes to count.
MOST_KEPT_S: Final = 1.0
#: Of the time, at most one part in so many is spent on counting.
_SHARE: Final = 20


@dataclass(frozen=True, slots=True)
class _Counted:
    #: what this process had written, and what anybody had
    own: int
    version: int
    counts: dict[str, int]
    #: monotonic seconds until which it may be told though others have written
    fresh_until: float


class StateCounts:
    """The counts of one store.

    Parameters:
        open_connection: gives a connection for these counts alone.
        query: the SQL that counts.
        own_writes: rises with everything this process commits.
    """

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        query: str,
        own_writes: Callable[[], int] = lambda: 0,
    ) -> None:
        self._open = open_connection
        self._query = query
        self._own_writes = own_writes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._kept_s = 0.0
        self._counted: _Counted | None = None

    def keep(self, seconds: float) -> None:
        """Tell counts of that age though others have written since: longer where it takes long to count."""
        self._kept_s = seconds

    def get(self) -> dict[str, int]:
        """How many tasks are in each state that any is in. Raises `sqlite3.Error`, `StoreError`."""
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            own = self._own_writes()
            version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            found = self._counted
            if found is None or not self._is_true(found, own, version):
                found = self._counted = self._count(self._connection, own, version)
            return dict(found.counts)

    def _is_true(self, found: _Counted, own: int, version: int) -> bool:
        if found.own != own:
            return False
        return found.version == version or time.monotonic() < found.fresh_until

    def _count(self, connection: sqlite3.Connection, own: int, version: int) -> _Counted:
        began = time.monotonic()
        counts = {row["state"]: row["count"] for row in connection.execute(self._query)}
        ended = time.monotonic()
        kept_s = min(MOST_KEPT_S, max(self._kept_s, _SHARE * (ended - began))) if self._kept_s else 0.0
        return _Counted(own, version, counts, ended + kept_s)
