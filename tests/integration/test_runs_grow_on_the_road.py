"""Runs of the daemon that grow: tasks that are added, and lists."""

from __future__ import annotations

import json

import pytest

from run_contract.errors import InvalidInput, RunCompleted, TaskExists
from runs.entering import new_run
from runs.request import read_start
from store import run_steering, runs
from testing.durable_runs import DurableRuns
from tests.integration.run_tasks import *  # noqa: F403  the fixtures
from tests.integration.run_tasks import failing, states, task


def test_tasks_are_added_to_a_run_that_stays_open_until_it_is_closed(rig) -> None:
    run = rig.start(open=True, tasks=[task("a")])
    assert rig.go(run)["state"] == "running"

    rig.add(run, task("b", "a"))
    assert states(rig.go(run)) == {"a": "completed", "b": "completed"}
    rig.store.write(lambda tx: run_steering.close(tx, run, "test"))

    assert rig.shown(run)["state"] == "completed"
    with pytest.raises(RunCompleted):
        rig.add(run, task("c"))


def test_what_is_added_behind_a_failure_is_skipped_at_once(rig) -> None:
    rig.work = failing("a")
    run = rig.start(open=True, policy={"on_failure": "continue"}, tasks=[task("a")])
    rig.go(run)
    rig.add(run, task("b", "a"), task("c"))

    assert states(rig.go(run)) == {"a": "failed", "b": "skipped", "c": "completed"}
    rig.store.write(lambda tx: run_steering.close(tx, run, "test"))
    assert rig.shown(run)["state"] == "failed"


def test_no_task_is_added_twice_nor_more_than_the_run_may_have(rig) -> None:
    run = rig.start(policy={"max_tasks": 2}, open=True, tasks=[task("a")])

    with pytest.raises(TaskExists):
        rig.store.write(lambda tx: runs.add(tx, run, _made(rig, run, "a"), "test", rig.store.limits))
    with pytest.raises(InvalidInput, match="max_tasks allows 2"):
        rig.add(run, task("b"), task("c"))
    assert len(rig.shown(run)["tasks"]) == 1


def _made(rig: DurableRuns, run: str, name: str):
    return new_run(read_start({"id": run, "tasks": [task(name)]}), rig.house).tasks


def test_a_task_is_done_item_by_item_of_a_list_and_gives_their_answers(rig, home) -> None:
    rig.read_outputs(home.outputs)
    rig.work = lambda name: json.dumps(["x", "y"]) if name == "a" else f"ok:{name}"
    tasks = [
        task("a"),
        task("b", "a", for_each="{{deps.a.output}}", prompt="{{index}}: {{item}}"),
        task("c", "b", prompt="{{deps.b.output}}"),
    ]
    run = rig.start(policy={"max_parallelism": 2}, tasks=tasks)
    told = rig.go(run)

    assert (told["state"], states(told)) == (
        "completed",
        dict.fromkeys(["a", "b", "c", "b.1", "b.2"], "completed"),
    )
    assert rig.begun == ["a", "b.1", "b.2", "c"]
    assert json.loads(told["tasks"]["b"]["output"]) == ["ok:b.1", "ok:b.2"]
    assert (told["tasks"]["b.1"]["parent"], told["tasks"]["b.1"]["deps"]) == ("b", [])
    assert told["tasks"]["b"]["attempts"] == 1


def test_an_empty_list_is_done_at_once(rig, home) -> None:
    rig.read_outputs(home.outputs)
    told = rig.go(rig.start(tasks=[task("a", for_each=[]), task("b", "a")]))

    assert (told["state"], told["tasks"]["a"]["output"]) == ("completed", "[]")


def test_a_failed_item_fails_its_task_and_both_are_resumed(rig, home) -> None:
    rig.read_outputs(home.outputs)
    rig.work = failing("a.2")
    run = rig.start(policy={"on_failure": "continue"}, tasks=[task("a", for_each=["x", "y"]), task("b")])
    told = rig.go(run)
    assert (told["state"], states(told)) == (
        "failed",
        {"a": "skipped", "a.1": "completed", "a.2": "failed", "b": "completed"},
    )

    rig.work, rig.begun = failing(), []
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    assert rig.go(run)["state"] == "completed"
    assert rig.begun == ["a.2"]


def test_a_list_over_the_limits_of_the_run_fails_its_task(rig) -> None:
    for policy, code in (({"max_items": 1}, "max_items"), ({"max_tasks": 2}, "max_tasks")):
        told = rig.go(rig.start(policy=policy, tasks=[task("a", for_each=["x", "y"])]))
        assert (told["state"], told["error"]["code"]) == ("failed", "context_build_failed")
        assert code in told["error"]["message"]
