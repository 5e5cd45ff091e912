"""Ways to lose money, results or an end when a graph is driven, each with what holds here instead."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from cost.budget_enforcer import BudgetEnforcer
from run_contract import errors
from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunState, TaskInput, TaskResult, Usage
from runs.control import RunControl
from runs.factory import NOWHERE, Options, default_catalog, new_orchestrator_with_defaults, new_run
from runs.work import WorkFailed
from testing.runs import (
    Scripted,
    answer,
    code,
    fixed_catalog,
    ok,
    rig,
    run_through,
    states,
    task,
    words,
)

SOON = 20.0


def policy(**changes: Any) -> RunPolicy:
    return RunPolicy.model_validate({"max_parallelism": 4} | changes)


def seen_by(tasks, given: RunPolicy) -> tuple[Run, dict[str, Job]]:
    """A run of these tasks, and what the work of each was given."""
    jobs: dict[str, Job] = {}

    def script(job: Job) -> Scripted:
        jobs[job.task_id] = job
        return Scripted(result=answer("y" * 100_000 if job.task_id == "A" else f"ok:{job.task_id}"))

    return run_through(tasks, given, script)[0], jobs


def test_1_the_compacted_context_is_what_the_work_gets() -> None:
    context = {"max_tokens": 10, "strategy": "truncate"}
    run, jobs = seen_by([task("A"), task("B", "A")], policy(context_policy=context))

    assert run.state is RunState.COMPLETED
    assert jobs["B"].bundle.messages == []
    assert run.tasks["B"].compaction is not None
    assert next(iter(run.archive.values())) == "y" * 100_000


def test_1_memory_reaches_the_work() -> None:
    made = rig(policy(), lambda job: Scripted(result=answer(job.bundle.memory["style"])))
    run = new_run("r", [task("A")], policy())
    run.memory["style"] = "plain"

    made.orchestrator.run(run)

    assert words(run, "A") == "plain"


@pytest.mark.parametrize("on_failure", ["continue", "fail_fast"])
def test_2_what_siblings_finished_is_kept_and_booked_when_one_fails(on_failure) -> None:
    def script(job: Job) -> Scripted:
        return Scripted(0.2, error=ValueError("no")) if job.task_id == "A" else Scripted(0.1)

    run, _ = run_through([task(name) for name in "ABC"], policy(on_failure=on_failure), script)

    assert states(run) == ["failed", "completed", "completed"]
    assert run.usage == Usage(200, 150)
    assert (run.state, code(run)) == (RunState.FAILED, "execution_failed")


def test_2_what_a_failed_task_used_is_booked() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(error=WorkFailed("no", Usage(30, 20)))

    run, _ = run_through([task("A")], policy(), script)

    assert run.usage == run.tasks["A"].actual == Usage(30, 20)


def test_3_spending_over_the_limit_is_recorded_and_fails_the_run() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(result=answer("dear", 100, 600_000))

    run, _ = run_through([task(name) for name in "ABC"], policy(budget_limit={"amount": 1.0}), script)

    assert run.usage == Usage(300, 1_800_000)
    assert (run.state, code(run)) == (RunState.FAILED, "budget_exceeded")
    assert states(run) == ["completed", "failed", "failed"]
    assert run.tasks["B"].outputs == answer("dear", 100, 600_000)


def test_4_work_that_does_not_listen_keeps_its_slot() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(0.2, heeds=None) if job.task_id == "A" else Scripted(0.01)

    run, made = run_through(
        [task(name) for name in "ABCD"],
        policy(max_parallelism=1, timeout_ms=10, stop_grace_ms=50, on_failure="continue"),
        script,
    )

    assert made.executor.most == 1
    assert states(run) == ["failed", "completed", "completed", "completed"]
    assert code(run, "A") == "timeout"


def test_4_work_that_never_ends_is_named_and_the_run_ends_all_the_same() -> None:
    run, made = run_through(
        [task("A")], policy(timeout_ms=10, stop_grace_ms=50), lambda _: Scripted(10_000.0, heeds=None)
    )

    assert (run.state, code(run)) == (RunState.FAILED, "timeout")
    assert run.lingering == ["A"]
    assert made.names("task.lingers") == ["A"]
    assert run.usage.micros == run.tasks["A"].estimated.micros > 0, "nobody knows, so it is the worst case"


@pytest.mark.parametrize("number", range(100))
def test_5_a_cancelled_run_is_aborted_whenever_it_is(number) -> None:
    made, control = rig(policy(), lambda _: Scripted(0.1)), RunControl()
    made.executor.at(0.003 * number, control.cancel)

    run = made.orchestrator.run(new_run("r", [task(f"{n}") for n in range(10)], policy()), control)

    assert run.state is RunState.ABORTED
    assert {code(run, name) for name in run.tasks} <= {"", "cancelled"}


def test_6_a_ready_task_waits_for_nobody_but_its_dependencies() -> None:
    seconds = {"A": 0.01, "B": 0.3, "C": 0.3, "D": 0.01}
    _, made = run_through(
        [task("A"), task("B"), task("C", "A"), task("D", "B")],
        policy(max_parallelism=2),
        lambda job: Scripted(seconds[job.task_id]),
    )

    assert made.clock.monotonic() - 1000.0 == pytest.approx(0.31)


def test_6_fail_fast_does_not_wait_for_the_slowest() -> None:
    def script(job: Job) -> Scripted:
        return Scripted(0.01, error=ValueError("no")) if job.task_id == "A" else Scripted(500.0, heeds=0.02)

    run, made = run_through([task("A"), task("B")], policy(), script)

    assert made.clock.monotonic() - 1000.0 < 0.1
    assert [code(run, name) for name in "AB"] == ["execution_failed", "cancelled"]


def test_7_what_is_done_for_a_task_of_a_chain_does_not_grow_with_the_chain() -> None:
    """Counted, not timed: calls into the scheduler's scan of the whole graph."""
    scans: list[int] = []

    def count(tasks: int) -> int:
        made = rig(policy())
        scheduler = made.orchestrator.parts.scheduler
        scan = type(scheduler).next_ready
        scans.clear()

        def counted(run: Run | None) -> list[str]:
            scans.append(1)
            return scan(scheduler, run)

        scheduler.next_ready = counted  # type: ignore[method-assign]
        graph = [task(f"{n}", *([f"{n - 1}"] if n else [])) for n in range(tasks)]
        made.orchestrator.run(new_run("r", graph, policy()))
        return len(scans)

    assert count(10) == count(1_000) == 1


