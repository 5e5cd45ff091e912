"""What is being executed right now, and how each of it is stopped.

A lease is entered before its start is recorded, so a second call for it is turned away without asking the
store; a cancellation that overtakes its call is remembered and meets it here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Literal

from store.records import TaskRef

#: Cancellations that are remembered for calls that have not come yet.
REMEMBERED: Final = 10_000

#: Why an execution was stopped: for a person, because this process ends, or by the kill switch.
Why = Literal["cancelled", "stopping", "halted"]


class Running:
    """One execution under way."""

    def __init__(self, ref: TaskRef, mode: Literal["llm", "local"], started_at: float) -> None:
        self.ref = ref
        self.mode = mode
        #: Unix seconds
        self.started_at = started_at
        #: set once it was told to stop
        self.stopped: Why | None = None
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None

    def on_stop(self, stop: Callable[[], None]) -> None:
        """How it is stopped from now on; done at once if it has been told to before."""
        with self._lock:
            self._stop = stop
            told = self.stopped is not None
        if told:
            stop()

    def stop(self, why: Why) -> None:
        """Tell it to stop; the first reason stands."""
        with self._lock:
            self.stopped = self.stopped or why
            stop = self._stop
        if stop is not None:
            stop()


class RunningSet:
    """Every execution of this process. Safe to use from every thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[TaskRef, Running] = {}
        self._cancelled_early: dict[TaskRef, None] = {}
        self._closed = False

    def begin(self, ref: TaskRef, mode: Literal["llm", "local"], started_at: float) -> Running | None:
        """Enter an execution; none if its lease is being executed."""
        running = Running(ref, mode, started_at)
        with self._changed:
            if ref in self._running:
                return None
            if ref in self._cancelled_early:
                del self._cancelled_early[ref]
                running.stop("cancelled")
            elif self._closed:
                running.stop("stopping")
            self._running[ref] = running
            self._changed.notify_all()
        return running

    def end(self, running: Running) -> None:
        """It is over, and what came of it is durable."""
        with self._changed:
            del self._running[running.ref]
            self._changed.notify_all()

    def cancel(self, ref: TaskRef) -> bool:
        """Stop one; false if it does not run here."""
        with self._changed:
            running = self._running.get(ref)
        if running is not None:
            running.stop("cancelled")
        return running is not None

    def remember_cancelled(self, ref: TaskRef) -> None:
        """A lease whose call has not come: when it comes, it does not start."""
        with self._changed:
            running = self._running.get(ref)
            if running is None:
                self._cancelled_early[ref] = None
                if len(self._cancelled_early) > REMEMBERED:
                    del self._cancelled_early[next(iter(self._cancelled_early))]
        if running is not None:
            running.stop("cancelled")

    def close(self) -> None:
        """Whatever begins from now on is stopped before it starts."""
        with self._changed:
            self._closed = True

    def stop_all(self, why: Why) -> None:
        """Stop everything that runs."""
        self.stopping(why)()

    def stopping(self, why: Why) -> Callable[[], None]:
        """How to stop what runs now, and nothing that begins later."""
        found = self.all()

        def stop() -> None:
            for running in found:
                running.stop(why)

        return stop

    def wait_until_busy(self, timeout_s: float) -> bool:
        """Wait until something runs; false if nothing does when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._running), timeout_s)

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until nothing runs; false if something still does when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout_s)

    def all(self) -> list[Running]:
        """Everything that runs, in the order it began."""
        with self._changed:
            return list(self._running.values())
