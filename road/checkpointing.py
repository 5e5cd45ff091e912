"""The leader's duty to keep the workspace after approvals: seen at a glance, done in a thread of its own.

What is due stands in the store since the approval, so whatever dies in between, the next leader makes it. A
large workspace takes a while to look through, and nothing else waits for that.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from errors import SkepError
from review.checkpoints.keeping import Keeper
from store import checkpoints
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds until what failed for now, as on a full disk, is tried again.
TRY_AGAIN_S: Final = 5.0


class Checkpointing:
    """Makes the checkpoints that are due; its thread begins with the first."""

    def __init__(self, store: SqliteStore, keeper: Keeper) -> None:
        self._store = store
        self._keeper = keeper
        self._wake = threading.Event()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Have it made where one is due; and what a killed rollback left is taken away."""
        self._keeper.tidy()
        if checkpoints.due(self._store.reader):
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
                self._thread.start()
            self._wake.set()

    def stop(self) -> None:
        """End the one that is being made; what is due then waits for the next leader."""
        self._ends.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ends.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                while not self._ends.is_set() and self._keeper.keep_due():
                    pass
            except (SkepError, OSError) as error:
                logger.error("no checkpoint for now: %s", error)
                self._ends.wait(TRY_AGAIN_S)
            except Exception:
                logger.exception("checkpoints failed")
                self._ends.wait(TRY_AGAIN_S)
