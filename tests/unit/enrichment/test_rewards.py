"""What an approved task earns, by the seed's formula."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.rewards import grant_for, tokens_earned, why_not
from outcome import Outcome, Verdict
from runtime_contract import Limits, normalize_task


@pytest.mark.parametrize(
    ("used", "budget", "confidence", "tokens"),
    [
        (0, 100, 0.95, 10),
        (0, 100, 1.0, 10),
        (0, 100, 0.0, 8),
        (50, 100, 0.95, 6),
        (99, 100, 0.95, 2),
        (99, 100, 0.0, 1),  # at least one token
        (100, 100, 0.95, 0),  # nothing was saved
        (101, 100, 0.95, 0),
        (0, 0, 0.95, 0),
        (0, -5, 0.95, 0),
        (-1, 100, 0.95, 0),
        # Python rounds half to even: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, 3.5 -> 4
        (15, 16, 0.0, 1),
        (13, 16, 0.0, 2),
        (11, 16, 0.0, 2),
        (9, 16, 0.0, 4),
        (0, 100, 0.25, 8),
        (0, 100, 0.75, 10),
        (0, 100, 0.26, 9),
        (0, 100, 7.0, 10),  # confidence is held to 0..1
        (0, 100, -7.0, 8),
    ],
)
def test_the_formula(used, budget, confidence, tokens):
    assert tokens_earned(used, budget, confidence) == tokens


@given(st.integers(-10, 10**12), st.integers(-10, 10**12), st.floats(0, 1))
def test_tokens_are_none_or_one_to_twelve_and_never_for_a_spent_budget(used, budget, confidence):
    tokens = tokens_earned(used, budget, confidence)
    assert (1 <= tokens <= 12) == (0 <= used < budget)


def grant(
    verdict: dict[str, Any] | None = None, used: int | None = 40_000, **fields: Any
) -> dict[str, Any] | None:
    return grant_for(*_judged(verdict, used, fields))


def reason(verdict: dict[str, Any] | None = None, used: int | None = 40_000, **fields: Any) -> str:
    return why_not(*_judged(verdict, used, fields))


def _judged(verdict: dict[str, Any] | None, used: int | None, fields: dict[str, Any]) -> Any:
    base = {"id": "t", "prompt": "x", "identity_id": "ada", "max_budget": 0.1}
    task, _ = normalize_task(base | fields, Limits())
    outcome = Outcome(
        status="completed", task_id="t", lease=1, mode="llm", started_at=1, ended_at=2, cost_micros=used
    )
    return task, outcome, Verdict(**({"decision": "APPROVE", "confidence": 0.95} | (verdict or {})))


def test_a_task_under_its_budget_earns_for_its_identity():
    assert grant() == {
        "task_id": "t",
        "identity_id": "ada",
        "tokens_requested": 7,
        "tokens_awarded": 7,
        "budget_used": 40_000,
        "max_budget": 100_000,
        "confidence": 0.95,
        "reason": "worker_approved_under_budget:t",
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"identity_id": None}, "identity_unavailable"),
        ({"max_budget": None}, "unbudgeted"),
        ({"used": None}, "unbudgeted"),
        ({"max_budget": 0}, "not_under_budget"),
        ({"used": 100_000}, "not_under_budget"),
        ({"used": 100_001}, "not_under_budget"),
        ({"verdict": {"reviewer": "none"}}, "review_not_approved"),
    ],
)
def test_nothing_is_earned_without_an_identity_a_budget_a_saving_and_a_review(changes, why):
    assert grant(**changes) is None
    assert reason(**changes) == why
