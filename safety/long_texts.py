"""Checks of long texts, one after the other in a thread of their own; who waits for one may give it up."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final, Generic, TypeVar

Found = TypeVar("Found")

#: Seconds between looks whether anybody still waits.
LOOK_EVERY_S: Final = 0.1


class GivenUp(Exception):
    """Nobody waits for the check any more: the task was stopped. It says nothing of the text."""


class OneByOne(Generic[Found]):
    """Makes dear checks in turn. The thread begins with the first, and does not hold up the process's end."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Future[Found], Callable[[], Found]]] = queue.SimpleQueue()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    def make(self, check: Callable[[], Found], is_over: Callable[[], bool]) -> Found:
        """What a check finds. Raises `GivenUp` soon after `is_over` says so, or what the check raises.

        One that has not begun by then is not made; one that has is made to its end, for nobody.
        """
        future: Future[Found] = Future()
        context = contextvars.copy_context()
        self._asked.put((future, lambda: context.run(check)))
        self._begin()
        while not wait([future], LOOK_EVERY_S).done:
            if is_over():
                future.cancel()
                raise GivenUp
        return future.result()

    def _begin(self) -> None:
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="long-texts", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        while True:
            future, check = self._asked.get()
            if future.set_running_or_notify_cancel():
                _make(future, check)


def _make(future: Future[Found], check: Callable[[], Found]) -> None:
    try:
        found = check()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(found)
