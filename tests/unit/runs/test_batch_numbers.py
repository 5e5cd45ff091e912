"""Numbers: what is estimated, booked and refused when a graph is driven in batches.

One model at 75 micro-dollars for 100 tokens, prompts of 400 bytes, answers ``ok:ID`` of 100 tokens.
"""

from __future__ import annotations

from typing import Any

import pytest

from run_contract.policy import RunPolicy
from run_contract.records import RunState, TaskState
from runs.control import RunControl
from runs.factory import new_run
from testing.runs import Scripted, answer, code, rig, run_through, states, task, words


def policy(**changes: Any) -> RunPolicy:
    given: dict[str, Any] = {"mode": "batch", "max_parallelism": 2, "budget_limit": {"amount": 1.0}}
    return RunPolicy.model_validate(given | changes)


CHAIN = [("A",), ("B", "A"), ("C", "B")]


@pytest.mark.parametrize(
    ("graph", "tokens", "used"),
    [
        (CHAIN, {"A": 100, "B": 102, "C": 102}, (300, 225)),
        ([("A",), ("B",), ("C", "A", "B")], {"A": 100, "B": 100, "C": 104}, (300, 225)),
        (
            [("A",), ("B", "A"), ("C", "A"), ("D", "B", "C")],
            {"A": 100, "B": 102, "C": 102, "D": 104},
            (400, 300),
        ),
        ([("A",)], {"A": 100}, (100, 75)),
        ([], {}, (0, 0)),
    ],
    ids=["linear", "fan-in", "diamond", "single", "empty"],
)
def test_estimates_and_usage(graph, tokens, used) -> None:
    run, made = run_through([task(*each) for each in graph], policy())

    assert run.state is RunState.COMPLETED
    assert {name: each.estimated.tokens for name, each in run.tasks.items()} == tokens
    assert (run.usage.tokens, run.usage.micros) == used
    assert [name for name, _ in made.executor.began] == [each[0] for each in graph]


@pytest.mark.parametrize(("tokens", "micros"), [(100, 75), (102, 77), (104, 78)])
def test_an_estimate_costs_the_mean_of_both_prices_rounded_up(tokens, micros) -> None:
    made = rig(policy())

    assert made.orchestrator.parts.calculator.estimate(tokens, "claude-3-haiku-20240307") == micros


def test_answers_are_routed_to_who_waits_for_them() -> None:
    run, _ = run_through([task(*each) for each in CHAIN], policy())

    assert run.tasks["B"].routed == {"A": "ok:A"}
    assert run.tasks["C"].routed == {"B": "ok:B"}
    assert [words(run, name) for name in "ABC"] == ["ok:A", "ok:B", "ok:C"]


@pytest.mark.parametrize("dollars", [0.000152, 0.0001521, 0.0002, 0.000226])
def test_a_budget_for_two_of_a_chain_pays_two(dollars) -> None:
    run, _ = run_through(
        [task(*each) for each in CHAIN], policy(max_parallelism=1, budget_limit={"amount": dollars})
    )

    assert run.state is RunState.FAILED
    assert code(run) == "budget_exceeded"
    assert states(run, "ABC") == ["completed", "completed", "failed"]
    assert code(run, "C") == "budget_exceeded"
    assert (run.usage.tokens, run.usage.micros) == (200, 150)


@pytest.mark.parametrize(("dollars", "completed"), [(0.000151, 1), (0.000227, 3)])
def test_a_budget_outside_of_that_pays_fewer_or_more(dollars, completed) -> None:
    run, _ = run_through([task(*each) for each in CHAIN], policy(budget_limit={"amount": dollars}))

    assert sum(each.state is TaskState.COMPLETED for each in run.tasks.values()) == completed


def test_a_failure_stops_the_chain() -> None:
    def script(job) -> Scripted:
        return Scripted(error=ValueError("no") if job.task_id == "B" else None)

    run, _ = run_through([task(*each) for each in CHAIN], policy(), script)

    assert run.state is RunState.FAILED
    assert states(run, "ABC") == ["completed", "failed", "skipped"]
    assert code(run, "B") == "execution_failed"
    assert "ValueError: no" in words(run, "B")


def test_a_cancelled_run_ends_aborted_and_not_failed() -> None:
    made, control = rig(policy(), lambda _: Scripted(seconds=0.1)), RunControl()
    made.executor.at(0.05, control.cancel)

    run = made.orchestrator.run(new_run("r", [task(*each) for each in CHAIN], policy()), control)

    assert run.state is RunState.ABORTED
    assert states(run, "ABC") == ["failed", "skipped", "skipped"]
    assert {code(run, name) for name in "ABC"} == {"cancelled"}


def test_one_that_is_denied_denies_its_batch() -> None:
    run, made = run_through(
        [task(name) for name in "ABCD"], policy(max_parallelism=4, budget_limit={"amount": 0.00016})
    )

    assert made.executor.began == []
    assert states(run, "ABCD") == ["skipped", "skipped", "failed", "failed"]
    assert code(run, "C") == code(run, "D") == "budget_exceeded"
    assert run.usage.micros == 0
    assert all(balance.reserved == 0 for balance in run.books.values())


def test_a_batch_waits_for_its_slowest_where_continuous_dispatch_does_not() -> None:
    """Two chains, 10 ms and 300 ms, 300 ms and 10 ms: 600 ms batch by batch, 310 ms without the barrier."""
    graph = [("A",), ("B",), ("C", "A"), ("D", "B")]
    seconds = {"A": 0.01, "B": 0.3, "C": 0.3, "D": 0.01}
    taken = {}
    for mode in ("batch", "continuous"):
        run, made = run_through(
            [task(*each) for each in graph], policy(mode=mode), lambda job: Scripted(seconds[job.task_id])
        )
        assert run.state is RunState.COMPLETED
        taken[mode] = made.clock.monotonic() - 1000.0

    assert taken == pytest.approx({"batch": 0.6, "continuous": 0.31})


def test_a_batch_is_merged_in_the_order_of_the_ids_whatever_ended_first() -> None:
    seconds = {"A": 0.3, "B": 0.1, "C": 0.2}
    _, made = run_through(
        [task(name) for name in "ABC"], policy(max_parallelism=3), lambda job: Scripted(seconds[job.task_id])
    )

    assert made.names("task.completed") == ["A", "B", "C"]


def test_more_than_the_slots_wait_in_a_batch() -> None:
    run, made = run_through([task(f"t{n}") for n in range(5)], policy(max_parallelism=2))

    assert run.state is RunState.COMPLETED
    assert made.executor.most == 2
    assert answer("x").usage.micros * 5 == run.usage.micros
