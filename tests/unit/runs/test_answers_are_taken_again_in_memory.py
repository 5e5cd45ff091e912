"""``cache`` in memory: the very same question is asked once, and only of those who may answer so."""

from __future__ import annotations

from typing import Any

import pytest

from run_contract.policy import RunPolicy
from run_contract.records import Condition, Repeat, Run, RunTask, TaskInput, TaskResult, Usage
from runs.caching import Answers
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.run_events import RunEvent

POLICY = RunPolicy(cache=True)


class Bench:
    """Runs in one process, and what they asked."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.asked: list[str] = []
        self.events: list[RunEvent] = []
        self.answers = answers or Answers()
        self.result = TaskResult("the answer", usage=Usage(10, 20))

    def run(self, *tasks: RunTask, policy: RunPolicy = POLICY, name: str = "r") -> Run:
        """Run these tasks."""
        options = Options(answers=self.answers, listener=self.events.append)
        return new_orchestrator_with_defaults(policy, self._work, options).run(
            new_run(name, [*tasks], policy)
        )

    def _work(self, job: Any) -> TaskResult:
        self.asked.append(job.task_id)
        return self.result


def task(name: str, prompt: str = "x", **fields: Any) -> RunTask:
    return RunTask(name, TaskInput(prompt), **fields)


def test_the_same_question_is_asked_once_and_costs_nothing_more() -> None:
    bench = Bench()
    run = bench.run(task("a"), task("b"))

    assert bench.asked == ["a"]
    assert (run.usage.tokens, run.usage.micros) == (10, 20)
    assert run.tasks["b"].outputs is not None
    assert run.tasks["b"].outputs.metadata["reused_from"] == "r:a"
    told = [event.fields.get("reused_from") for event in bench.events if event.event == "task.completed"]
    assert told == [None, "r:a"]


@pytest.mark.parametrize("other", [{"prompt": "y"}, {"model": "claude-3-haiku-20240307"}, {"max_tokens": 3}])
def test_another_question_is_asked(other: dict[str, Any]) -> None:
    bench = Bench()
    bench.run(task("a"), task("b", **other))

    assert bench.asked == ["a", "b"]


def test_a_task_may_say_otherwise_than_the_policy() -> None:
    bench = Bench()
    bench.run(task("a"), task("b", cache=False))
    bench.run(task("c", cache=True), policy=RunPolicy(), name="s")

    assert bench.asked == ["a", "b"]


def test_work_that_writes_into_the_memory_of_its_run_is_done_each_time() -> None:
    bench = Bench()
    bench.result = TaskResult("the answer", memory={"k": "v"})
    bench.run(task("a"), task("b"))

    assert bench.asked == ["a", "b"]


def test_of_too_many_answers_the_one_that_was_used_longest_ago_goes() -> None:
    bench = Bench(Answers(most=1))
    bench.run(task("a"), task("b", "y"), task("c"))

    assert bench.asked == ["a", "b", "c"]


def test_rounds_are_asked_anew_each_time() -> None:
    bench = Bench()
    until = Condition("{{output}}", "contains", "bee")
    run = bench.run(task("a", repeat=Repeat(until, 2, otherwise="take")), task("b"), task("c"))

    assert bench.asked == ["a", "a.r2", "b"]
    assert run.tasks["c"].outputs is not None
    assert run.tasks["c"].outputs.metadata["reused_from"] == "r:b"


def test_a_task_that_was_told_how_to_add_tasks_was_asked_something_else() -> None:
    bench = Bench()
    bench.run(task("a"), task("b", may_add=True))

    assert bench.asked == ["a", "b"]


def test_named_outputs_are_read_by_what_the_task_itself_declares() -> None:
    bench = Bench()
    bench.result = TaskResult('{"name": "Maja", "kind": "bee"}')
    run = bench.run(task("a", named=("kind",)), task("b", named=("name",)), task("c"))

    assert bench.asked == ["a"]
    given = [dict(one.outputs.outputs) for one in run.tasks.values() if one.outputs is not None]
    assert given == [{"kind": "bee"}, {"name": "Maja"}, {}]
