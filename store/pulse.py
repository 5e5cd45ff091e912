"""Noticing that somebody has committed: within 20 ms, and after seconds of quiet when the system tells of it.

Where it tells nothing: within 50 ms, after a minute within 100 ms. What this process takes in itself, a queue
file that was saved for one, waits for no look (`Pulse.beat`).
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from errors import StoreError
from store.commit_ear import CommitEar
from store.reading import Reader

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.02
#: Looks in a row that found nothing, after which the store counts as idle and is looked at less often; and
#: those after which it is at rest: five seconds, and a minute.
IDLE_AFTER_LOOKS: Final = 250
IDLE_LOOK_S: Final = 0.05
REST_AFTER_LOOKS: Final = 1350
REST_LOOK_S: Final = 0.1
#: Looks of an idle store whose commits the system tells of, and how late it may tell.
LISTENING_LOOK_S: Final = 1.0
TELLING_S: Final = 0.1


def pause_after(quiet_looks: int) -> float:
    """Seconds until the next look, after so many in a row that found nothing."""
    if quiet_looks < IDLE_AFTER_LOOKS:
        return LOOK_EVERY_S
    return IDLE_LOOK_S if quiet_looks < REST_AFTER_LOOKS else REST_LOOK_S


class Pulse:
    """Wakes those who wait for the store to change. A look costs some microseconds."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._listeners: list[threading.Event] = []
        self._is_over = False
        #: somebody may have committed, or this is over
        self._told = threading.Event()
        self._ear = CommitEar(reader.path, self._told)
        self._thread = threading.Thread(target=self._watch, name="store-pulse", daemon=True)

    def listen(self, listener: threading.Event) -> None:
        """Set `listener` whenever anybody has committed."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def beat(self) -> None:
        """Wake those who wait, now: this process has committed what is not to wait for the next look."""
        for listener in self._listeners:
            listener.set()

    def stop(self) -> None:
        """Look no more."""
        self._is_over = True
        self._told.set()
        self._thread.join()

    def _watch(self) -> None:
        seen, quiet_looks = -1, 0
        while not self._is_over:
            is_told, listened = self._rest(quiet_looks)
            version = self._look(seen)
            quiet_looks += 1
            if is_told or version != seen:
                # What is told of comes before the commit can be seen: it is looked for.
                quiet_looks = 0
            if version != seen:
                seen = version
                self.beat()
                if listened and not is_told and not self._told.wait(TELLING_S):
                    self._ear.missed()
        self._ear.end()

    def _rest(self, quiet_looks: int) -> tuple[bool, bool]:
        """Wait for the next look: whether the system told of a change, and whether it was to meanwhile."""
        pause = pause_after(quiet_looks)
        listens = False
        if quiet_looks < IDLE_AFTER_LOOKS:
            self._ear.end()
            self._told.clear()
        elif self._ear.is_listening:
            pause, listens = LISTENING_LOOK_S, True
        else:
            self._ear.listen()
        is_told = self._told.wait(pause)
        self._told.clear()
        return is_told, listens

    def _look(self, seen: int) -> int:
        try:
            return self._reader.data_version()
        except StoreError as error:
            logger.warning("the store cannot be looked at: %s", error)
            return seen
