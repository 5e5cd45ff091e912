"""The work of one attempt: what it is given, what may come of it, and that nothing it does breaks a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from errors import SkepError
from run_contract.errors import (
    InvalidInput,
    InvalidResult,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    TaskNotReady,
    TaskTimeout,
)
from run_contract.job import Job
from run_contract.records import ENDED, Run, RunState, TaskResult, Usage

#: Does the work of one attempt. Whatever it raises is a failure; `usage` of that says what was spent anyway.
Work = Callable[[Job], TaskResult]


class WorkFailed(Exception):
    """Work that failed, and what is known of it.

    Parameters:
        usage: what it used all the same.
        code: of the error, where it has one of its own.
        retryable: whether the same may well go better another time.
    """

    def __init__(
        self, message: str, usage: Usage | None = None, code: str = "", *, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.usage = usage or Usage()
        self.code = code
        self.retryable = retryable


@dataclass(slots=True)
class Ended:
    """How the work of an attempt ended."""

    job: Job
    result: TaskResult | None = None
    error: SkepError | None = None
    #: what the work itself raised
    cause: Exception | None = None
    #: whether it was given up and runs still
    lingers: bool = False


def check_start(run: Run | None, job: Job) -> None:
    """Raise where a task's work must not begin: `InvalidInput`, `TaskNotFound`, `TaskNotReady`."""
    if run is None:
        raise InvalidInput("no run to execute in")
    if run.state is not RunState.RUNNING:
        raise TaskNotReady(f"run {run.id} is {run.state}")
    task = run.tasks.get(job.task_id)
    if task is None:
        raise TaskNotFound(f"{job.task_id} is no task of the run")
    if task.state in ENDED:
        raise TaskNotReady(f"task {task.id} is {task.state} already")


def names_in(run_id: str, jobs: Iterable[Job]) -> list[str]:
    """The tasks of those jobs that are of a run or of runs within it, as that run names them, sorted."""
    own = f"{run_id}:"
    names = (f"{job.run_id}:{job.task_id}" for job in jobs)
    return sorted(name.removeprefix(own) for name in names if name.startswith(own))


def do_work(work: Work, job: Job) -> Ended:
    """The work itself. What is done when it is cancelled counts; what comes too late does not."""
    try:
        result = work(job)
    except Exception as error:  # the work is anybody's, and must not take the run along
        return Ended(job, error=stopped(job) or _failed(job, error), cause=error)
    wrong = _wrong(job, result)
    if wrong is not None:
        return Ended(job, error=stopped(job) or wrong)
    return Ended(job, result, stopped(job) if job.asked.reason == "timeout" else None)


def _wrong(job: Job, result: object) -> InvalidResult | None:
    """What keeps a result from being one. One that used nothing is a result: an answer may be free."""
    if not isinstance(result, TaskResult) or not isinstance(result.output, str):
        return InvalidResult(f"task {job.task_id} gave {type(result).__name__}, which is no result")
    if result.usage.tokens < 0 or result.usage.micros < 0:
        return InvalidResult(f"task {job.task_id} says that it used less than nothing")
    return None


def stopped(job: Job) -> SkepError | None:
    """The error for work that was told to end; none where it was not."""
    if job.asked.reason == "timeout":
        return TaskTimeout(f"task {job.task_id} took longer than {job.timeout_s:g} s")
    return TaskCancelled(f"task {job.task_id} was cancelled") if job.asked.reason else None


def _failed(job: Job, error: Exception) -> SkepError:
    known = isinstance(error, SkepError | WorkFailed)
    told = str(error) if known else f"{type(error).__name__}: {error}"
    return TaskFailed(told, work_code=getattr(error, "code", "") if known else "")
