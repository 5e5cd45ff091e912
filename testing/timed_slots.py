"""Work that takes a clock's time, and slots for it that a run in memory has in place of threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

from run_contract.job import Job
from run_contract.records import Run, TaskResult, Usage
from runs.work import Ended, WorkFailed, check_start, do_work
from testing.clock import FakeClock


@dataclass(frozen=True, slots=True)
class Deed:
    """What one attempt of a task does."""

    #: seconds it takes
    seconds: float = 1.0
    #: micro-dollars it uses, whatever comes of it
    micros: int = 0
    #: why it fails; none: it does not
    fails: str | None = None
    #: whether another attempt may go better
    may_help: bool = False

    def is_late(self, limit_s: float | None) -> bool:
        """Whether a time limit ends it."""
        return limit_s is not None and self.seconds >= limit_s

    def lasts(self, limit_s: float | None) -> float:
        """Seconds until it ends, by itself or by a time limit."""
        return min(self.seconds, math.inf if limit_s is None else limit_s)

    def text(self, name: str) -> str:
        """What it answers. Raises `WorkFailed`."""
        if self.fails is not None:
            raise WorkFailed(self.fails, Usage(0, self.micros), retryable=self.may_help)
        return f"ok:{name}"


#: What an attempt of a task does, by the task's id within its run and the number of the attempt.
Deeds = Callable[[str, int], Deed]


@dataclass(slots=True)
class _Flight:
    job: Job
    deed: Deed
    #: monotonic seconds
    ends: float


class TimedSlots:
    """Lets the time of a clock pass until the next work ends; it heeds at once what it is asked."""

    def __init__(self, most: int, deeds: Deeds, clock: FakeClock) -> None:
        self._most = most
        self._deeds = deeds
        self._clock = clock
        self._flights: list[_Flight] = []

    @property
    def free(self) -> int:
        """Slots that nothing stands in."""
        return self._most - len(self._flights)

    def start(self, run: Run | None, job: Job) -> None:
        """Begin a task's work. Raises as `runs.work.check_start`."""
        check_start(run, job)
        deed = self._deeds(job.task_id, job.attempt)
        ends = self._clock.monotonic() + deed.lasts(job.timeout_s)
        self._flights.append(_Flight(job, deed, ends))

    def next_end(self, timeout_s: float | None = None) -> Ended | None:
        """The next work that ends within so many seconds, which have passed then; none: none does."""
        now = self._clock.monotonic()
        until = math.inf if timeout_s is None else now + timeout_s
        soonest = min(self._flights, key=lambda flight: flight.ends, default=None)
        moment = min(until, math.inf if soonest is None else soonest.ends)
        assert moment < math.inf, "it waits for what will never be"
        self._clock.advance(moment - now)
        if soonest is None or soonest.ends > moment:
            return None
        self._flights.remove(soonest)
        return self._ended(soonest)

    @staticmethod
    def _ended(flight: _Flight) -> Ended:
        if flight.deed.is_late(flight.job.timeout_s):
            flight.job.asked.stop("timeout")
        return do_work(functools.partial(_done, flight.deed), flight.job)

    def stop(self, task_id: str, run_id: str) -> None:
        """Ask a task's work to end, which it does at once."""
        for flight in self._flights:
            if (flight.job.run_id, flight.job.task_id) == (run_id, task_id):
                flight.job.asked.stop("cancelled")
                flight.ends = self._clock.monotonic()

    def wake(self) -> None:
        """Nobody waits here."""

    def lingering(self, run_id: str) -> list[str]:
        """Nothing lingers here."""
        return []

    def close(self) -> None:
        """There is nothing to let go."""


def _done(deed: Deed, job: Job) -> TaskResult:
    if job.asked.reason == "cancelled":
        raise WorkFailed("it was cancelled", Usage(0, deed.micros))
    return TaskResult(deed.text(job.task_id), usage=Usage(0, deed.micros))
