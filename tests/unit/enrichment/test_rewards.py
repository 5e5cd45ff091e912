"""What an approved task earns, by the seed's formula."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.rewards import REFUSALS, Deed, grant_for, refusal_fields, tokens_earned, why_not


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


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9), st.floats(0, 1))
def test_who_uses_less_of_a_budget_never_earns_less(one, other, budget, confidence):
    less, more = sorted((one, other))
    assert tokens_earned(less, budget, confidence) >= tokens_earned(more, budget, confidence)


def deed(**changes: Any) -> Deed:
    given: dict[str, Any] = {
        "task_id": "t",
        "identity": "ada",
        "is_completed": True,
        "reviewer": "critics",
        "confidence": 0.95,
        "used": 40_000,
        "max_budget": 100_000,
    }
    return Deed(**(given | changes))


def test_a_task_under_its_budget_earns_for_its_identity():
    assert grant_for(deed()) == {
        "task_id": "t",
        "identity_id": "ada",
        "tokens_requested": 7,
        "tokens_awarded": 7,
        "budget_used": 40_000,
        "max_budget": 100_000,
        "confidence": 0.95,
        "reason": "worker_approved_under_budget:t",
    }
    assert why_not(deed()) is None
    assert refusal_fields(deed()) == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_completed": False}, "not_completed"),
        ({"is_free_time": True}, "free_time"),
        ({"max_budget": None}, "unbudgeted"),
        ({"used": None}, "unbudgeted"),
        ({"max_budget": 0}, "not_under_budget"),
        ({"used": 100_000}, "not_under_budget"),
        ({"used": 100_001}, "not_under_budget"),
        ({"reviewer": "none"}, "review_not_approved"),
        ({"most": 0}, "no_reward"),
        ({"most": 0.99}, "no_reward"),
    ],
)
def test_nothing_is_earned_without_an_end_a_budget_a_saving_and_a_review(changes, why):
    assert grant_for(deed(**changes)) is None
    assert why_not(deed(**changes)) == why
    assert why in REFUSALS
    assert refusal_fields(deed(**changes)) == {
        "phase5_reward_applied": False,
        "phase5_reward_tokens_requested": 0,
        "phase5_reward_tokens_awarded": 0,
        "phase5_reward_identity": "ada",
        "phase5_reward_reason": why,
        "phase5_reward_ledger_recorded": False,
    }


@pytest.mark.parametrize(("most", "awarded"), [(None, 7), (1, 1), (3.9, 3), (7, 7), (8, 7), (1_000_000, 7)])
def test_a_task_can_lower_what_it_earns_and_never_raise_it(most, awarded):
    grant = grant_for(deed(most=most))
    assert grant is not None
    assert (grant["tokens_requested"], grant["tokens_awarded"]) == (7, awarded)
