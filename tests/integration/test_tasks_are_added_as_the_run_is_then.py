"""Tasks are held to the run as it is when they are added, not as it was when they were read or asked for."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from execution.run_openapi import BASE
from outcome import Outcome, Verdict
from run_contract.errors import DagInvalid, InvalidInput, RunError
from run_contract.policy import RunPolicy
from run_contract.records import Condition, Repeat, RunTask, TaskInput, TaskResult
from run_contract.shapes import Shape
from runs.asked_for import Rights, screened
from runs.control import RunControl
from runs.factory import Options, new_orchestrator_with_defaults, new_run
from runs.inline_executor import InlineExecutor
from store import recording, run_growth
from store.records import Question
from testing.durable_runs import DurableRuns
from tests.integration.run_tasks import *  # noqa: F403  the fixtures
from tests.integration.run_tasks import states, task
from tests.integration.swarm_rig import SwarmRig


def rounds(first: str, value: str = "good", otherwise: str = "take") -> dict[str, Any]:
    until = {"of": "{{output}}", "test": "contains", "value": value}
    return {"until": until, "most": 2, "otherwise": otherwise, "first": first}


LIST = {**task("l"), "for_each": ["x", "y"]}
OVER_ALL = {**task("x", "a", "b"), "repeat": rounds("a")}
OVER_LAST = {**task("y", "b"), "repeat": rounds("b")}
PAIR = [task("a"), task("b", "a")]
#: What does not go with the first where it comes at the same time, and why.
SIDE_BY_SIDE = [
    (LIST, task("l.1"), "tasks[0].id: l.1 is kept for an item or a round of l; choose another id"),
    (
        task("l.1"), LIST,
        "tasks[0].for_each: a task l.1 is there already, whose id l needs for itself",
    ),
    (
        OVER_ALL, OVER_LAST,
        "tasks[0].repeat: the rounds of y and those of x would both do b again; "
        "have one task repeat it, or let one of them begin later",
    ),
    (OVER_ALL, task("b.r2"), "tasks[0].id: b.r2 is kept for an item or a round of b; choose another id"),
    (
        task("b.r2"), OVER_ALL,
        "tasks[0].repeat: a task b.r2 is there already, whose id b needs for itself",
    ),
    (
        task("c", "a"), OVER_ALL,
        "tasks[0].repeat: c is there already and depends on a, which these rounds would do again: it would "
        "not wait for their end; let them begin after a, or give them at the start of a run",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "why"), SIDE_BY_SIDE)
def test_of_two_requests_at_once_the_second_is_held_to_what_the_first_added(
    rig, home, first, second, why
) -> None:
    rig.read_outputs(home.outputs)
    run = rig.start(open=True, tasks=PAIR)
    adds, late = rig.read_for(run, first), rig.read_for(run, second)
    adds()
    with pytest.raises(DagInvalid) as refused:
        late()
    assert (refused.value.message, refused.value.details["path"]) == (why, why.partition(":")[0])
    with pytest.raises(DagInvalid) as refused:
        rig.add(run, second)
    assert refused.value.message == why
    assert set(states(rig.go(run)).values()) == {"completed"}


def test_a_task_that_came_at_the_same_time_as_rounds_waits_for_their_end(rig) -> None:
    run = rig.start(open=True, tasks=PAIR)
    adds, late = rig.read_for(run, OVER_ALL), rig.read_for(run, task("c", "a"))
    adds()
    late()
    rig.go(run)
    assert rig.begun == ["a", "b", "x", "a.r2", "b.r2", "x.r2", "c"]


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory):
    root: Path = tmp_path_factory.mktemp("home")
    with SwarmRig(root) as opened:
        yield opened


@pytest.mark.parametrize(("first", "second"), [(LIST, task("l.1")), (OVER_ALL, OVER_LAST)])
def test_of_two_requests_over_http_at_once_one_alone_is_taken(swarm: SwarmRig, first, second) -> None:
    for _ in range(5):
        made = swarm.client.post(BASE, json={"open": True, "tasks": PAIR})
        address, both = f"{BASE}/{made.json()['id']}/tasks", threading.Barrier(2)

        def post(asked: dict[str, Any], address: str = address, both: threading.Barrier = both) -> int:
            both.wait()
            return swarm.client.post(address, json=asked).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(post, [first, second])) == [202, 422]


# -- what an answer asked for, which a person approves later ------------------------------------------------


def block(*tasks: Any) -> str:
    return "```skep-tasks\n" + json.dumps({"tasks": [*tasks]}) + "\n```\n"


def held(rig: DurableRuns, text: str) -> None:
    """The oldest task that runs gives an answer, of which a person is asked."""
    claim = rig.flying.popleft()
    outcome = Outcome(
        status="completed", task_id=claim.id, lease=claim.ref.lease, mode="llm", result=text, output=text,
        started_at=1.0, ended_at=2.0,
    )  # fmt: skip
    growth = rig.prompts.growth_of(claim, outcome)

    assert growth is not None

    def hold(tx: Any) -> None:
        run_growth.note(tx, claim.seq, claim.ref, growth)
        row = recording.begin_review(tx, claim.ref, outcome, Verdict(decision="HELD", confidence=0.5), {})
        assert row is not None
        recording.hold(tx, row, Question("review", "Good?", ("approve", "reject"), {}))

    rig.store.write(hold)


def refused(rig: DurableRuns) -> list[tuple[str, str]]:
    rows = [row for row in rig.store.reader.events() if row["event"] == "task.add_refused"]
    return [(told["path"], told["reason"]) for row in rows if (told := json.loads(row["data"]))]


def test_what_an_answer_asks_for_is_held_to_what_came_before_it_was_approved(rig, home) -> None:
    rig.read_outputs(home.outputs)
    run = rig.start(open=True, tasks=[{**task("a"), "may_add": True, "review": "human"}])
    rig.claim()
    own = {"prompt": "x"}
    asked = [
        {"id": "l", **own, "for_each": ["x"]}, {"id": "d", **own}, {"id": "k", **own, "deps": ["d"],
        "repeat": rounds("d")}, {"id": "m", **own, "deps": ["l"]}, {"id": "n", **own}, {"id": "o", **own},
    ]  # fmt: skip
    held(rig, block(*asked))
    rig.add(run, task("l.1"), task("d.r2"), task("n"))
    rig.store.approve(f"{run}:a", "ann")

    needs = "a task {} is there already, whose id {} needs for itself"
    assert sorted(refused(rig)) == [
        ("tasks[0].for_each", f"tasks[0].for_each: {needs.format('l.1', 'l')}"),
        ("tasks[2].repeat", f"tasks[2].repeat: {needs.format('d.r2', 'd')}"),
        ("tasks[3].deps[0]", "tasks[3].deps[0]: l is not there"),
        ("tasks[4].id", "tasks[4].id: there is a task n already"),
    ]
    done = states(rig.go(run))
    assert set(done) == {"a", "l.1", "d.r2", "n", "d", "o"}
    assert set(done.values()) == {"completed"}


def test_what_an_answer_asks_for_waits_for_rounds_that_came_before_it_was_approved(rig) -> None:
    asker = {**task("a"), "may_add": True, "review": "human"}
    run = rig.start(open=True, tasks=[asker])
    rig.claim()
    held(rig, block({"id": "z", "prompt": "x {{deps.a.output}}", "deps": ["a"]}))
    rig.add(run, {**task("k", "a"), "repeat": rounds("a", "r2")})
    rig.store.approve(f"{run}:a", "ann")
    rig.claim()
    assert rig.begun == ["a", "k"]


# -- rounds that begin at a step which is there -------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_added_rounds_do_again_what_they_reach_through_the_run_as_at_the_start(rig, turns: int) -> None:
    added = {**task("x", "b"), "repeat": rounds("a", "r2")}
    run = rig.start(open=True, tasks=PAIR)
    for _ in range(turns):
        rig.turn()
    rig.add(run, added, task("z", "a"))
    done = states(rig.go(run))
    assert rig.begun == ["a", "b", "x", "a.r2", "b.r2", "x.r2", "z"]
    assert set(done.values()) == {"completed"}


def test_added_rounds_begin_nowhere_but_at_a_step_they_wait_for(rig) -> None:
    run = rig.start(open=True, tasks=[*PAIR, task("c")])
    with pytest.raises(InvalidInput, match=r"tasks\[0\]\.repeat\.first: x does not wait for c"):
        rig.add(run, {**task("x", "b"), "repeat": rounds("c")})


def test_there_are_no_added_rounds_of_items_nor_of_rounds(rig, home) -> None:
    rig.read_outputs(home.outputs)
    run = rig.start(open=True, tasks=[LIST, task("d"), {**task("k", "d"), "repeat": rounds("d")}])
    rig.go(run)
    told = r"tasks\[0\]\.repeat: l\.1 is an item or a round of l, of which there are no rounds of its own"
    with pytest.raises(InvalidInput, match=told):
        rig.add(run, {**task("x", "l.1"), "repeat": rounds("l.1")})
    with pytest.raises(DagInvalid, match=r"the rounds of x and those of k\.r2 would both do k\.r2 again"):
        rig.add(run, {**task("x", "k.r2"), "repeat": rounds("k.r2")})


def test_added_rounds_that_a_task_there_would_be_passed_over_by_are_refused(rig) -> None:
    run = rig.start(open=True, tasks=[*PAIR, task("c", "a")])
    with pytest.raises(DagInvalid, match="c is there already and depends on a") as refused:
        rig.add(run, {**task("x", "b"), "repeat": rounds("a")})
    assert refused.value.details["path"] == "tasks[0].repeat"


def test_rounds_of_what_an_answer_asks_for_reach_through_the_run_and_each_other(rig) -> None:
    own = {"prompt": "x"}
    asked = block(
        {"id": "x", **own, "deps": ["b"], "repeat": rounds("a", "r2")},
        {"id": "p", "prompt": "{{previous}}"},
        {"id": "q", **own, "deps": ["p"]},
        {"id": "s", **own, "deps": ["q"], "repeat": rounds("p", "r2")},
        {"id": "t", **own, "deps": ["b"], "repeat": rounds("p")},
    )
    rig.work = lambda name: asked if name == "b" else f"ok:{name}"
    tasks = [task("a"), {**task("b", "a"), "may_add": True}]
    rig.go(rig.start(tasks=tasks, policy={"max_depth": 1}))
    assert {"x.r2", "p.r2", "q.r2", "s.r2"} <= {*rig.begun}
    assert ("tasks[4].repeat.first", "tasks[4].repeat.first: t does not wait for p") in refused(rig)


def test_no_answer_of_a_model_has_a_command_done_again(rig) -> None:
    rig.work = lambda name: block({"id": "x", "prompt": "x", "deps": ["b"], "repeat": rounds("a")})
    rig.go(rig.start(tasks=[{"id": "a", "argv": ["true"]}, {**task("b", "a"), "may_add": True}]))
    assert refused(rig) == [("tasks[0].repeat", f"tasks[0].repeat: {ONLY_A_REQUEST}")]


ONLY_A_REQUEST = "its rounds would do a again, which only a request can ask for"


@pytest.mark.parametrize(
    ("does", "rights", "may"),
    [
        (None, Rights(), True),
        ("command", Rights(), False),
        ("command", Rights(is_command=True), True),
        ("ask", Rights(review="human", is_command=True), False),
        ("run", Rights(is_command=True), False),
        ("review", Rights(), False),
        ("review", Rights(review="human"), True),
    ],
)
def test_rounds_of_what_an_answer_asks_for_do_again_what_it_could_ask_for(does, rights, may) -> None:
    known = {"a": Shape(does=does), "b": Shape(["a"])}
    asked = {"id": "x", "prompt": "x", "deps": ["b"], "repeat": rounds("a")}
    found = screened([asked], replace(rights, told=frozenset(known)), known, ())
    assert [each.reason for each in found.refused] == ([] if may else [f"tasks[0].repeat: {ONLY_A_REQUEST}"])


# -- in memory ----------------------------------------------------------------------------------------------


def in_memory(*added: RunTask) -> RunError | list[str]:
    """What a run of `PAIR` says to tasks that are added while its first runs; else what was done."""
    control, done, errors = RunControl(), list[str](), list[Any]()

    def work(job: Any) -> TaskResult:
        done.append(job.task_id)
        if job.task_id == "a":
            errors.append(control.add([*added]))
        return TaskResult(f"ok:{job.task_id}")

    policy = RunPolicy()
    made = new_orchestrator_with_defaults(policy, work, Options(executor=InlineExecutor(1, work)))
    tasks = [RunTask("a", TaskInput("x")), RunTask("b", TaskInput("x"), deps=["a"])]
    made.run(new_run("r", tasks, policy), control)
    error = errors[0].exception()
    return error if isinstance(error, RunError) else done


def repeating(name: str, dep: str, first: str) -> RunTask:
    repeat = Repeat(Condition("{{output}}", "contains", "r2"), 2, first)
    return RunTask(name, TaskInput("x"), deps=[dep], repeat=repeat)


def test_in_memory_added_rounds_do_again_what_they_reach_through_the_run() -> None:
    done = in_memory(repeating("x", "b", "a"), RunTask("z", TaskInput("x"), deps=["a"]))
    assert done == ["a", "b", "x", "a.r2", "b.r2", "x.r2", "z"]


def test_in_memory_tasks_that_are_added_are_held_to_the_run_by_the_same_rules() -> None:
    error = in_memory(repeating("x", "b", "a"), RunTask("b.r2", TaskInput("x")))
    assert isinstance(error, DagInvalid)
    assert error.message == "added tasks: b.r2 is kept for an item or a round of b; choose another id"
