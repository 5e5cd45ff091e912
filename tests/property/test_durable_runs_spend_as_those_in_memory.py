"""A run of the daemon spends what the same run in memory does, and asks for more where that one does.

Both reserve the same worst cases in the budgets of the run, of its tasks and of all that stem from them, and
book the same amounts. Where a budget cannot pay a task a person is asked, who adds the same to both, also too
little, or says no. One task runs at once where all is compared: of several that begin together it is not
fixed on the road which is paid first. Where more do, what must hold whoever is paid is held.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_contract.policy import RunPolicy
from store.budgets import WARN_AT, Account, Balance, BudgetLimits, balance_of, limit_of
from testing.both_roads import Found, PaidRun
from testing.paid_runs import PaidRuns
from testing.timed_slots import Deed

_numbers = itertools.count(1)

answers = st.lists(st.sampled_from(["no", "little", "needed", "somewhat", "more"]), min_size=1, max_size=4)


@st.composite
def tasks(draw: Any, number: int, deps: list[str]) -> dict[str, Any]:
    """A task with what it may cost, at worst and in all; an attempt uses a part of the worst case."""
    most = draw(st.sampled_from([50, 100, 200]))
    attempt = st.builds(
        Deed, st.sampled_from([1.0, 2.0]), st.sampled_from([0, most // 2, most]),
        st.sampled_from([None, None, "it broke"]), st.booleans(),
    )  # fmt: skip
    return {
        "id": f"t{number}",
        "deps": deps,
        "priority": draw(st.integers(-1, 1)),
        "required": draw(st.booleans()),
        "needs": draw(st.sampled_from(["all", "all", "any"])),
        "max_tokens": most,
        "budget_micros": draw(st.sampled_from([None, None, 40, 150, 300])),
        "attempts": draw(st.lists(attempt, min_size=1, max_size=3)),
    }


@st.composite
def graphs(draw: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 7))):
        before = [each["id"] for each in found]
        deps = draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else []
        found.append(draw(tasks(number, deps)))
    return found


@st.composite
def chains_of_lists(draw: Any) -> list[dict[str, Any]]:
    """Lists one after the other, whose items share a budget."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 3))):
        one = draw(tasks(number, [f"t{number - 1}"] if number else []))
        one["for_each"] = draw(st.sampled_from([["x"], ["x", "y"], ["x", "y", "z"]]))
        one["subtree_micros"] = draw(st.sampled_from([None, 120, 250]))
        found.append(one)
    return found


policies = st.fixed_dictionaries(
    {
        "on_failure": st.sampled_from(["fail_fast", "continue", "required"]),
        "budget_limit": st.sampled_from([90, 180, 330, 600]).map(lambda micros: {"amount": micros / 1e6}),
        "retry": st.fixed_dictionaries({"max_attempts": st.integers(1, 3), "base_ms": st.just(0)}),
    }
)


def paid_run(graph: list[dict[str, Any]], policy: dict[str, Any], answers: list[str]) -> PaidRun:
    return PaidRun(f"r{next(_numbers)}", graph, RunPolicy.model_validate(policy), answers)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), policies, answers)
def test_both_spend_the_same_and_ask_for_the_same(
    paid_rig: PaidRuns, graph: Any, policy: Any, answers: list[str]
) -> None:
    run = paid_run(graph, policy, answers)
    assert run.on_the_road(paid_rig) == run.in_memory()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains_of_lists(), policies, answers)
def test_both_spend_the_same_where_items_share_a_budget(
    paid_rig: PaidRuns, graph: Any, policy: Any, answers: list[str]
) -> None:
    """By the budgets of the lists alone, or by that of the run alone.

    An item that both cannot pay waits on the road for that which was short first, in memory for the narrower.
    """
    if any(each["subtree_micros"] for each in graph):
        policy = policy | {"budget_limit": {"amount": 0.01}}
    run = paid_run(graph, policy, answers)
    assert run.on_the_road(paid_rig) == run.in_memory()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(graphs(), chains_of_lists()), policies, answers, st.integers(2, 4))
def test_no_budget_is_passed_whoever_is_paid_first(
    paid_rig: PaidRuns, graph: Any, policy: Any, answers: list[str], at_once: int
) -> None:
    run, found = paid_run(graph, policy | {"max_parallelism": at_once}, answers), Found()
    paid_rig.new_events()
    run.start(paid_rig, found)
    while paid_rig.turn():
        assert all(
            balance.spent + balance.reserved <= granted for granted, balance in budgets_of(paid_rig, run)
        )
    run.tell(paid_rig, found, paid_rig.shown(run.run_id))

    assert found.spent == sum(used for *_, used in found.ends.values())
    assert {state for state, *_ in found.ends.values()} <= {"completed", "failed", "skipped"}
    assert not any(balance.reserved for _, balance in budgets_of(paid_rig, run))
    check_warnings(paid_rig, run, found)


def budgets_of(rig: PaidRuns, run: PaidRun) -> list[tuple[int, Balance]]:
    """What the run and all that stem from one of its tasks may spend, with what they did."""
    limits = BudgetLimits.kept(rig.store.reader)
    lists = [each["id"] for each in run.tasks if each.get("subtree_micros") is not None]
    accounts = [Account("run", run.run_id), *(Account("subtree", f"{run.run_id}:{name}") for name in lists)]
    found = [(limit_of(rig.store.reader, limits, one), balance_of(rig.store.reader, one)) for one in accounts]
    return [(most + balance.topped_up, balance) for most, balance in found if most is not None]


def check_warnings(rig: PaidRuns, run: PaidRun, found: Found) -> None:
    """Each share of the budget of the run that was passed is told once; a share of more is another one."""
    (granted, balance), *_ = budgets_of(rig, run)
    if not balance.topped_up:
        passed = [share for share in WARN_AT if balance.spent * 100 >= granted * share]
        assert [share for limit, share in found.warned if limit == f"run:{run.run_id}"] == passed
