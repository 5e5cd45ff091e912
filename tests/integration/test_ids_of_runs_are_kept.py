"""Ids that lists and rounds of a run need: nobody else takes them, whenever it comes."""

from __future__ import annotations

from typing import Any

import pytest

from run_contract.errors import DagInvalid
from run_contract.records import Condition, Repeat, RunTask, TaskInput
from run_contract.shapes import Shape
from runs import task_shapes
from runs.asked_for import Rights, screened
from tests.integration.run_tasks import *  # noqa: F403  the fixtures
from tests.integration.run_tasks import states, task


def rounds(first: str) -> dict[str, Any]:
    until = {"of": "{{output}}", "test": "contains", "value": "good"}
    return {"until": until, "most": 2, "otherwise": "take", "first": first}


def open_run(rig) -> str:
    tasks = [
        {**task("l"), "for_each": ["x", "y"]},
        task("d"),
        {**task("k", "d"), "repeat": rounds("d")},
    ]
    return str(rig.start(open=True, tasks=tasks))


@pytest.mark.parametrize(("name", "owner"), [("l.1", "l"), ("d.r2", "d"), ("k.r2", "k"), ("k.r9", "k")])
def test_no_added_task_takes_an_id_that_a_list_or_rounds_of_the_run_need(rig, home, name, owner) -> None:
    rig.read_outputs(home.outputs)
    run = open_run(rig)
    told = rf"tasks\[0\]\.id: {name} is kept for an item or a round of {owner}; choose another id"
    with pytest.raises(DagInvalid, match=told) as refused:
        rig.add(run, task(name))
    assert refused.value.details["path"] == "tasks[0].id"
    assert set(states(rig.go(run)).values()) == {"completed"}


def test_an_added_list_does_not_need_the_id_of_a_task_that_is_there(rig) -> None:
    run = rig.start(open=True, tasks=[task("m.1")])
    with pytest.raises(DagInvalid, match=r"a task m\.1 is there already, whose id m needs for itself"):
        rig.add(run, {**task("m"), "for_each": ["x"]})
    rig.add(run, task("m.2"), task("other.1"))


def test_no_added_rounds_cross_those_of_the_run(rig) -> None:
    run = open_run(rig)
    with pytest.raises(DagInvalid, match="the rounds of q and those of k would both do d again") as refused:
        rig.add(run, task("p"), {**task("q", "d"), "repeat": rounds("d")})
    assert refused.value.details["path"] == "tasks[1].repeat"
    rig.add(run, task("e", "d"), {**task("f", "e"), "repeat": rounds("e")})


def test_rounds_that_an_answer_asks_for_do_not_cross_those_of_the_run() -> None:
    known = {"d": Shape(), "k": Shape(["d"], first="d")}
    asked = {"id": "q", "prompt": "x", "deps": ["d"], "repeat": rounds("d")}
    found = screened([asked], Rights(told=frozenset({"d"})), known, ())
    (refused,) = found.refused
    assert (refused.path, found.tasks) == ("tasks[0].repeat", {})
    assert "the rounds of q and those of k would both do d again" in refused.reason


CROSSING = [task("d"), {**task("k", "d"), "repeat": rounds("d")}, {**task("q", "d"), "repeat": rounds("d")}]


def test_rounds_that_cross_are_refused_at_the_start_with_both_paths(rig) -> None:
    told = r"tasks\[2\]\.repeat: the rounds of q and those of k \(tasks\[1\]\.repeat\) would both do d again"
    with pytest.raises(DagInvalid, match=told) as refused:
        rig.start(tasks=CROSSING)
    assert refused.value.details["path"] == "tasks[2].repeat"


def test_rounds_that_cross_are_refused_in_memory() -> None:
    repeat = Repeat(Condition("{{output}}", "contains", "good"), 2, "d")
    tasks = [RunTask("d", TaskInput("x"))]
    tasks += [RunTask(name, TaskInput("x"), deps=["d"], repeat=repeat) for name in ("k", "q")]
    with pytest.raises(DagInvalid, match="the rounds of q and those of k"):
        task_shapes.check({each.id: each for each in tasks})


def test_rounds_after_one_another_do_not_cross(rig) -> None:
    tasks = [*CROSSING[:2], task("e", "k"), {**task("f", "e"), "repeat": rounds("e")}]
    assert rig.go(rig.start(tasks=tasks))["state"] == "completed"
