"""How other threads reach into a run while it runs: cancel it, add tasks to it, give a budget more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from run_contract.errors import RunCompleted
from run_contract.records import RunTask


@dataclass(slots=True)
class Addition:
    """Tasks that somebody wants in a run."""

    tasks: list[RunTask]
    answer: Future[None] = field(default_factory=Future)


class RunControl:
    """The handle on one run. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = lambda: None
        self._additions: deque[Addition] = deque()
        self._cancelled = False
        self._over = False

    @property
    def cancelled(self) -> bool:
        """Whether the run was cancelled."""
        return self._cancelled

    def cancel(self) -> None:
        """Abort the run: what runs is asked to end, nothing more begins. Never blocks."""
        self._cancelled = True
        self._wake()

    def add(self, tasks: Sequence[RunTask]) -> Future[None]:
        """Add tasks to the run; they may wait for any that it has.

        The future holds what was wrong with them, or that the run is over (`RunCompleted`).
        """
        wanted = Addition(list(tasks))
        with self._lock:
            if self._over:
                wanted.answer.set_exception(RunCompleted("the run is over"))
                return wanted.answer
            self._additions.append(wanted)
        self._wake()
        return wanted.answer

    # -- for the run's own thread --------------------------------------------------------------------------

    def attach(self, wake: Callable[[], None]) -> None:
        """From now on, `wake` is called when something is wanted."""
        self._wake = wake

    def additions(self) -> list[Addition]:
        """What is wanted and was not answered."""
        if not self._additions:
            return []
        with self._lock:
            found = list(self._additions)
            self._additions.clear()
        return found

    def close(self) -> None:
        """The run is over: nothing can be added any more."""
        with self._lock:
            self._over = True
            left, self._additions = self._additions, deque()
        self._wake = lambda: None
        for each in left:
            each.answer.set_exception(RunCompleted("the run is over"))
