"""Tries, money, people, and what is refused, of runs in memory."""

from __future__ import annotations

from typing import Any

import pytest

from run_contract import errors
from run_contract.job import Job
from run_contract.policy import RetryPolicy
from run_contract.records import RunState
from runs.factory import new_orchestrator_with_defaults, new_run
from runs.retrying import wait_s
from runs.work import WorkFailed
from testing.runs import (
    HAIKU,
    Scripted,
    answer,
    code,
    run_through,
    states,
    task,
    words,
)
from tests.unit.runs.small_runs import policy

# -- tries ---------------------------------------------------------------------------------------------------


def failing(times: int, **known: Any):
    """A script whose attempts fail so many times."""

    def script(job: Job) -> Scripted:
        error = WorkFailed("busy", **known) if job.attempt <= times else None
        return Scripted(0.1, error=error)

    return script


def test_an_attempt_that_may_go_better_is_made_again_after_a_wait() -> None:
    retry = {"max_attempts": 3, "base_ms": 1_000, "factor": 2, "jitter": 0}
    run, made = run_through([task("A")], policy(retry=retry), failing(2, retryable=True))

    assert (run.state, run.tasks["A"].attempts) == (RunState.COMPLETED, 3)
    assert [each.fields["wait_s"] for each in made.events if each.event == "task.retried"] == [1.0, 2.0]
    assert made.clock.monotonic() - 1000.0 == pytest.approx(3.3)


def test_an_attempt_that_would_fail_again_is_the_last() -> None:
    run, _ = run_through([task("A")], policy(retry={"max_attempts": 3}), failing(1))

    assert (code(run, "A"), run.tasks["A"].attempts) == ("execution_failed", 1)


@pytest.mark.parametrize(
    ("retry_on", "attempts"), [(["timeout"], 2), (["transient"], 1), (["any"], 2), ([], 1)]
)
def test_the_policy_says_what_is_worth_another_attempt(retry_on, attempts) -> None:
    given = policy(timeout_ms=10, retry={"max_attempts": 2, "base_ms": 1, "retry_on": retry_on})
    run, _ = run_through([task("A")], given, lambda _: Scripted(1.0))

    assert (code(run, "A"), run.tasks["A"].attempts) == ("timeout", attempts)


def test_waits_are_drawn_alike_for_the_same_run_and_stay_within_the_policy() -> None:
    given = RetryPolicy(base_ms=1_000, factor=2, max_ms=3_000, jitter=0.5)
    waits = [wait_s(given, "r", f"t{n}", tries) for n in range(50) for tries in (1, 2, 3)]

    assert waits == [wait_s(given, "r", f"t{n}", tries) for n in range(50) for tries in (1, 2, 3)]
    assert all(0.5 <= each <= 3.0 for each in waits)
    assert len(set(waits)) > 100


def test_attempts_run_out_and_the_next_model_is_asked() -> None:
    given = policy(
        retry={"max_attempts": 2, "base_ms": 1},
        fallbacks={"fast": ["claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101"]},
    )
    run, made = run_through([task("A", model="", role="fast")], given, failing(4, retryable=True))

    assert run.state is RunState.COMPLETED
    assert [model for _, model in made.executor.began] == [
        *[HAIKU] * 2, *["claude-sonnet-4-5-20250929"] * 2, "claude-opus-4-5-20251101",
    ]  # fmt: skip


def test_when_nobody_can_the_error_says_after_how_many() -> None:
    run, _ = run_through(
        [task("A")],
        policy(retry={"max_attempts": 2, "base_ms": 1}),
        failing(9, retryable=True, code="model_busy"),
    )

    assert code(run, "A") == "model_busy"
    assert "(after 2 attempts)" in words(run, "A")


# -- money and people ----------------------------------------------------------------------------------------


def test_spending_is_warned_of_at_half_at_four_fifths_and_at_the_end() -> None:
    _, made = run_through(
        [task(f"{n}") for n in range(10)],
        policy(max_parallelism=1, budget_limit={"amount": 0.01}),
        lambda _: Scripted(result=answer("x", 10, 850)),
    )

    warned = [each.fields["percent"] for each in made.events if each.event == "budget.warning"]
    assert warned == [50, 80]


def test_a_person_may_top_up_instead_of_a_failure() -> None:
    asked: list[tuple[str, int]] = []

    def top_up(run, own, budget, needs) -> int:
        asked.append((own.id, needs))
        return 10_000

    run, made = run_through(
        [task("A"), task("B", "A")], policy(budget_limit={"amount": 0.0001}), top_up=top_up
    )

    assert run.state is RunState.COMPLETED
    assert [name for name, _ in asked] == ["A"]
    assert made.names("budget.topped_up") == [""]


def test_who_adds_too_little_is_asked_again_and_a_no_ends_that() -> None:
    asked: list[int] = []

    def top_up(run, own, budget, needs) -> int:
        asked.append(needs - budget.left)
        return asked[-1] // 2 if len(asked) < 3 else 0

    run, made = run_through([task("A")], policy(budget_limit={"amount": 0.0001}), top_up=top_up)

    assert [asked[1], asked[2]] == [asked[0] - asked[0] // 2, asked[1] - asked[1] // 2]
    assert (states(run), code(run, "A")) == (["failed"], "budget_exceeded")
    assert made.names("budget.topped_up") == ["", ""]


def test_a_no_is_asked_for_once() -> None:
    asked: list[str] = []

    def top_up(run, own, budget, needs) -> int:
        asked.append(own.id)
        return 0

    run, _ = run_through(
        [task("A"), task("B")],
        policy(budget_limit={"amount": 0.0001}),
        top_up=top_up,
    )

    assert asked == ["A"]
    assert states(run) == ["failed", "failed"]
    assert "you said no to more" in words(run, "B")


def test_a_gate_may_leave_a_task_out_or_abort() -> None:
    def gate(run, own, found):
        return {"B": "skip", "D": "abort"}.get(own.id, "go")

    run, _ = run_through([task(name) for name in "ABCD"], policy(max_parallelism=1), gate=gate)

    assert run.state is RunState.ABORTED
    assert states(run) == ["completed", "skipped", "completed", "skipped"]
    assert code(run, "B") == "left_out"


def test_under_required_an_optional_task_may_fail_and_a_required_one_may_not() -> None:
    def run_with(required: bool):
        def script(job: Job) -> Scripted:
            return Scripted(0.1, error=ValueError("no")) if job.task_id == "A" else Scripted(0.2)

        graph = [task("A", required=required), task("B"), task("C", "B")]
        return run_through(graph, policy(on_failure="required", max_parallelism=2), script)[0]

    assert (run_with(False).state, states(run_with(False))) == (
        RunState.COMPLETED,
        ["failed", "completed", "completed"],
    )
    assert (run_with(True).state, states(run_with(True))) == (
        RunState.FAILED,
        ["failed", "failed", "skipped"],
    )


# -- what is refused before it starts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "changes", "error"),
    [
        ([task("A", for_each=["x"]), task("A.1")], {}, errors.DagInvalid),
        ([task("A")], {"fallbacks": {"fats": [HAIKU]}}, errors.ModelUnknown),
    ],
)
def test_what_could_only_fail_later_is_refused_at_the_start(tasks, changes, error) -> None:
    run = new_run("r", tasks, policy(**changes))
    with pytest.raises(error):
        new_orchestrator_with_defaults(run.policy).run(run)
    assert run.state is RunState.FAILED
