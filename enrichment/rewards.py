"""What an approved task under its budget earns: pure. The grant itself is made with the approval (store)."""

from __future__ import annotations

from typing import Any, Final

from outcome import Outcome, Verdict
from runtime_contract import Task

MOST_FOR_SAVINGS: Final = 8  # tokens
MOST_FOR_QUALITY: Final = 2  # tokens
MOST: Final = 12  # tokens


def tokens_earned(budget_used: int, max_budget: int, confidence: float) -> int:
    """Tokens by the seed's formula; amounts in micro-dollars. 0 unless something was left of a budget."""
    if max_budget <= 0 or not 0 <= budget_used < max_budget:
        return 0
    saved = round(MOST_FOR_SAVINGS * (max_budget - budget_used) / max_budget)
    sure = round(MOST_FOR_QUALITY * max(0.0, min(confidence, 1.0)))
    return max(1, min(saved + sure, MOST))


def grant_for(task: Task, outcome: Outcome, verdict: Verdict) -> dict[str, Any] | None:
    """The row of `reward_grant` a task would earn when approved; none where nothing is due."""
    used, budget = outcome.cost_micros, task.max_budget_micros
    if task.identity_id is None or used is None or budget is None or verdict.reviewer == "none":
        return None
    tokens = tokens_earned(used, budget, verdict.confidence)
    if tokens == 0:
        return None
    return {
        "task_id": task.id,
        "identity_id": task.identity_id,
        "tokens_requested": tokens,
        "tokens_awarded": tokens,
        "budget_used": used,
        "max_budget": budget,
        "confidence": verdict.confidence,
        "reason": f"worker_approved_under_budget:{task.id}",
    }


def why_not(task: Task, outcome: Outcome, verdict: Verdict) -> str:
    """A word for why an approved task earned nothing."""
    if verdict.reviewer == "none":
        return "review_not_approved"
    if task.identity_id is None:
        return "identity_unavailable"
    if task.max_budget_micros is None or outcome.cost_micros is None:
        return "unbudgeted"
    return "not_under_budget"