def test_8_one_that_cannot_be_paid_denies_nobody_else() -> None:
    one = rig(policy()).orchestrator.parts.calculator.worst_case(["x" * 400], task("A").model, 1_024)
    limit = {"amount": (2 * one + 10) / 1e6}

    run, made = run_through(
        [task(name) for name in "ABCD"],
        policy(budget_limit=limit, on_failure="continue"),
        lambda _: Scripted(result=answer("x", 100, one)),
    )

    assert states(run) == ["completed", "completed", "failed", "failed"]
    assert made.names("task.held") == ["C", "D"]
    assert code(run, "C") == "budget_exceeded"


def test_8_one_that_waits_for_money_is_paid_when_some_comes_back() -> None:
    one = rig(policy()).orchestrator.parts.calculator.worst_case(["x" * 400], task("A").model, 1_024)

    run, made = run_through(
        [task(name) for name in "ABCD"], policy(budget_limit={"amount": (2 * one + 10) / 1e6})
    )

    assert states(run) == ["completed"] * 4
    assert made.names("task.held") == ["C", "D"]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"budget_limit": {"amount": 1, "currency": "EUR"}}, "currency"),
        ({"context_policy": {"strategy": "forget"}}, "strategy"),
        ({"max_paralelism": 3}, "max_paralelism"),
        ({"timeout_ms": -1}, "timeout_ms"),
        ({"max_parallelism": 0}, "max_parallelism"),
        ({"timeout_ms": "5"}, "timeout_ms"),
        ({"mode": "batch", "retry": {"max_attempts": 2}}, "no retries"),
        ({"context_policy": {"strategy": "summarise"}}, "summarise needs max_tokens"),
    ],
)
def test_9_and_18_what_a_policy_cannot_mean_is_refused_at_once(changes, wrong) -> None:
    with pytest.raises(ValueError, match=wrong):
        policy(**changes)


def test_9_an_unknown_model_has_its_own_code() -> None:
    run, _ = run_through([task("A", model="claude-3-sonnet-20240229x")], policy())

    assert (code(run), code(run, "A")) == ("model_unknown", "model_unknown")
    assert "config/models.toml" in words(run, "A")


def test_11_an_executor_that_breaks_ends_its_task_alone() -> None:
    def work(job: Job) -> TaskResult:
        return ok(job) if job.task_id != "A" else 1 / 0  # type: ignore[return-value]

    made = new_orchestrator_with_defaults(
        policy(on_failure="continue"), work, Options(catalog=fixed_catalog())
    )
    run = made.run(new_run("r", [task("A"), task("B")], policy(on_failure="continue")))
    made.close()

    assert states(run) == ["failed", "completed"]
    assert "ZeroDivisionError" in words(run, "A")


def test_13_a_task_is_told_to_run_when_it_does_and_not_while_it_waits_for_a_slot() -> None:
    seen: list[list[str]] = []
    made = rig(policy(max_parallelism=1), lambda _: Scripted(0.1))
    run = new_run("r", [task("A"), task("B")], policy(max_parallelism=1))
    made.executor.at(0.05, lambda: seen.append(states(run)))
    made.executor.at(0.15, lambda: seen.append(states(run)))
    made.orchestrator.run(run)

    assert seen == [["running", "ready"], ["completed", "running"]]


