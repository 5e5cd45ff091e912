"""The threads that answer: of those that sleep, the one wakes that fell asleep last.

Waitress wakes the one that has slept longest, so that requests one after another go through all threads, and
each finds its own connection to the store, its prepared statements and its memory cold. This way a few
threads do nearly all of the work, however many there are for a rush.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import cast

from waitress.task import ThreadedTaskDispatcher


class Dispatcher(ThreadedTaskDispatcher):
    """Waitress's own, but for who is woken."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.queue_cv = cast("threading.Condition", Sleepers(self.lock))
        self.set_thread_count(threads)


class Sleepers:
    """What waitress asks of a `threading.Condition`, with the newest sleeper woken first.

    Every method is called while `lock` is held.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._bells: list[threading.Lock] = []

    def wait(self) -> None:
        """Sleep until woken, with the lock let go meanwhile."""
        bell = threading.Lock()
        bell.acquire()
        self._bells.append(bell)
        self._lock.release()
        try:
            bell.acquire()
        finally:
            self._lock.acquire()

    def notify(self) -> None:
        """Wake one, if any sleeps."""
        _ring(self._bells[-1:])
        del self._bells[-1:]

    def notify_all(self) -> None:
        """Wake all."""
        _ring(self._bells)
        self._bells.clear()


def _ring(bells: Iterable[threading.Lock]) -> None:
    for bell in bells:
        bell.release()
