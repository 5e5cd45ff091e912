"""What an approved task under its budget earns: pure. The grant itself is made with the approval (store).

What a task says itself (`reward`) can only take from what the formula gives: a queue file pays nobody more.
Nothing is earned by what failed, had no budget, was not reviewed, or was bought with tokens itself. What
counts against the budget is everything the task's attempts cost, not only the one that was approved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from store import ledger

MOST_FOR_SAVINGS: Final = 8  # tokens
MOST_FOR_QUALITY: Final = 2  # tokens
MOST: Final = 12  # tokens
#: How sure a person's yes is.
A_PERSON_IS_SURE: Final = 1.0

#: Why a task with an identity earned nothing, as the event's `phase5_reward_reason` says it.
REFUSALS: Final[dict[str, str]] = {
    "review_not_approved": "nobody reviewed the result: `review` is `none`, or it was interrupted and a "
    "person let it count as done",
    "not_completed": "the attempt did not come to its end",
    "unbudgeted": "the task has no `max_budget`, or nobody knows what it cost",
    "not_under_budget": "its attempts together used the budget up",
    "no_reward": "the task says so: its `reward` is under 1",
    "free_time": "it was free time, which is paid for with tokens and earns none",
    "already_granted": "this identity was paid for this task before",
}


def tokens_earned(budget_used: int, max_budget: int, confidence: float) -> int:
    """Tokens by the seed's formula; amounts in micro-dollars. 0 unless something was left of a budget."""
    if max_budget <= 0 or not 0 <= budget_used < max_budget:
        return 0
    saved = round(MOST_FOR_SAVINGS * (max_budget - budget_used) / max_budget)
    sure = round(MOST_FOR_QUALITY * max(0.0, min(confidence, 1.0)))
    return max(1, min(saved + sure, MOST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A judged task as far as it counts for a reward."""

    task_id: str
    #: who did it
    identity: str
    #: whether the attempt came to its end
    is_completed: bool
    #: who judged: ``critics``, ``none``, or a person
    reviewer: str
    #: 0 to 1
    confidence: float
    #: micro-dollars that all attempts cost; none where nobody knows
    used: int | None
    #: micro-dollars; none where the task has no budget
    max_budget: int | None
    #: most tokens that the task says may be earned; none where it says nothing
    most: float | None = None
    #: whether it was bought with tokens
    is_free_time: bool = False


def grant_for(deed: Deed) -> dict[str, Any] | None:
    """The row of `reward_grant` that a deed earns when it is approved; none where nothing is due."""
    if why_not(deed) is not None or deed.used is None or deed.max_budget is None:
        return None
    tokens = tokens_earned(deed.used, deed.max_budget, deed.confidence)
    return {
        "task_id": deed.task_id,
        "identity_id": deed.identity,
        "tokens_requested": tokens,
        "tokens_awarded": tokens if deed.most is None else min(tokens, math.floor(deed.most)),
        "budget_used": deed.used,
        "max_budget": deed.max_budget,
        "confidence": deed.confidence,
        "reason": f"worker_approved_under_budget:{deed.task_id}",
    }


def why_not(deed: Deed) -> str | None:
    """Why a deed earns nothing, one of `REFUSALS`; none where it earns something."""
    if not deed.is_completed:
        return "not_completed"
    if deed.is_free_time:
        return "free_time"
    if deed.most is not None and deed.most < 1:
        return "no_reward"
    if deed.reviewer == "none":
        return "review_not_approved"
    if deed.max_budget is None or deed.used is None:
        return "unbudgeted"
    is_under = tokens_earned(deed.used, deed.max_budget, deed.confidence) > 0
    return None if is_under else "not_under_budget"


def refusal_fields(deed: Deed) -> dict[str, Any]:
    """What the event of an approval says of a deed that earned nothing; nothing where it earned something."""
    reason = why_not(deed)
    return {} if reason is None else ledger.not_granted(deed.identity, reason)