def test_15_a_run_has_a_deadline_of_its_own_beside_that_of_its_tasks() -> None:
    graph = [task("A"), task("B", "A"), task("C", "B"), task("D", "C")]
    script = lambda _: Scripted(0.05)  # noqa: E731
    run, _ = run_through(graph, policy(timeout_ms=80), script)
    assert run.state is RunState.COMPLETED

    run, made = run_through([task(each.id, *each.deps) for each in graph], policy(run_timeout_ms=120), script)
    assert (run.state, code(run)) == (RunState.FAILED, "timeout")
    assert states(run) == ["completed", "completed", "failed", "skipped"]
    assert made.clock.monotonic() - 1000.0 == pytest.approx(0.12)


def test_16_estimates_times_and_states_are_filled_in() -> None:
    run, _ = run_through([task("A")], policy(), lambda _: Scripted(0.5))
    found = run.tasks["A"]

    assert found.estimated.tokens == 100
    assert found.actual == Usage(100, 75)
    assert (found.ended_at or 0) - (found.started_at or 0) == pytest.approx(0.5)
    assert run.created_at is not None
    assert run.updated_at is not None


def test_17_an_answer_counts_once_and_output_is_estimated() -> None:
    run, _ = run_through([task("A"), task("B", "A", max_tokens=1_000)], policy())

    assert run.tasks["B"].estimated.tokens == (400 + 4) // 4
    assert run.tasks["B"].estimated.micros > 1_000 * 1.25


def test_19_an_input_with_the_name_of_a_dependency_stays_what_it_is() -> None:
    jobs: list[Job] = []
    own = task("B", "A")
    own.inputs = TaskInput("{{inputs.A}} and {{deps.A.output}}", {"A": "mine"})

    def script(job: Job) -> Scripted:
        jobs.append(job)
        return Scripted()

    run_through([task("A"), own], policy(), script)

    assert jobs[1].values == {"inputs.A": "mine", "deps.A.output": "ok:A"}


def test_20_an_answer_that_used_nothing_is_an_answer() -> None:
    run, _ = run_through([task("A")], policy(), lambda _: Scripted(result=TaskResult("cached")))

    assert (run.state, run.usage) == (RunState.COMPLETED, Usage())


def test_real_threads_cancel_within_a_moment_and_leave_nothing_running() -> None:
    """The same with threads: four pieces of work that listen, a cancel from outside, an end."""
    begun = threading.Barrier(5)

    def work(job: Job) -> TaskResult:
        told = threading.Event()
        job.asked.on_stop(told.set)
        begun.wait(SOON)
        assert told.wait(SOON)
        raise InterruptedError

    made = new_orchestrator_with_defaults(policy(), work, Options(catalog=fixed_catalog()))
    run, control = new_run("r", [task(f"{n}") for n in range(6)], policy()), RunControl()

    def cancel() -> None:
        begun.wait(SOON)
        control.cancel()

    threading.Thread(target=cancel).start()
    began = time.monotonic()
    made.run(run, control)
    made.close()

    assert time.monotonic() - began < SOON
    assert run.state is RunState.ABORTED
    assert run.lingering == []
    assert states(run) == ["failed"] * 4 + ["skipped"] * 2


def test_a_run_is_not_run_twice_and_a_missing_one_not_at_all() -> None:
    made = rig(policy())
    run = made.orchestrator.run(new_run("r", [], policy()))
    with pytest.raises(errors.RunCompleted):
        made.orchestrator.run(run)
    for missing in (None, Run("r")):
        with pytest.raises(errors.InvalidInput):
            made.orchestrator.run(missing)


def test_a_graph_with_a_circle_fails_its_run() -> None:
    run = new_run("r", [task("a", "b"), task("b", "a")])
    with pytest.raises(errors.DagCycle):
        rig(policy()).orchestrator.run(run)

    assert run.state is RunState.FAILED


def test_a_deadlock_names_who_cannot_start() -> None:
    run = new_run("r", [task("a"), task("b")])
    assert run.dag is not None
    run.dag.nodes["b"].pending = 1
    run = rig(policy()).orchestrator.run(run)

    assert (run.state, code(run)) == (RunState.FAILED, "deadlock")
    assert run.error is not None
    assert run.error.message == "nothing runs, and these can never start: b"
    assert states(run) == ["completed", "skipped"]


def test_what_nobody_names_is_the_default() -> None:
    made = new_orchestrator_with_defaults(RunPolicy())
    run = made.run(new_run("r", [task("a", role="fast", model="")], RunPolicy()))
    made.close()

    assert run.state is RunState.COMPLETED
    assert words(run, "a").startswith("mock answer of a to: xxx")
    assert run.tasks["a"].asked == "claude-3-haiku-20240307"
    assert default_catalog().facts("claude-3-haiku-20240307", NOWHERE).price is not None


def test_one_budget_enforcer_keeps_the_books() -> None:
    assert isinstance(rig(policy()).orchestrator.parts.budget, BudgetEnforcer)
