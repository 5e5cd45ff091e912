"""How the daemon's processes stand, put on record as they come and go, so that every face can tell it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from errors import SkepError
from settings import Home
from store import last_words, processes
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from supervisor.refusal import Refusal

logger = logging.getLogger(__name__)

Found = TypeVar("Found")


class ProcessRecord:
    """The record of one daemon's processes. A store that takes no word of it stops no daemon."""

    def __init__(self, home: Home, store: SqliteStore) -> None:
        self._home = home
        self._store = store

    def enter(self, names: Iterable[str]) -> None:
        """These are about to start."""
        entered = list(names)
        for name in entered:
            last_words.take(self._home, name)  # an earlier daemon's
        self._write(lambda tx: processes.enter(tx, entered))

    def fall(self, name: str, code: int, refusal: Refusal | None = None) -> None:
        """A process fell over: why, in its own words where it left any. Told once until that changes."""
        words = last_words.take(self._home, name) if refusal is None else refusal.reason
        reason = words or f"it ended with code {code} and is started again"
        passes = words is None if refusal is None else refusal.passes

        def keep(tx: Transaction) -> None:
            if processes.fall(tx, name, reason, passes=passes):
                tx.emit("daemon.crashed", process=name, exit_code=code, reason=f"{name} is not up: {reason}")

        self._write(keep)

    def join(self, names: Iterable[str]) -> None:
        """These are about to start beside those that run."""
        joined = list(names)
        for name in joined:
            last_words.take(self._home, name)
        self._write(lambda tx: processes.join(tx, joined))

    def part(self, names: Iterable[str]) -> None:
        """These have gone because fewer workers are wanted."""
        gone = list(names)
        self._write(lambda tx: processes.part(tx, gone))

    def leave(self) -> None:
        """All have gone."""
        self._write(processes.leave)

    def reason(self, name: str) -> str:
        """The sentence about a process that is not up."""
        unknown = f"{name} is not up"
        try:
            return processes.down(self._store.reader.fact(processes.PROCESSES)).get(name, unknown)
        except SkepError:
            return unknown

    def _write(self, work: Callable[[Transaction], Found]) -> None:
        try:
            self._store.write(work)
        except SkepError as error:
            logger.error("how the processes stand could not be written: %s", error)
