"""Whatever the graph, the failures, the time-outs, the cancels and the budgets: a run ends, and adds up.

Graphs, scripts and policies are drawn at random and driven in virtual time, so that every run is exact. Held
against each run: every task ends; nothing starts before what it needs; never more runs than there are slots;
what was used is the sum over the tasks; nothing stays reserved; no limit is passed by work that costs no more
than it was estimated at; and the same run again tells the same, event for event.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_contract import kept_ids
from run_contract.policy import RunPolicy
from run_contract.records import ENDED, Condition, InnerRun, Repeat, Run, RunState, RunTask, TaskState, Usage
from run_contract.shapes import Shape
from runs.control import RunControl
from runs.factory import new_run
from runs.work import WorkFailed
from testing.runs import Rig, Scripted, answer, rig, task


def rounds_from(number: int, before: list[str]) -> st.SearchStrategy[Repeat | None]:
    """Rounds of a task, by itself or from one before it, which may turn out not to be waited for."""
    until = Condition("{{output}}", "contains", f"t{number}.r2")
    made = st.builds(
        Repeat,
        st.just(until),
        st.integers(1, 3),
        st.sampled_from([None, *before]),
        st.sampled_from(["fail", "take"]),
    )
    return st.one_of(st.none(), st.none(), made)


@st.composite
def graphs(draw) -> list[dict[str, Any]]:
    count = draw(st.integers(0, 12))
    found = []
    for number in range(count):
        before = [f"t{n}" for n in range(number)]
        found.append(
            {
                "id": f"t{number}",
                "deps": draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else [],
                "priority": draw(st.integers(-1, 1)),
                "required": draw(st.booleans()),
                "needs": draw(st.sampled_from(["all", "all", "any"])),
                "budget_micros": draw(st.sampled_from([None, None, 30_000, 200])),
                "repeat": draw(rounds_from(number, before)),
                "for_each": draw(st.sampled_from([None, None, None, ["x", "y"]])),
                "max_tokens": draw(st.sampled_from([10, 100])),
            }
        )
    return uncrossed(found)


def uncrossed(graph: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without rounds that cross others, which no run may begin with."""
    tasks = {each["id"]: each for each in graph}
    while crossing := next(kept_ids.crossings({name: shape_of(each) for name, each in tasks.items()}), None):
        tasks[crossing.name]["repeat"] = None
    return graph


def shape_of(each: dict[str, Any]) -> Shape:
    first = None if each["repeat"] is None else each["repeat"].first or each["id"]
    return Shape(each["deps"], each["for_each"] is not None, first)


policies = st.fixed_dictionaries(
    {
        "max_parallelism": st.integers(1, 4),
        "on_failure": st.sampled_from(["fail_fast", "continue", "required"]),
        "budget_limit": st.sampled_from([None, {"amount": 0.0006}, {"amount": 0.002}, {"amount": 5.0}]),
        "timeout_ms": st.sampled_from([0, 500]),
        "run_timeout_ms": st.sampled_from([0, 0, 1_500]),
        "stop_grace_ms": st.sampled_from([100, 1_000]),
        "retry": st.fixed_dictionaries({"max_attempts": st.integers(1, 3), "base_ms": st.just(200)}),
        "fallbacks": st.sampled_from([{}, {"claude-3-haiku-20240307": ["claude-3-5-sonnet-20240620"]}]),
    }
)
scripts: Any = st.lists(
    st.builds(
        dict,
        seconds=st.sampled_from([0.0, 0.1, 0.3, 1.0, 4.0]),
        ends=st.sampled_from(["well", "well", "well", "badly", "transient"]),
        heeds=st.sampled_from([0.0, 0.05, None]),
        micros=st.integers(0, 60),
    ),
    min_size=1,
    max_size=7,
)
cancels = st.sampled_from([None, None, 0.0, 0.25, 2.0])


def scripted(plan: list[dict[str, Any]]):
    def script(job) -> Scripted:
        own = plan[(sum(map(ord, job.task_id)) + job.attempt) % len(plan)]
        if own["ends"] == "well":
            return Scripted(
                own["seconds"], answer(f"ok:{job.task_id}", 10, own["micros"]), heeds=own["heeds"]
            )
        used, may_help = Usage(10, own["micros"]), own["ends"] == "transient"
        error = WorkFailed("it broke", used, retryable=may_help)
        return Scripted(own["seconds"], error=error, heeds=own["heeds"])

    return script


def drive(graph, policy, plan, cancel) -> tuple[Run, Rig]:
    made, control = rig(policy, scripted(plan)), RunControl()
    if cancel is not None:
        made.executor.at(cancel, control.cancel)
    return made.orchestrator.run(new_run("r", tasks_of(graph), policy), control), made


@settings(max_examples=120, deadline=None)
@given(graphs(), policies, scripts, cancels)
def test_a_run_ends_and_adds_up(graph, policy, plan, cancel) -> None:
    policy = RunPolicy.model_validate(policy)
    run, made = drive(graph, policy, plan, cancel)

    assert run.state in {RunState.COMPLETED, RunState.FAILED, RunState.ABORTED}
    assert all(each.state in ENDED for each in run.tasks.values())
    assert run.ended == len(run.tasks)
    assert made.executor.most <= policy.max_parallelism
    assert run.usage == Usage(
        sum(each.actual.tokens for each in run.tasks.values()),
        sum(each.actual.micros for each in run.tasks.values()),
    )
    assert all(balance.reserved == 0 for balance in run.books.values())
    assert_within_limits(run)
    assert_in_order(run, made)
    assert_states_agree(run, policy, cancel)


