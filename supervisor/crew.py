"""As many workers as a person wants, while the daemon runs (`store.capacity`)."""

from __future__ import annotations

import logging

from errors import SkepError
from store.capacity import CAPACITY, Capacity
from store.sqlite_store import SqliteStore
from supervisor.daemon import Daemon
from supervisor.standing import ProcessRecord

logger = logging.getLogger(__name__)


class Crew:
    """Keeps the workers of one daemon at the number that is wanted."""

    def __init__(self, daemon: Daemon, record: ProcessRecord, store: SqliteStore) -> None:
        self._daemon = daemon
        self._record = record
        self._store = store

    def begin(self) -> None:
        """Before anything starts: as many as were wanted last."""
        self._daemon.set_workers(self._wanted())

    def look(self) -> None:
        """Start workers that are missing, and let go of those that were one too many and have ended."""
        new = self._daemon.set_workers(self._wanted())
        if new:
            self._record.join(new)
        gone = self._daemon.take_gone()
        if gone:
            self._record.part(gone)

    def _wanted(self) -> int:
        """How many are wanted; as many as there are where the store does not say."""
        try:
            return Capacity.of(self._store.reader.fact(CAPACITY), self._store.settings).workers
        except SkepError as error:
            logger.error("how many workers are wanted cannot be read: %s", error)
            return len(self._daemon.workers)
