"""``strategy: summarise`` on the road: the question that a model is asked first, and what follows its answer.

The parts that a run in memory goes by choose how much is summarised, ask, and weigh the answer
(`runs.summarising`); the call itself is one of swarm's, recorded with the task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from context.context_compactor import ContextCompactor
from errors import NotFound
from outcome import Failure, Outcome
from run_contract.errors import ContextTooLarge
from run_contract.job import Job
from runs import prompting, summarising


@dataclass(frozen=True, slots=True)
class Wanted:
    """A summary that a task is to be told in place of its oldest answers."""

    job: Job
    #: how many of the oldest messages it stands for
    count: int
    #: the delimiter of envelopes in what is sent
    mark: str

    def request(self, attempt: dict[str, Any]) -> dict[str, Any]:
        """The body of ``/cycle`` that asks for it; `attempt` is that of the attempt it is for."""
        prompt = prompting.enveloped_prompt(summarising.question(self.job, self.count), self.mark)
        kept = {name: value for name, value in attempt.items() if name in _AS_THE_ATTEMPT}
        return kept | {"prompt": prompt, "mark": self.mark, "summary": True}

    def told(self, summary: str, compactor: ContextCompactor) -> Job:
        """The job with the summary in it. Raises `ContextTooLarge`."""
        return self.job.replace(bundle=summarising.shorter(self.job, self.count, summary, compactor))


_AS_THE_ATTEMPT = frozenset(
    {"task_id", "lease", "mode", "model", "max_tokens", "temperature", "max_budget", "timeout", "intensity"}
)


def wanted(job: Job, compactor: ContextCompactor, mark: str) -> Wanted | None:
    """The summary that a job needs before it is sent; none where it fits, or its policy is another."""
    count = summarising.surplus(job, compactor)
    return Wanted(job, count, mark) if count else None


def text_of(outcome: Outcome, read_output: Callable[[str], bytes]) -> tuple[str, str]:
    """What a model said, whole, and its SHA-256. Raises `NotFound`, `OSError`."""
    if outcome.output_ref is not None:
        return read_output(outcome.output_ref).decode("utf-8", errors="replace"), outcome.output_ref
    if outcome.output is None:
        raise NotFound("the summary is not kept")
    return outcome.output, hashlib.sha256(outcome.output.encode("utf-8", "surrogatepass")).hexdigest()


def refused(outcome: Outcome, error: ContextTooLarge) -> Outcome:
    """The outcome of an attempt that its summary did not help: nothing was sent after it."""
    failure = Failure(code=error.code, message=error.message)
    return outcome.model_copy(update={"status": "failed", "result": error.message, "failure": failure})
