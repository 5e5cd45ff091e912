"""Tasks of a run in memory that a budget cannot pay: who has a turn when, and whom a no ends."""

from __future__ import annotations

from typing import Any

from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask, TaskInput
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from testing.clock import FakeClock
from testing.paid_runs import CATALOG, MODEL
from testing.timed_slots import Deed, TimedSlots


def task(name: str, *deps: str, most: int = 50, **more: Any) -> RunTask:
    return RunTask(name, TaskInput("x"), [*deps], MODEL, max_tokens=most, **more)


def run_through(
    tasks: list[RunTask], micros: int, added: list[int], used: dict[str, int], at_once: int = 1
) -> tuple[Run, list[str]]:
    """The run, and what happened: which task began or failed, and who was asked for which limit.

    `added`: what a person adds, time after time; `used`: what tasks use.
    """
    story: list[str] = []
    answers = iter(added)

    def deed(name: str, attempt: int) -> Deed:
        story.append(name)
        return Deed(micros=used.get(name, 0))

    def top_up(_run: Run, own: RunTask, budget: Any, needs: int) -> int:
        story.append(f"{budget.account.scope}? {own.id}")
        return next(answers)

    def listen(event: Any) -> None:
        if event.event == "task.failed":
            story.append(f"{event.task_id} failed")

    policy = RunPolicy.model_validate(
        {"max_parallelism": at_once, "on_failure": "continue", "budget_limit": {"amount": micros / 1e6}}
    )
    clock = FakeClock()
    slots = TimedSlots(at_once, deed, clock)
    options = Options(executor=slots, clock=clock, catalog=CATALOG, top_up=top_up, listener=listen)
    run = new_orchestrator_with_defaults(policy, None, options).run(new_run("r", tasks, policy))
    return run, story


def test_money_that_comes_back_is_offered_in_the_order_of_all_that_could_start() -> None:
    tasks = [task("a"), task("b"), task("c", "a", "b"), task("d")]
    _, story = run_through(tasks, 90, [10], {"a": 50})
    assert story == ["a", "run? b", "b", "c", "d"]


def test_a_task_that_only_a_person_can_help_keeps_nobody_else_waiting() -> None:
    tasks = [task("a"), task("b", budget_micros=40), task("c")]
    run, story = run_through(tasks, 90, [0], {}, at_once=2)
    assert story == ["a", "c", "task? b", "b failed"]
    assert {name: str(one.state) for name, one in run.tasks.items()} == {
        "a": "completed", "b": "failed", "c": "completed",
    }  # fmt: skip


def test_a_no_ends_all_that_the_limit_cannot_pay_before_anybody_is_asked_for_another() -> None:
    tasks = [task("a", priority=1), task("b", most=100), task("c", budget_micros=40), task("d", most=100)]
    run, story = run_through(tasks, 90, [0, 0], {"a": 40})
    assert story == ["a", "run? b", "b failed", "d failed", "task? c", "c failed"]
    assert [one.error.code for one in run.tasks.values() if one.error] == ["budget_exceeded"] * 3


def test_what_a_person_adds_lets_all_go_at_once_that_it_can_pay() -> None:
    run, story = run_through([task(name) for name in "abcd"], 10, [1_000], {}, at_once=4)
    assert story == ["run? a", "a", "b", "c", "d"]
    assert (run.updated_at or 0.0) - (run.created_at or 0.0) == 1.0
