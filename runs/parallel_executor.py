"""Does the work of tasks in threads, so many at once, each within its time.

A slot is free again when the work in it has really ended, and not a moment before: work that was told to stop
and does not is given up after a grace, so that its run can go on, but its slot stays taken and its late
result counts for nothing. So never more than `max_parallelism` pieces of work run, whatever they do. Time
counts from the moment a piece has a slot.

One thread, the run's, calls the methods here; only `wake` may be called by any. The work is told of time and
cancellation by `Job.asked`; it cannot be killed, which is why real commands belong to a process and real
model calls to a client that can be cancelled.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from clock import Clock, SystemClock
from run_contract.errors import TaskNotReady
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import Run
from runs.work import Ended, Work, check_start, do_work, names_in, stopped

_GRACE_S: Final = 5.0


@dataclass(slots=True)
class _Flight:
    """Work in a slot."""

    job: Job
    ended: Ended | None = None
    given_up: bool = False


class ParallelExecutor:
    """Runs work in at most so many threads.

    Parameters:
        max_parallelism: slots; less than 1 counts as 1.
        work: what is done for a task.
        grace_s: seconds work may take to end after it was asked to, before it is given up.
    """

    def __init__(
        self, max_parallelism: int, work: Work, *, grace_s: float = _GRACE_S, clock: Clock | None = None
    ) -> None:
        self.max_parallelism = max(1, max_parallelism)
        self._work = work
        self._grace_s = grace_s
        self._clock = clock or SystemClock()
        self._jobs: queue.SimpleQueue[_Flight | None] = queue.SimpleQueue()
        self._ends: queue.SimpleQueue[_Flight | None] = queue.SimpleQueue()
        self._backlog: deque[Job] = deque()
        self._flights: dict[tuple[str, str], _Flight] = {}
        #: work in slots, given up or not
        self._taken = 0
        self._threads: list[threading.Thread] = []
        self._alarms: list[tuple[float, int, _Flight, str]] = []
        self._numbers = itertools.count()

    @classmethod
    def of_policy(cls, policy: RunPolicy, work: Work) -> ParallelExecutor:
        """As many slots as the policy says."""
        return cls(policy.max_parallelism, work, grace_s=policy.stop_grace_ms / 1000)

    @property
    def free(self) -> int:
        """Slots that nothing stands in or waits for."""
        return self.max_parallelism - self._taken - len(self._backlog)

    def start(self, run: Run | None, job: Job) -> None:
        """Begin a task's work, or let it wait for a slot.

        Raises `InvalidInput`, `TaskNotFound`, and `TaskNotReady` where the run does not run, or the task has
        ended or is being worked on.
        """
        check_start(run, job)
        key = (job.run_id, job.task_id)
        if key in self._flights or any((each.run_id, each.task_id) == key for each in self._backlog):
            raise TaskNotReady(f"task {job.task_id} is being worked on")
        self._backlog.append(job)
        self._fill()

    def next_end(self, timeout_s: float | None = None) -> Ended | None:
        """The next work that ended, waiting so many seconds at most; none where none did, or after `wake`."""
        until = None if timeout_s is None else self._clock.monotonic() + timeout_s
        while True:
            now = self._clock.monotonic()
            given_up = self._ring(now)
            if given_up is not None:
                return given_up
            try:
                flight = self._ends.get(timeout=self._wait(now, until))
            except queue.Empty:
                if until is not None and self._clock.monotonic() >= until:
                    return None
                continue
            if flight is None:
                return None
            return self._landed(flight)

    def stop(self, task_id: str, run_id: str) -> None:
        """Ask a task's work to end as cancelled; work that has not begun never will."""
        flight = self._flights.get((run_id, task_id))
        if flight is not None:
            self._ask(flight, "cancelled", self._clock.monotonic())
            return
        for job in [each for each in self._backlog if (each.run_id, each.task_id) == (run_id, task_id)]:
            self._backlog.remove(job)
            job.asked.stop("cancelled")
            self._taken += 1
            self._flights[run_id, task_id] = flight = _Flight(job)
            flight.ended = Ended(job, error=stopped(job))
            self._ends.put(flight)

    def wake(self) -> None:
        """Let `next_end` return. Any thread may call this."""
        self._ends.put(None)

    def lingering(self, run_id: str) -> list[str]:
        """The tasks of a run whose work was given up and runs still; ``TASK:INNER`` of runs within it."""
        given_up = (flight.job for flight in self._flights.values() if flight.given_up)
        return names_in(run_id, given_up)

    def close(self) -> None:
        """Let the threads go; those whose work does not end go with the process."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads.clear()

    # -- in the run's thread -------------------------------------------------------------------------------

    def _fill(self) -> None:
        while self._backlog and self._taken < self.max_parallelism:
            job = self._backlog.popleft()
            flight = _Flight(job)
            self._flights[job.run_id, job.task_id] = flight
            self._taken += 1
            if job.timeout_s:
                self._alarm(self._clock.monotonic() + job.timeout_s, flight, "timeout")
            if len(self._threads) < self._taken:
                self._hire()
            self._jobs.put(flight)

    def _hire(self) -> None:
        name = f"run-work-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _alarm(self, at: float, flight: _Flight, what: str) -> None:
        heapq.heappush(self._alarms, (at, next(self._numbers), flight, what))

    def _wait(self, now: float, until: float | None) -> float | None:
        """Seconds until the caller or an alarm wants attention; none: for ever."""
        while self._alarms and self._alarms[0][2].ended is not None:
            heapq.heappop(self._alarms)
        soonest = [at for at in (until, self._alarms[0][0] if self._alarms else None) if at is not None]
        return max(0.0, min(soonest) - now) if soonest else None

    def _ring(self, now: float) -> Ended | None:
        """Tell work whose time is up to end; work that has had its grace is given up."""
        while self._alarms and self._alarms[0][0] <= now:
            _, _, flight, what = heapq.heappop(self._alarms)
            if flight.ended is not None or flight.given_up:
                continue
            if what == "timeout":
                self._ask(flight, "timeout", now)
            else:
                flight.given_up = True
                return Ended(flight.job, error=stopped(flight.job), lingers=True)
        return None

    def _ask(self, flight: _Flight, reason: str, now: float) -> None:
        if flight.ended is None and flight.job.asked.reason is None:
            flight.job.asked.stop(reason)
            self._alarm(now + self._grace_s, flight, "give up")

    def _landed(self, flight: _Flight) -> Ended | None:
        """Free the slot. None for work that was given up before."""
        self._taken -= 1
        del self._flights[flight.job.run_id, flight.job.task_id]
        self._fill()
        return None if flight.given_up else flight.ended

    # -- in the threads of the slots -----------------------------------------------------------------------

    def _serve(self) -> None:
        while (flight := self._jobs.get()) is not None:
            flight.ended = do_work(self._work, flight.job)
            self._ends.put(flight)
