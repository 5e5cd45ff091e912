"""As many workers as a person wants, while the daemon runs (`store.capacity`)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from errors import SkepError
from store import capacity
from store.capacity import CAPACITY, Capacity
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
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
        self._write(lambda tx: capacity.note_start(tx, self._store.settings))

    def look(self) -> None:
        """Start workers that are missing, and let go of those that were one too many and have ended."""
        new = self._daemon.set_workers(self._wanted())
        if new:
            self._record.join(new)
        gone = self._daemon.take_gone()
        if gone:
            self._record.part(gone)

    def end(self) -> None:
        """After all have gone."""
        self._write(capacity.note_end)

    def _write(self, work: Callable[[Transaction], None]) -> None:
        try:
            self._store.write(work)
        except SkepError as error:  # a full disk stops no daemon
            logger.error("how the daemon was started could not be written: %s", error)

    def _wanted(self) -> int:
        """How many are wanted; as many as there are where the store does not say."""
        try:
            return Capacity.of(self._store.reader.fact(CAPACITY), self._store.settings).workers
        except SkepError as error:
            logger.error("how many workers are wanted cannot be read: %s", error)
            return len(self._daemon.workers)
