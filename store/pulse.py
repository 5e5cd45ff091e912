"""Noticing that somebody has committed: within 20 ms, 50 ms after seconds of quiet, 100 ms after a minute.

What this process takes in itself, such as a queue file that was saved, waits for no look (`Pulse.beat`).
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from errors import StoreError
from store.reading import Reader

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.02
#: Looks in a row that found nothing, after which the store counts as idle and is looked at less often; and
#: those after which it is at rest: five seconds, and a minute.
IDLE_AFTER_LOOKS: Final = 250
IDLE_LOOK_S: Final = 0.05
REST_AFTER_LOOKS: Final = 1350
REST_LOOK_S: Final = 0.1


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
        self._stop = threading.Event()
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
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        seen, quiet_looks = -1, 0
        while not self._stop.wait(pause_after(quiet_looks)):
            try:
                version = self._reader.data_version()
            except StoreError as error:
                logger.warning("the store cannot be looked at: %s", error)
                continue
            quiet_looks += 1
            if version != seen:
                seen, quiet_looks = version, 0
                self.beat()
