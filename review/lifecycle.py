"""What follows from a verdict: pure. Nothing that failed is ever approved, whatever the task asks for."""

from __future__ import annotations

from enum import Enum

from attempts import AttemptPolicy
from outcome import Outcome, Verdict
from runtime_contract import Task


class Next(Enum):
    """What becomes of a judged task."""

    APPROVE = "approved"
    #: a person decides
    HOLD = "held"
    #: again, with the words it has now, as if this attempt had not been
    ANEW = "anew"
    #: again, with the findings
    REQUEUE = "requeue"
    FAIL = "failed"


def with_new_words(follows: Next, effect: str) -> Next:
    """What becomes of the result of words that were changed while it was made; `effect` as of the task.

    What was done well may not be done twice where that is unsafe. What was not says nothing of the new words.
    """
    if follows is Next.APPROVE and effect == "unsafe":
        return Next.HOLD
    return Next.HOLD if follows is Next.HOLD else Next.ANEW


def decide(task: Task, outcome: Outcome, verdict: Verdict, judged: int, policy: AttemptPolicy) -> Next:
    """What becomes of a task whose `judged`-th attempt (from 1) got this verdict."""
    if verdict.decision == "REJECT" or outcome.status != "completed":
        return Next.FAIL if judged >= policy.judged_limit(task) else Next.REQUEUE
    if verdict.decision == "HELD" or task.review == "human":
        return Next.HOLD
    return Next.APPROVE
