"""What follows a failed attempt: another one, with the same model or the next, or the end. Pure.

The wait before another attempt doubles (or as the policy says), is capped, and leaves a part to chance, so
that tasks which failed together do not come back together. The chance is drawn from the run, the task and the
attempt: the same run waits the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from errors import SkepError
from run_contract.errors import TaskCancelled, TaskTimeout
from run_contract.policy import RetryPolicy, RunPolicy
from run_contract.records import RunTask


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt."""

    wait_s: float
    #: the model that is asked then
    model: str
    #: the attempts of the models before are all used up
    why: Literal["retry", "fallback"]


def after_failure(
    run_id: str, policy: RunPolicy, task: RunTask, error: SkepError, cause: Exception | None
) -> Again | None:
    """What follows the last attempt of a task; none: it has failed."""
    is_over = isinstance(error, TaskCancelled) or task.choices is not None  # a person said no, or nothing
    if is_over or not may_help(policy.retry, error, cause):
        return None
    tried = task.attempts
    own = task.asked_first or task.asked
    models = [own, *models_after(policy, task, own)]
    most = policy.retry.max_attempts
    turn = (tried - 1) // most
    if tried % most:
        return Again(wait_s(policy.retry, run_id, task.id, tried % most), models[turn], "retry")
    return Again(0.0, models[turn + 1], "fallback") if turn + 1 < len(models) else None


def may_help(policy: RetryPolicy, error: SkepError, cause: Exception | None) -> bool:
    """Whether another attempt could end otherwise, by the policy."""
    if "any" in policy.retry_on:
        return True
    if isinstance(error, TaskTimeout):
        return "timeout" in policy.retry_on
    return "transient" in policy.retry_on and bool(getattr(cause, "retryable", False))


def models_after(policy: RunPolicy, task: RunTask, own: str) -> tuple[str, ...]:
    """The models that are asked once a task's own has failed."""
    by_model = policy.fallbacks.get(own, ())
    return by_model or (policy.fallbacks.get(task.role, ()) if task.role else ())


def wait_s(policy: RetryPolicy, run_id: str, task_id: str, tries: int) -> float:
    """Seconds before the attempt that follows the `tries`-th with a model."""
    full = min(policy.max_ms, policy.base_ms * float(policy.factor) ** min(tries - 1, 30)) / 1000
    chance = random.Random(f"{run_id}\0{task_id}\0{tries}").random()  # noqa: S311  not a secret
    return full * (1 - policy.jitter) + full * policy.jitter * chance