def assert_within_limits(run: Run) -> None:
    """Where every attempt was estimated at more than its work can cost."""
    limit = run.policy.budget_micros
    if limit is not None and all(each.estimated.micros >= 60 for each in run.tasks.values() if each.attempts):
        assert run.usage.micros <= limit


def assert_in_order(run: Run, made: Rig) -> None:
    ended: dict[str, str] = {}
    for event, told in made.kinds():
        name = told or ""
        if event == "task.started":
            became = run.tasks[name].items or []  # what it waits for since, and did not when it began
            ends = [ended.get(dep) for dep in run.tasks[name].deps if dep not in became]
            assert None not in ends
            good = [end == "task.completed" for end in ends]
            assert all(good) if run.tasks[name].needs == "all" else not ends or any(good)
        elif event in {"task.completed", "task.failed", "task.skipped"}:
            assert name not in ended, "a task ends once"
            ended[name] = event
    assert ended.keys() == run.tasks.keys()


def assert_states_agree(run: Run, policy: RunPolicy, cancel: float | None) -> None:
    states = [each.state for each in run.tasks.values()]
    if run.state is RunState.COMPLETED and policy.on_failure != "required":
        assert TaskState.FAILED not in states
    if run.state is RunState.COMPLETED:
        left = [each.id for each in run.tasks.values() if each.required and each.error is not None]
        assert left == []
        assert run.error is None
    else:
        assert run.error is not None
    if run.state is RunState.ABORTED:
        assert cancel is not None
    for each in run.tasks.values():
        assert (each.error is None) == (each.state is TaskState.COMPLETED)
        if each.state is TaskState.SKIPPED and each.attempts == 0:
            assert each.actual == Usage()


def tasks_of(graph: list[dict[str, Any]]) -> list[RunTask]:
    return [
        task(each["id"], *each["deps"], **{k: v for k, v in each.items() if k not in {"id", "deps"}})
        for each in graph
    ]


@st.composite
def nests(draw, levels: int = 2) -> list[RunTask]:
    """Graphs some of whose tasks are done by runs, with graphs, policies and times of their own."""
    made = tasks_of(draw(graphs()))
    for each in made if levels else ():
        if each.repeat is None and draw(st.integers(0, 3)) == 0:
            own = RunPolicy.model_validate(draw(policies))
            each.inner = InnerRun(tuple(draw(nests(levels - 1))), own)
            each.timeout_ms = draw(st.sampled_from([None, 700]))
    return made


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nests(), policies, scripts, cancels)
def test_runs_within_runs_end_and_add_up(tasks, policy, plan, cancel) -> None:
    policy = RunPolicy.model_validate(policy)
    made, control = rig(policy, scripted(plan)), RunControl()
    if cancel is not None:
        made.executor.at(cancel, control.cancel)
    run = made.orchestrator.run(new_run("r", tasks, policy), control)

    assert made.executor.most <= policy.max_parallelism
    assert all(balance.reserved == 0 for balance in run.books.values())
    ended = [each.run_id for each in made.events if each.event in {f"run.{state}" for state in RunState}]
    runs = [run]
    for each in runs:  # grows while it is read
        inner = [task.child for task in each.tasks.values() if task.child is not None]
        assert each.state in {RunState.COMPLETED, RunState.FAILED, RunState.ABORTED}
        assert all(task.state in ENDED for task in each.tasks.values())
        assert each.usage == sum((task.actual for task in each.tasks.values()), Usage())
        assert all(child.above is not None and child.usage == child.above[1].actual for child in inner)
        assert ended.count(each.id) == 1
        assert_within_limits(each)
        runs += inner
    assert len(ended) == len(runs)
    assert ended[-1] == "r"


@settings(max_examples=25, deadline=None)
@given(graphs(), policies, scripts, cancels)
def test_the_same_run_tells_the_same(graph, policy, plan, cancel) -> None:
    policy = RunPolicy.model_validate(policy)
    first, second = (drive(graph, policy, plan, cancel)[1] for _ in range(2))

    assert [(each.seq, each.at, each.event, each.task_id, each.fields) for each in first.events] == [
        (each.seq, each.at, each.event, each.task_id, each.fields) for each in second.events
    ]


@settings(max_examples=60, deadline=None)
@given(graphs(), policies, scripts)
def test_batches_end_and_add_up_as_well(graph, policy, plan) -> None:
    policy = RunPolicy.model_validate(policy | {"mode": "batch", "retry": {}, "fallbacks": {}})
    run, made = drive(graph, policy, plan, None)

    assert all(each.state in ENDED for each in run.tasks.values())
    assert made.executor.most <= policy.max_parallelism
    assert run.usage.micros == sum(each.actual.micros for each in run.tasks.values())
    assert all(balance.reserved == 0 for balance in run.books.values())


@pytest.mark.parametrize("count", [1, 50])
def test_a_hundred_times_the_same(count: int) -> None:
    graph = [
        {"id": f"t{n:02}", "deps": [f"t{n // 2:02}"] if n else [], "priority": n % 3} for n in range(count)
    ]
    plan = [{"seconds": 0.1 * (n % 4), "ends": "well", "heeds": 0.0, "micros": n} for n in range(5)]
    told = [drive(graph, RunPolicy(max_parallelism=3), plan, None)[1].kinds() for _ in range(100)]

    assert all(each == told[0] for each in told)
