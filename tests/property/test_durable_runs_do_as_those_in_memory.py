"""A run of the daemon does what the same run in memory does, whatever its graph, its failures and its end.

The one stands in the store and is driven claim by claim, the other by the orchestrator in this thread; both
have the same work. Held against each other: the order in which tasks begin, where each ends and why, and what
the run comes to. Limits of time and of money are held in tests of their own, where clocks are turned and
attempts are paid.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from road.growing import repeat_of
from run_contract.policy import RunPolicy
from run_contract.records import Condition, InnerRun, Run, RunTask, TaskInput, TaskResult
from runs.control import RunControl
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from runs.work import WorkFailed
from store.answering import Answer
from testing.durable_runs import DurableRuns

_numbers = itertools.count(1)

_PLAIN: dict[str, Any] = {
    "deps": [], "priority": 0, "required": False, "needs": "all", "when": None, "for_each": None,
    "fails": False,
}  # fmt: skip
#: One that goes round three times and does without one of those it began with.
ROUNDS_BESIDE_A_FAILURE: list[dict[str, Any]] = [
    _PLAIN | {"id": "t0", "fails": True},
    _PLAIN | {"id": "t1"},
    _PLAIN
    | {
        "id": "t2",
        "deps": ["t0", "t1"],
        "needs": "any",
        "repeat": {
            "first": None,
            "until": {"of": "{{output}}", "test": "contains", "value": "r3"},
            "most": 3,
            "otherwise": "take",
        },
    },
]


@st.composite
def graphs(
    draw: Any, *, lists: bool = False, asks: bool = False, rounds: bool = False
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 12))):
        before = [each["id"] for each in found]
        deps = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        when = None
        if deps and draw(st.integers(0, 3)) == 0:
            wanted = draw(st.sampled_from(["ok", "nothing"]))
            when = {"of": f"{{{{deps.{deps[0]}.output}}}}", "test": "contains", "value": wanted}
        found.append(
            {
                "id": f"t{number}",
                "deps": deps,
                "priority": draw(st.integers(-1, 1)),
                "required": draw(st.booleans()),
                "needs": draw(st.sampled_from(["all", "all", "any"])),
                "when": when,
                "for_each": draw(st.sampled_from([None, None, ["x", "y"], []])) if lists else None,
                "fails": draw(st.integers(0, 4)) == 0,
            }
        )
        if asks and draw(st.integers(0, 2)) == 0:
            found[-1] |= {"asks": draw(st.sampled_from(["ok", "refuse"])), "fails": False}
    if rounds:
        last = draw(st.sampled_from(found))
        last["repeat"] = {
            "first": draw(st.sampled_from([None, *last["deps"]])),
            "until": {
                "of": "{{output}}",
                "test": "contains",
                "value": draw(st.sampled_from(["r2", "r3", "ok"])),
            },
            "most": draw(st.integers(1, 3)),
            "otherwise": draw(st.sampled_from(["fail", "take"])),
        }
    return found


def in_memory(
    graph: list[dict[str, Any]],
    policy: dict[str, Any],
    stop_after: int | None,
    slots: type[InlineExecutor] = InlineExecutor,
) -> tuple[str, dict[str, tuple[str, str | None]], list[str]]:
    control, begun, broken = RunControl(), [], {each["id"] for each in graph if each["fails"]}
    answers = {each["id"]: each["asks"] for each in graph if "asks" in each}
    counter = itertools.count(1)

    def work(job: Any) -> TaskResult:
        if next(counter) == stop_after:
            control.cancel()
        if job.choices is not None:
            if answers[job.task_id] == "refuse":
                raise WorkFailed("refused", code="approval_denied")
            return TaskResult(answers[job.task_id])
        if job.task_id.removesuffix(".2") in broken:
            raise ValueError("it broke")
        return TaskResult(f"ok:{job.task_id}")

    def listen(event: Any) -> None:
        if event.event == "task.started" and event.task_id not in answers:
            begun.append(event.task_id)

    held = RunPolicy.model_validate(policy)
    tasks = [
        RunTask(
            each["id"], TaskInput("x"), deps=list(each["deps"]), priority=each["priority"],
            required=each["required"], needs=each["needs"],
            for_each=each["for_each"], choices=("ok",) if "asks" in each else None,
            repeat=repeat_of(each.get("repeat")),
            when=None if each["when"] is None else Condition(**each["when"]),
        )
        for each in graph
    ]  # fmt: skip
    options = Options(executor=slots(held.max_parallelism, work), listener=listen)
    run = new_orchestrator_with_defaults(held, work, options).run(new_run("r", tasks, held), control)
    ends = {name: (str(one.state), one.error.code if one.error else None) for name, one in run.tasks.items()}
    return str(run.state), ends, begun


def on_the_road(
    rig: DurableRuns, graph: list[dict[str, Any]], policy: dict[str, Any], stop_after: int | None
) -> tuple[str, dict[str, tuple[str, str | None]], list[str]]:
    broken, counter = {each["id"] for each in graph if each["fails"]}, itertools.count(1)

    def work(name: str) -> str:
        if name.removesuffix(".2") in broken:
            raise ValueError("it broke")
        return f"ok:{name}"

    rig.work, rig.begun = work, []
    tasks = [
        {name: value for name, value in each.items() if name not in {"fails", "asks"} and value is not None}
        | ({"ask": "x", "choices": ["ok"]} if "asks" in each else {"prompt": "x"})
        for each in graph
    ]
    run_id = rig.start(id=f"r{next(_numbers)}", policy=policy, tasks=tasks)
    worked = 0
    while True:
        rig.claim()
        is_work = rig.works_next()
        if not rig.turn():
            if not answer_one(rig, graph):
                break
            continue
        worked = next(counter) if is_work else worked
        if is_work and worked == stop_after and rig.shown(run_id)["state"] == "running":
            rig.abort(run_id)
    told = rig.shown(run_id)
    ends = {name: (one["state"], (one.get("error") or {}).get("code")) for name, one in told["tasks"].items()}
    return told["state"], ends, rig.begun


def answer_one(rig: DurableRuns, graph: list[dict[str, Any]]) -> bool:
    """Answer the oldest question, where one waits."""
    answers = {each["id"]: each["asks"] for each in graph if "asks" in each}
    for row in rig.store.reader.decisions()[:1]:
        said = answers[row["task_id"].partition(":")[2]]
        rig.store.answer(Answer(row["id"], said, "a test"))
        return True
    return False


@st.composite
def nests(draw: Any, prefix: str = "t", levels: int = 2, *, lists: bool = True) -> list[dict[str, Any]]:
    """Graphs some of whose tasks are done by runs, with graphs and policies of their own.

    A run within that stops at a failure does one task after the other and has no runs and lists itself:
    what is left out depends on the order, which is not the same on both roads for those.
    """
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        before = [each["id"] for each in found]
        one = {
            "id": f"{prefix}{number}",
            "deps": draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else [],
            "priority": draw(st.integers(-1, 1)),
            "required": draw(st.booleans()),
            "needs": draw(st.sampled_from(["all", "any"])),
            "for_each": draw(st.sampled_from([None, None, ["x", "y"]])) if lists else None,
            "fails": draw(st.integers(0, 4)) == 0,
        }
        if levels and draw(st.booleans()):
            stops = draw(st.booleans())
            how = ["fail_fast", "required"] if stops else ["continue"]
            one |= {"fails": False, "run": {
                "policy": {"on_failure": draw(st.sampled_from(how)),
                           "max_parallelism": 1 if stops else draw(st.integers(1, 3))},
                "tasks": draw(nests(f"{prefix}{number}x", 0 if stops else levels - 1, lists=not stops)),
                "named": draw(st.booleans()),
            }}  # fmt: skip
        found.append(one)
    return found


def as_task(one: dict[str, Any]) -> RunTask:
    run = one.get("run")
    inner = None
    if run is not None:
        inputs = {"told": "{{item}}"} if one["for_each"] else {}
        output = run["tasks"][0]["id"] if run["named"] else None
        policy = RunPolicy.model_validate(run["policy"])
        inner = InnerRun(tuple(map(as_task, run["tasks"])), policy, inputs, output=output)
    kept = {name: one[name] for name in ("id", "priority", "required", "needs", "for_each")}
    return RunTask(**kept, inputs=TaskInput("x"), deps=list(one["deps"]), inner=inner)


def as_request(one: dict[str, Any], name: str = "deps") -> dict[str, Any]:
    kept = ("id", "priority", "required", "needs", "for_each")
    told = {key: one[key] for key in kept if one[key] is not None} | {name: one["deps"]}
    run = one.get("run")
    if run is None:
        return told | {"prompt": "x"}
    steps = [as_request(each, "depends_on") for each in run["tasks"]]
    inputs = {"told": "{{item}}"} if one["for_each"] else {}
    workflow = {"name": "w", "policy": run["policy"], "steps": steps, "inputs": dict.fromkeys(inputs)}
    return told | {"run": {"workflow": workflow, "inputs": inputs}
                   | ({"output": steps[0]["id"]} if run["named"] else {})}  # fmt: skip


def broken_in(graph: list[dict[str, Any]]) -> set[str]:
    inner = (broken_in(each["run"]["tasks"]) for each in graph if "run" in each)
    return {each["id"] for each in graph if each["fails"]}.union(*inner)


def works(graph: list[dict[str, Any]], begun: list[str]) -> Any:
    broken = broken_in(graph)

    def work(name: str) -> str:
        begun.append(name)
        if name.removesuffix(".2") in broken:
            raise ValueError("it broke")
        return f"ok:{name}"

    return work


Ends = dict[str, Any]


def ends_in_memory(run: Run) -> tuple[str, Ends]:
    """How a run ended with its tasks, what those answered, and how the runs ended that did them."""
    ends = {
        name: (
            str(task.state),
            task.error.code if task.error else None,
            task.outputs.output if task.outputs and not task.error else None,
            None if task.child is None else ends_in_memory(task.child),
        )
        for name, task in run.tasks.items()
    }
    return str(run.state), ends


def ends_on_the_road(rig: DurableRuns, run_id: str) -> tuple[str, Ends]:
    told = rig.shown(run_id)
    ends = {
        name: (
            one["state"],
            (one.get("error") or {}).get("code"),
            one.get("output"),
            ends_on_the_road(rig, one["child"]) if "child" in one else None,
        )
        for name, one in told["tasks"].items()
    }
    return told["state"], ends


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nests(), st.integers(1, 4))
def test_both_end_the_same_where_runs_do_tasks(rig: DurableRuns, graph: Any, at_once: int) -> None:
    """Not in the same order: a run of the daemon leaves those within it slots of their own."""
    policy = RunPolicy(max_parallelism=at_once, on_failure="continue")
    begun: list[str] = []
    rig.work = works(graph, begun)
    run_id = rig.start(
        id=f"r{next(_numbers)}", policy=policy.model_dump(mode="json", exclude_defaults=True),
        tasks=list(map(as_request, graph)),
    )  # fmt: skip
    rig.go(run_id)

    begun_here: list[str] = []
    work = works(graph, begun_here)
    slots = InlineExecutor(at_once, lambda job: TaskResult(work(job.task_id)))
    made = new_orchestrator_with_defaults(policy, None, Options(executor=slots))
    run = made.run(new_run("r", list(map(as_task, graph)), policy))

    assert ends_on_the_road(rig, run_id) == ends_in_memory(run)
    assert sorted(begun) == sorted(begun_here)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    graphs(),
    st.fixed_dictionaries(
        {
            "max_parallelism": st.integers(1, 4),
            "on_failure": st.sampled_from(["fail_fast", "continue", "required"]),
        }
    ),
    st.sampled_from([None, None, None, 1, 2, 4]),
)
def test_both_do_the_same(rig: DurableRuns, graph: Any, policy: Any, stop_after: int | None) -> None:
    found = on_the_road(rig, graph, policy, stop_after)
    # A run of the daemon ends with its last task, and nobody can abort it in between.
    assert found == in_memory(graph, policy, stop_after if found[0] == "aborted" else None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(lists=True), st.integers(1, 4))
def test_both_end_the_same_where_tasks_become_one_for_each_item(
    rig: DurableRuns, graph: Any, at_once: int
) -> None:
    """Not in the same order: what is added to a run of the daemon comes after what is there."""
    policy = {"max_parallelism": at_once, "on_failure": "continue"}
    found, wanted = on_the_road(rig, graph, policy, None), in_memory(graph, policy, None)
    assert found[0] == wanted[0]
    assert whichever_was_first(graph, found[1]) == whichever_was_first(graph, wanted[1])
    assert sorted(found[2]) == sorted(wanted[2])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(asks=True), st.integers(1, 4))
def test_both_end_the_same_where_people_are_asked(rig: DurableRuns, graph: Any, at_once: int) -> None:
    """Not in the same order: a question takes no slot of a run of the daemon."""
    policy = {"max_parallelism": at_once, "on_failure": "continue"}
    found, wanted = on_the_road(rig, graph, policy, None), in_memory(graph, policy, None)
    assert found[0] == wanted[0]
    assert whichever_was_first(graph, found[1]) == whichever_was_first(graph, wanted[1])
    assert sorted(found[2]) == sorted(wanted[2])


class Heedless(InlineExecutor):
    """Does what was started, although it is asked to stop."""

    def stop(self, task_id: str, run_id: str) -> None:
        """The answer comes all the same."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    graphs(rounds=True),
    st.sampled_from(["fail_fast", "continue", "required"]),
    st.sampled_from([None, 1, 2]),
)
def test_both_end_the_same_where_answers_come_while_the_run_stops(
    rig: DurableRuns, graph: Any, on_failure: str, stop_after: int | None
) -> None:
    """With slots for all: which of two is taken first, of those that wait for one, is for the order."""
    policy = {"max_parallelism": 50, "on_failure": on_failure}
    rig.heeds_stop = False
    try:
        found = on_the_road(rig, graph, policy, stop_after)
    finally:
        rig.heeds_stop = True
    wanted = in_memory(graph, policy, stop_after if found[0] == "aborted" else None, Heedless)
    assert found[0] == wanted[0]
    assert whichever_was_first(graph, found[1]) == whichever_was_first(graph, wanted[1])
    assert sorted(found[2]) == sorted(wanted[2])


def whichever_was_first(graph: list[dict[str, Any]], ends: Ends) -> Ends:
    """The ends without a word of which of several lost dependencies ended first, which is for the order."""
    open_to_it: set[str] = set()
    for each in graph:
        if len(each["deps"]) > 1 or open_to_it & {*each["deps"]}:
            open_to_it.add(each["id"])
    lost = {"dependency_failed", "dependency_skipped"}
    return {
        name: (state, "lost" if name.partition(".")[0] in open_to_it and code in lost else code)
        for name, (state, code) in ends.items()
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(rounds=True), st.integers(1, 4))
@example(ROUNDS_BESIDE_A_FAILURE, 1)
def test_both_end_the_same_where_a_part_is_done_again(rig: DurableRuns, graph: Any, at_once: int) -> None:
    policy = {"max_parallelism": at_once, "on_failure": "continue"}
    found, wanted = on_the_road(rig, graph, policy, None), in_memory(graph, policy, None)
    assert found[0] == wanted[0]
    assert whichever_was_first(graph, found[1]) == whichever_was_first(graph, wanted[1])
    assert sorted(found[2]) == sorted(wanted[2])
