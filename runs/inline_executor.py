"""Does the work of tasks in the run's own thread, one after the other: for work that returns at once.

A hand-over between threads costs more than a whole turn of the orchestrator, so functions that only compute,
made-up answers and attempts that a person lets through one by one are better done here. Nothing can interrupt
such work: a time limit is noticed when it returns.
"""

from __future__ import annotations

import threading
from collections import deque

from clock import Clock, SystemClock
from run_contract.errors import TaskCancelled, TaskNotReady
from run_contract.job import Job
from run_contract.records import Run, TaskResult
from runs.work import Ended, Work, check_start, do_work


class InlineExecutor:
    """Runs work where it is asked for.

    Parameters:
        max_parallelism: how much may be started before an end is asked for; less than 1 counts as 1.
    """

    def __init__(self, max_parallelism: int, work: Work, clock: Clock | None = None) -> None:
        self.max_parallelism = max(1, max_parallelism)
        self._work = work
        self._clock = clock or SystemClock()
        self._jobs: deque[Job] = deque()
        self._names: set[tuple[str, str]] = set()
        self._woken = threading.Event()

    @property
    def free(self) -> int:
        """How much more may be started."""
        return self.max_parallelism - len(self._jobs)

    def start(self, run: Run | None, job: Job) -> None:
        """Keep a task's work until its end is asked for. Raises as `ParallelExecutor.start`."""
        check_start(run, job)
        if (job.run_id, job.task_id) in self._names:
            raise TaskNotReady(f"task {job.task_id} is being worked on")
        self._names.add((job.run_id, job.task_id))
        self._jobs.append(job)

    def next_end(self, timeout_s: float | None = None) -> Ended | None:
        """Do the oldest work that was started; where there is none, wait for so long or for `wake`."""
        if not self._jobs:
            self._woken.wait(timeout_s)
            self._woken.clear()
            return None
        job = self._jobs.popleft()
        self._names.discard((job.run_id, job.task_id))
        return do_work(_refuse if job.asked.reason is not None else self._timed, job)

    def _timed(self, job: Job) -> TaskResult:
        if not job.timeout_s:
            return self._work(job)
        until = self._clock.monotonic() + job.timeout_s
        try:
            return self._work(job)
        finally:
            if self._clock.monotonic() >= until:
                job.asked.stop("timeout")

    def stop(self, task_id: str, run_id: str) -> None:
        """Work that has not begun never will."""
        for job in self._jobs:
            if (job.run_id, job.task_id) == (run_id, task_id):
                job.asked.stop("cancelled")

    def wake(self) -> None:
        """Let `next_end` return where it waits. Any thread may call this."""
        self._woken.set()

    def lingering(self, run_id: str) -> list[str]:
        """Nothing lingers here."""
        return []

    def close(self) -> None:
        """There is nothing to let go."""


def _refuse(job: Job) -> TaskResult:
    raise TaskCancelled(f"task {job.task_id} was cancelled before it began")
