"""Whether budgets can pay, and the sentence that says why not."""

from __future__ import annotations

import pytest

from cost.budget_enforcer import Budget, Payer, accounts_of, limited, shortfall
from store.budgets import Account, Balance, BudgetLimits

DOLLAR = 1_000_000
NOON = 1_800_000_000.0


def budget(scope: str = "total", limit: int = 5 * DOLLAR, **balance: int | str) -> Budget:
    return Budget(Account(scope), limit, Balance(**balance))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("balance", "needs", "can_pay", "must_ask"),
    [
        ({}, 5 * DOLLAR, True, False),
        ({}, 5 * DOLLAR + 1, False, True),
        ({"spent": 5 * DOLLAR}, 0, True, False),
        ({"spent": 5 * DOLLAR}, 1, False, True),
        ({"spent": 4 * DOLLAR, "reserved": DOLLAR}, 1, False, False),
        ({"spent": 4 * DOLLAR, "reserved": DOLLAR - 1}, 1, True, False),
        ({"spent": 4 * DOLLAR, "reserved": DOLLAR}, DOLLAR + 1, False, True),
        ({"spent": 5 * DOLLAR, "topped_up": 1}, 1, True, False),
        ({"spent": 9 * DOLLAR}, 1, False, True),
        ({"spent": 5 * DOLLAR, "declined_by": "anna"}, 1, False, False),
    ],
)
def test_a_call_starts_only_where_its_worst_case_fits(
    balance: dict, needs: int, can_pay: bool, must_ask: bool
) -> None:
    found = budget(**balance)

    assert (found.can_pay(needs), found.must_ask(needs)) == (can_pay, must_ask)


def test_a_budget_of_nothing_pays_for_nothing() -> None:
    assert not budget(limit=0).can_pay(1)


@pytest.mark.parametrize(
    ("found", "needs", "sentence"),
    [
        (
            Budget(Account("day", "", "2030-01-31"), 5 * DOLLAR, Balance(spent=4_970_000)),
            120_000,
            "budget day $5.00 reached (spent $4.97, needs $0.12)",
        ),
        (
            Budget(Account("model", "big:7b", "2030-01-31"), DOLLAR, Balance(spent=1, reserved=500_000)),
            600_000,
            "budget model big:7b $1.00 reached (spent $0.000001, reserved $0.50, needs $0.60)",
        ),
        (
            Budget(Account("task", "t-1"), 50_000, Balance(topped_up=50_000, declined_by="anna")),
            200_000,
            "budget task $0.10 reached (spent $0.00, needs $0.20); anna said no to more",
        ),
    ],
)
def test_the_sentence_says_what_is_there_and_what_is_needed(found: Budget, needs: int, sentence: str) -> None:
    assert found.sentence(needs) == sentence


def test_a_call_counts_against_everything_it_belongs_to() -> None:
    accounts = accounts_of(Payer("t-1", "r-1", 7), "m", NOON)

    assert [each.limit for each in accounts] == ["task:t-1", "run:r-1", "model:m", "day", "total"]
    assert [each.scope for each in accounts if each.day] == ["model", "day"]
    assert [each.limit for each in accounts_of(Payer(), "m", NOON)] == ["model:m", "day", "total"]


def test_only_what_has_a_limit_can_be_short_and_the_narrowest_is_told() -> None:
    accounts = accounts_of(Payer("t-1", "r-1", 7), "m", NOON)
    limits = BudgetLimits(day=5, models={"other": 1})

    found = limited(accounts, limits, 7)

    assert [(account.limit, micros) for account, micros in found] == [("task:t-1", 7), ("day", 5)]
    budgets = [Budget(account, micros, Balance()) for account, micros in found]
    assert shortfall(budgets, 5) is None
    short = shortfall(budgets, 8)
    assert short is not None
    assert short.account.limit == "task:t-1"
    assert limited(accounts, BudgetLimits(), None) == []


@pytest.mark.parametrize("limit", ["day", "total", "model:big:7b", "run:r", "task:run:t"])
def test_a_limit_is_found_again_by_its_name(limit: str) -> None:
    assert Account.of_limit(limit, NOON).limit == limit
