"""The books of a run: what is allowed, reserved, booked and warned of, for run, subtree and task."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cost.budget_enforcer import BudgetEnforcer
from run_contract import errors
from run_contract.policy import RunPolicy
from run_contract.records import Run
from store.budgets import Account, Balance, crossed
from testing.runs import task

RUN = Account("run", "r")


def run_with(dollars: float | None = 1e-4, spent: int = 0) -> Run:
    """A run that may cost so much (100 micro-dollars unless said) and has spent so much."""
    limit = None if dollars is None else {"amount": dollars}
    run = Run("r", RunPolicy.model_validate({"budget_limit": limit}))
    BudgetEnforcer().record(run, spent)
    return run


@pytest.mark.parametrize(
    ("spent", "wanted", "is_allowed"),
    [(0, 50, True), (0, 100, True), (60, 50, False), (90, 15, False), (99, 0, True), (40, 60, True)],
)
def test_a_limit_can_be_reached_and_not_passed(spent, wanted, is_allowed) -> None:
    run = run_with(spent=spent)
    if is_allowed:
        BudgetEnforcer().allow(run, wanted)
    else:
        with pytest.raises(errors.BudgetExceeded, match=r"budget run r \$0.0001 reached"):
            BudgetEnforcer().allow(run, wanted)


def test_no_run_and_no_limit() -> None:
    with pytest.raises(errors.InvalidInput):
        BudgetEnforcer().allow(None, 1)
    with pytest.raises(errors.InvalidInput):
        BudgetEnforcer().record(None, 1)
    BudgetEnforcer().allow(run_with(None), 10**12)


@pytest.mark.parametrize("limit", [0, -10])
def test_a_limit_of_nothing_is_no_limit_that_can_be_set(limit) -> None:
    own = task("a", budget_micros=limit)
    with pytest.raises(errors.BudgetNotSet):
        BudgetEnforcer().allow(Run("r", tasks={"a": own}), 1, own)


@pytest.mark.parametrize("amount", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_policy_takes_no_amount_that_is_none(amount) -> None:
    with pytest.raises(ValueError, match="amount"):
        RunPolicy.model_validate({"budget_limit": {"amount": amount}})


def test_another_currency_is_refused_when_it_is_asked_for() -> None:
    with pytest.raises(ValueError, match="currency"):
        RunPolicy.model_validate({"budget_limit": {"amount": 1, "currency": "EUR"}})


def test_amounts_that_floats_would_miss_fit_exactly() -> None:
    run = run_with(0.3, spent=100_000)

    BudgetEnforcer().allow(run, 200_000)


def test_what_is_reserved_counts_until_it_is_booked() -> None:
    run, enforcer = run_with(), BudgetEnforcer()
    enforcer.reserve(run, 70)
    with pytest.raises(errors.BudgetExceeded, match="reserved"):
        enforcer.reserve(run, 40)

    enforcer.record(run, 20, reserved=70)
    enforcer.reserve(run, 80)

    assert run.books[RUN] == Balance(spent=20, reserved=80)


def test_what_was_spent_is_booked_also_over_the_limit() -> None:
    run, enforcer = run_with(), BudgetEnforcer()
    for _ in range(3):
        enforcer.record(run, 60)

    assert run.usage.micros == run.books[RUN].spent == 180


def test_a_sequence_of_calls() -> None:
    run, enforcer = run_with(), BudgetEnforcer()
    enforcer.record(run, 30)
    enforcer.record(run, 20)
    with pytest.raises(errors.BudgetExceeded):
        enforcer.allow(run, 60)
    enforcer.allow(run, 30)
    enforcer.record(run, 30)

    assert run.usage.micros == 80


def test_budgets_nest_and_the_narrowest_is_told_first() -> None:
    parent = task("p", subtree_micros=60)
    child = task("c", budget_micros=50)
    child.parent = "p"
    run = Run(
        "r", RunPolicy.model_validate({"budget_limit": {"amount": 0.0001}}), tasks={"p": parent, "c": child}
    )
    enforcer = BudgetEnforcer()
    enforcer.record(run, 20, parent)
    enforcer.record(run, 30, child)

    assert [(each.account.limit, each.balance.spent) for each in enforcer.budgets(run, child)] == [
        ("task:c", 30), ("subtree:p", 50), ("run:r", 50),
    ]  # fmt: skip
    for wanted, budget in [(21, "task:c"), (15, "subtree:p")]:
        with pytest.raises(errors.BudgetExceeded) as refused:
            enforcer.allow(run, wanted, child)
        assert refused.value.details["budget"] == budget
    enforcer.allow(run, 10, child)


def test_nothing_is_reserved_where_one_of_the_budgets_cannot_pay() -> None:
    own = task("a", budget_micros=10)
    run = run_with()
    run.tasks["a"] = own
    with pytest.raises(errors.BudgetExceeded):
        BudgetEnforcer().reserve(run, 20, own)

    assert all(balance.reserved == 0 for balance in run.books.values())


@pytest.mark.parametrize(
    ("before", "after", "shares"),
    [(0, 49, []), (0, 50, [50]), (49, 81, [50, 80]), (80, 99, []), (99, 120, [100]), (0, 100, [50, 80, 100])],
)
def test_a_share_is_warned_of_once(before, after, shares) -> None:
    assert crossed(100, before, after) == shares


def test_a_top_up_lets_the_limit_have_more_and_a_no_is_kept() -> None:
    run, enforcer = run_with(spent=100), BudgetEnforcer()
    enforcer.top_up(run, RUN, 50, "you")
    enforcer.allow(run, 50)
    enforcer.top_up(run, RUN, 0, "you")

    with pytest.raises(errors.BudgetExceeded, match="you said no to more"):
        enforcer.allow(run, 51)


def test_many_threads_pass_no_limit_and_lose_nothing() -> None:
    run, enforcer = run_with(), BudgetEnforcer()

    def spend(_: int) -> bool:
        try:
            enforcer.reserve(run, 3)
        except errors.BudgetExceeded:
            return False
        enforcer.record(run, 3, reserved=3)
        return True

    with ThreadPoolExecutor(16) as pool:
        paid = sum(pool.map(spend, range(100)))

    assert paid == 33
    assert run.books[RUN] == Balance(spent=99)
