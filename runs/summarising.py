"""``strategy: summarise``: the oldest of what a task is told is said in fewer words by the model itself.

The summary is a call of its own within the task's attempt, by the same work and model, in the same slot and
time and within the same reservation. It shrinks what it replaces or the attempt fails; what it replaces is
kept in the record.
"""

from __future__ import annotations

from context.context_compactor import copy_of, record, size_of
from errors import SkepError
from run_contract.errors import ContextTooLarge
from run_contract.job import ContextBundle, Job
from run_contract.records import TaskResult, Usage
from runs.contracts import ContextCompactor
from runs.prompting import placed_bytes
from runs.work import Work, WorkFailed

#: What the model is asked.
ASK = (
    "Give a summary of these texts in at most {words} words. Keep names, figures, decisions and open "
    "questions."
)

#: What a summary is called among the sources of what a task is told.
SUMMARY = "a summary of earlier answers"


def summarising(work: Work, compactor: ContextCompactor) -> Work:
    """Work that first has the model summarise what is too long, where the policy says so."""

    def summarise_then(job: Job) -> TaskResult:
        count = surplus(job, compactor)
        if not count:
            return work(job)
        summary = work(question(job, count))
        try:
            bundle = shorter(job, count, summary.output, compactor)
            return _both(job, bundle, summary, work(job.replace(bundle=bundle)))
        except Exception as error:
            raise _with_usage(error, summary.usage) from error

    return summarise_then


def surplus(job: Job, compactor: ContextCompactor) -> int:
    """How many of the oldest messages need a summary; 0 where all fits, or the policy is another."""
    if job.context.strategy != "summarise":
        return 0
    return compactor.too_many(job.bundle, job.context, placed_bytes(job.values))


def shorter(job: Job, count: int, summary: str, compactor: ContextCompactor) -> ContextBundle:
    """The context with the summary in it. Raises `ContextTooLarge`."""
    bundle = _replaced(job.bundle, count, summary)
    if size_of(bundle) >= size_of(job.bundle):
        raise ContextTooLarge("the summary is no shorter than what it stands for")
    compactor.check(bundle, job.context, placed_bytes(job.values))
    return bundle


def _with_usage(error: Exception, used: Usage) -> WorkFailed:
    """The error of the answer, with what the summary had used before it."""
    if isinstance(error, WorkFailed):
        return WorkFailed(str(error), used + error.usage, error.code, retryable=error.retryable)
    known = isinstance(error, SkepError)
    told = str(error) if known else f"{type(error).__name__}: {error}"
    return WorkFailed(told, used, error.code if isinstance(error, SkepError) else "")


def question(job: Job, count: int) -> Job:
    """The job that asks for a summary of the oldest messages."""
    bundle = ContextBundle(job.bundle.messages[:count], {}, {}, job.bundle.sources[:count])
    words = max(20, job.context.target // 4)
    return job.replace(template=ASK.format(words=words), values={}, bundle=bundle)


def _replaced(bundle: ContextBundle, count: int, summary: str) -> ContextBundle:
    found = copy_of(bundle)
    found.messages[:count] = [summary]
    found.sources[:count] = [SUMMARY]
    return found


def _both(job: Job, bundle: ContextBundle, summary: TaskResult, answer: TaskResult) -> TaskResult:
    """The answer, with what both calls used and the record of the compaction."""
    done = record(job.bundle, bundle, "summarise", {})  # the run's own thread keeps the archive
    used = summary.usage + answer.usage
    return TaskResult(answer.output, answer.outputs, used, answer.metadata, answer.memory, answer.adds, done)
