"""Copying committed rows into their file, in a thread of its own, for as long as this worker leads.

The log and the audit are exported side by side: what keeps one from being written does not hold up the other.
What is wrong is told once, in the daemon's log again when it becomes something else, and once more when it is
over; a try follows every second either way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from errors import SkepError
from store.reading import AUDIT_BLOCKED, LOG_BLOCKED
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds after which to look even if nothing was committed.
LOOK_ANYWAY_S: Final = 1.0


class Export(Protocol):
    """What keeps one file up with the store."""

    def export_new(self) -> int:
        """Append what the file lacks."""

    def sync_if_due(self, monotonic: float) -> bool:
        """Bring it to disk now and then."""

    def close(self) -> None:
        """Bring everything to disk and let the file go."""


class Exporting:
    """Runs one export.

    Parameters:
        name: what is exported, as the daemon's log calls it.
        committed: set when somebody has committed.
        tell: called with the error when a pass fails, with none when one succeeds; for every pass.
    """

    def __init__(
        self,
        name: str,
        export: Export,
        committed: threading.Event,
        tell: Callable[[Exception | None], None],
    ) -> None:
        self._name = name
        self._export = export
        self._committed = committed
        self._tell = tell
        self._log = Changes(f"the {name} cannot be written", f"the {name} can be written again")
        how = f"how the {name} stands"
        self._telling_log = Changes(f"{how} cannot be told", f"{how} can be told again")
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name} export", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is there, then end."""
        self._ends.set()
        self._committed.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            is_last = self._ends.is_set()
            self._committed.clear()
            self._take_note(self._trouble_of(self._pass))
            if is_last:
                self._close()
                return
            self._committed.wait(LOOK_ANYWAY_S)

    def _pass(self) -> None:
        self._export.export_new()
        self._export.sync_if_due(time.monotonic())

    def _close(self) -> None:
        """That a file was let go says nothing of whether it can be written."""
        trouble = self._trouble_of(self._export.close)
        if trouble is not None:
            self._take_note(trouble)

    @staticmethod
    def _trouble_of(step: Callable[[], None]) -> Exception | None:
        try:
            step()
        except Exception as error:  # the next pass tries again, whatever it was
            return error
        return None

    def _take_note(self, trouble: Exception | None) -> None:
        self._log.note(trouble)
        told: Exception | None = None
        try:
            self._tell(trouble)
        except (SkepError, OSError) as error:
            told = error
        self._telling_log.note(told)


class Changes:
    """Logs what is wrong when it begins, when it becomes something else, and when it is over.

    Parameters:
        wrong: what is, as the beginning of a sentence.
        over: what is said when it no longer is.
    """

    def __init__(self, wrong: str, over: str) -> None:
        self._wrong = wrong
        self._over = over
        self._words: str | None = None

    def note(self, trouble: Exception | None) -> None:
        """Take note of how it went, again and again."""
        words = None if trouble is None else _words(trouble)
        if words == self._words:
            return
        self._words = words
        if trouble is None:
            logger.info("%s", self._over)
        else:
            is_foreseen = isinstance(trouble, SkepError | OSError)
            logger.error("%s: %s", self._wrong, words, exc_info=None if is_foreseen else trouble)


class Standing:
    """Keeps on record whether one copy can be written; an event tells when that changes.

    Parameters:
        store: where it is kept.
        fact: under which name.
        note: keeps why it cannot be written, or (none) that it can.
        meaning: that it cannot, and what that means, as the beginning of a sentence.
    """

    def __init__(
        self, store: SqliteStore, fact: str, note: Callable[[str | None], None], meaning: str
    ) -> None:
        self._store = store
        self._fact = fact
        self._note = note
        self._meaning = meaning
        self._is_open: bool | None = None
        #: set once it is known, and on record, whether it can be written
        self.is_known = threading.Event()

    def tell(self, trouble: Exception | None) -> None:
        """Take note of a pass. Raises `StoreError` where that cannot be kept; the next pass tries again."""
        self._keep(trouble)
        self.is_known.set()

    def _keep(self, trouble: Exception | None) -> None:
        is_open = trouble is None
        if is_open is self._is_open:
            return
        if self._is_open is None and is_open and self._store.reader.fact(self._fact) is None:
            self._is_open = True
            return
        self._note(None if trouble is None else f"{self._meaning}: {_words(trouble)}")
        self._is_open = is_open


def audit_gate(store: SqliteStore) -> Standing:
    """Lets nothing new start while the audit cannot be written, and goes on by itself when it can."""
    meaning = "the audit cannot be written, so nothing new starts"
    return Standing(store, AUDIT_BLOCKED, store.set_audit_blocked, meaning)


def log_standing(store: SqliteStore) -> Standing:
    """Tells of a log that cannot be written; it is made good from the store when it can."""
    meaning = "execution_log.jsonl cannot be written; tasks go on, and it will be brought up to date"
    return Standing(store, LOG_BLOCKED, store.set_log_blocked, meaning)


def _words(trouble: Exception) -> str:
    return trouble.message if isinstance(trouble, SkepError) else str(trouble) or type(trouble).__name__
