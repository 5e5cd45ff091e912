"""What the leader does about the two halts of a home: it tells of the kill switch, and trips the breaker."""

from __future__ import annotations

from typing import Final

from store import kill_file
from store.sqlite_store import SqliteStore

#: Seconds between looks at the kill switch, to tell what was done by hand. Stopping does not wait for it.
KILL_SWITCH_LOOK_S: Final = 0.5


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
