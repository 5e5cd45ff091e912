"""What the leader does about the two halts of a home: it tells of the kill switch, and trips the breaker."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from safety import circuit_breaker
from safety.circuit_breaker import Bounds, End
from store import budgets, kill_file
from store.reading import PAGE
from store.sqlite_store import SqliteStore

#: Seconds between looks at the kill switch, to tell what was done by hand. Stopping does not wait for it.
KILL_SWITCH_LOOK_S: Final = 0.5
#: Seconds after an event at which the circuit breaker looks, and after which it looks anyway.
BREAKER_SOON_S: Final = 0.25
BREAKER_LOOK_S: Final = 5.0


class KillSwitchTeller:
    """Tells of the kill switch where a hand, or a verb that did not reach the store, has changed it."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._has_looked = False
        self._seen: kill_file.KillFile | None = None

    def look(self) -> None:
        """Look once; the store is asked only where the file is not as it was."""
        found = kill_file.look(self._store.home.kill_switch)
        if not self._has_looked or found != self._seen:
            self._store.note_kill_switch()
            self._seen, self._has_looked = found, True


class Breaker:
    """Follows how tasks end, and trips the circuit breaker.

    What it goes by is the history, of which it reads what is new. So a start, or another leader, finds what
    this one would, and a reset is an event like any other, from which counting begins anew.
    """

    def __init__(self, store: SqliteStore, bounds: Bounds) -> None:
        self._store = store
        self._bounds = bounds
        #: the newest ends since the last reset
        self._ends: list[End] = []
        #: place in the history up to which it has read; none: not at all
        self._seen: int | None = None
        #: when it was last reset, Unix seconds
        self._since = 0.0
        #: whether this has been dealt with; a reset makes it new
        self._has_tripped = False

    def look(self) -> None:
        """Read what is new, and trip if it is too much."""
        if not self._read() or self._has_tripped or self._seen is None:
            return
        trip = circuit_breaker.judge(self._ends, self._spent(), self._bounds)
        if trip is not None:
            self._store.trip_breaker(trip, self._seen)
            self._has_tripped = True

    def _read(self) -> bool:
        """Read on; whether there was anything."""
        last = self._store.reader.one("last_event_seq")
        newest = int(last["seq"]) if last is not None else 0
        if newest == self._seen:
            return False
        if self._seen is None:
            self._take(self._store.reader.all("newest_ends", limit=circuit_breaker.WINDOW)[::-1])
        else:
            while rows := self._store.reader.all("ends_after", after=self._seen, limit=PAGE):
                self._take(rows)
        self._seen = max(newest, self._seen or 0)
        return True

    def _take(self, rows: list[sqlite3.Row]) -> None:
        for row in rows:
            self._seen = row["seq"]
            if row["event"] == "daemon.breaker_reset":
                self._ends.clear()
                self._since = datetime.fromisoformat(row["ts"]).timestamp()
                self._has_tripped = False
            elif row["event"] == "task.approved" or circuit_breaker.counts(
                row["code"], bool(row["reviewer"])
            ):
                self._ends.append(_end_of(row))
        del self._ends[: -circuit_breaker.WINDOW]

    def _spent(self) -> int:
        if self._bounds.spend_per_minute is None:
            return 0
        since = self._store.clock.now() - circuit_breaker.MINUTE_S
        return budgets.spent_since(self._store.reader, max(since, self._since))


def _end_of(row: sqlite3.Row) -> End:
    return End(
        task_id=str(row["task_id"]),
        mode=str(row["lane"]).partition("|")[0],
        is_failure=row["event"] == "task.failed",
        code=str(row["code"] or ""),
        reason=str(row["reason"] or ""),
    )
