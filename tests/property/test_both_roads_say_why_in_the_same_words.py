"""Why a task and a run failed is told in the same words by a run in memory and by one of the daemon."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from road.growing import repeat_of
from run_contract.policy import RunPolicy
from run_contract.records import Condition, RunTask, TaskInput, TaskResult
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.work import WorkFailed
from testing.durable_runs import DurableRuns
from tests.property.test_durable_runs_do_as_those_in_memory import graphs

_numbers = itertools.count(1)
#: What the run, and each of its tasks that did not complete, says.
Words = tuple[str | None, dict[str, str]]


def work_of(graph: list[dict[str, Any]]) -> Any:
    broken = {each["id"] for each in graph if each.get("fails")}

    def work(name: str) -> str:
        if name.removesuffix(".2").removesuffix(".r2") in broken:
            raise WorkFailed(f"the model of {name} broke")
        return f"ok:{name}"

    return work


def in_memory(graph: list[dict[str, Any]], policy: dict[str, Any]) -> Words:
    held, work = RunPolicy.model_validate(policy), work_of(graph)
    tasks = [
        RunTask(
            each["id"], TaskInput("x"), deps=list(each.get("deps", ())), needs=each.get("needs", "all"),
            for_each=each.get("for_each"), repeat=repeat_of(each.get("repeat")),
            when=None if each.get("when") is None else Condition(**each["when"]),
        )
        for each in graph
    ]  # fmt: skip

    def do(job: Any) -> TaskResult:
        return TaskResult(work(job.task_id))

    options = Options(executor=InlineExecutor(held.max_parallelism, do))
    run = new_orchestrator_with_defaults(held, do, options).run(new_run("r", tasks, held))
    told = {name: one.error.message for name, one in run.tasks.items() if one.error is not None}
    return run.error.message if run.error else None, told


def on_the_road(rig: DurableRuns, graph: list[dict[str, Any]], policy: dict[str, Any]) -> Words:
    rig.work = work_of(graph)
    known = {"id", "deps", "needs", "for_each", "repeat", "when"}
    tasks = [
        {name: value for name, value in each.items() if name in known and value is not None} | {"prompt": "x"}
        for each in graph
    ]
    told = rig.go(rig.start(id=f"w{next(_numbers)}", policy=policy, tasks=tasks))
    ends = {name: one["error"]["message"] for name, one in told["tasks"].items() if one.get("error")}
    return (told.get("error") or {}).get("message"), ends


ROUNDS = {
    "first": "a",
    "until": {"of": "{{output}}", "test": "contains", "value": "never"},
    "most": 2,
    "otherwise": "fail",
}
A_LIST: list[dict[str, Any]] = [
    {"id": "a", "for_each": ["x", "y"], "fails": True},
    {"id": "b", "deps": ["a"]},
]
IN_ROUNDS: list[dict[str, Any]] = [
    {"id": "a", "fails": False}, {"id": "k", "deps": ["a"], "repeat": ROUNDS}, {"id": "c", "deps": ["k"]},
    {"id": "d", "deps": ["c"]},
]  # fmt: skip


@pytest.mark.parametrize("on_failure", ["continue", "fail_fast"])
@pytest.mark.parametrize("graph", [A_LIST, IN_ROUNDS])
def test_a_failure_in_a_list_or_in_rounds(rig, home, graph, on_failure) -> None:
    rig.read_outputs(home.outputs)
    policy = {"on_failure": on_failure, "max_parallelism": 1}
    assert in_memory(graph, policy) == on_the_road(rig, graph, policy)


def test_the_words_are_plain(rig, home) -> None:
    rig.read_outputs(home.outputs)
    run, tasks = on_the_road(rig, [*A_LIST, {"id": "c", "deps": ["b"]}], {"on_failure": "continue"})
    assert (run, tasks["a.2"]) == ("task a.2: the model of a.2 broke", "the model of a.2 broke")
    assert tasks["b"] == "it needs a, which did not complete"
    assert tasks["c"] == "it needs b, which did not complete"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(lists=True, rounds=True))
def test_every_failure_of_a_run_that_goes_on(rig: DurableRuns, graph: Any) -> None:
    rig.read_outputs(rig.store.home.outputs)
    for each in graph:
        each["needs"] = "all"  # where any would do, which of several ends was the last depends on the road
        if each.get("repeat"):
            each["for_each"] = None
    policy = {"on_failure": "continue"}
    here, there = in_memory(graph, policy)[1], on_the_road(rig, graph, policy)[1]
    assert without_the_first(here, graph) == without_the_first(there, graph)


def without_the_first(ends: dict[str, str], graph: list[dict[str, Any]]) -> dict[str, str]:
    """Why each failed, whichever of several that it needs was the first to: that depends on the road too."""
    deps = {each["id"]: each["deps"] for each in graph}
    told = {
        name: {f"it needs {dep}, which did not complete" for dep in deps.get(name, ()) if dep in ends}
        for name in ends
    }
    return {name: "one it needs failed" if words in told[name] else words for name, words in ends.items()}
