"""Runs on the one road: how they end, and how they come back."""

from __future__ import annotations

from typing import Any

import pytest

from run_contract.errors import RunCompleted
from runs.differing import differences
from runs.entering import forked
from runs.originals import original_of
from runs.request import read_fork
from store import run_steering, runs
from tests.integration.run_tasks import *  # noqa: F403  the fixtures
from tests.integration.run_tasks import failing, kinds, states, task

# -- coming to an end ----------------------------------------------------------------------------------------


def test_a_run_completes_when_its_last_task_has_ended(rig) -> None:
    run = rig.start(tasks=[task("a"), task("b", "a"), task("c", "a")])

    assert rig.shown(run)["state"] == "running"
    assert rig.go(run)["state"] == "completed"
    assert rig.begun == ["a", "b", "c"]
    assert kinds(rig) == ["run.started", "run.completed"]


def test_never_more_of_a_run_runs_than_it_may_however_many_lanes_it_has(rig) -> None:
    tasks = [task("a"), task("b"), {"id": "c", "argv": ["true"]}, {"id": "d", "argv": ["true"]}]
    run = rig.start(policy={"max_parallelism": 3}, tasks=tasks)
    other = rig.start(policy={"max_parallelism": 1}, tasks=[task("a"), task("b")])

    rig.claim()

    assert [one["state"] for one in rig.shown(run)["tasks"].values()].count("running") == 3
    assert states(rig.shown(other)) == {"a": "running", "b": "ready"}
    held = rig.shown(other)["tasks"]["b"]["waiting_for"]
    assert held == "a slot of its run (1 of its tasks at once: max_parallelism)"


def test_the_highest_priority_begins_first_and_then_the_smallest_id(rig) -> None:
    run = rig.start(tasks=[task("b"), task("a"), task("z", priority=5)])
    rig.go(run)

    assert rig.begun == ["z", "a", "b"]


def test_the_first_failure_ends_a_run_that_fails_fast(rig) -> None:
    rig.work = failing("a")
    run = rig.start(tasks=[task("a"), task("b", "a"), task("c")])
    told = rig.go(run)

    assert states(told) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert (told["state"], told["error"]) == (
        "failed",
        {"code": "execution_failed", "message": "task a: it broke"},
    )
    assert [told["tasks"][name]["error"]["code"] for name in "bc"] == ["dependency_failed", "run_ended"]


def test_what_does_not_need_the_failed_task_goes_on_where_the_policy_says_so(rig) -> None:
    rig.work = failing("a")
    run = rig.start(policy={"on_failure": "continue"}, tasks=[task("a"), task("b", "a"), task("c")])
    told = rig.go(run)

    assert (told["state"], states(told)) == ("failed", {"a": "failed", "b": "skipped", "c": "completed"})


def test_what_runs_is_stopped_when_the_run_fails(rig) -> None:
    rig.work = failing("a")
    run = rig.start(policy={"max_parallelism": 2}, tasks=[task("a"), task("b")])
    rig.turn()

    assert rig.store.reader.one("get_task", id=f"{run}:b")["cancel_requested"] == 1
    assert rig.shown(run)["state"] == "running"
    told = rig.go(run)
    assert (told["state"], told["tasks"]["b"]["error"]["code"]) == ("failed", "cancelled")


def test_a_run_is_aborted_once_however_often_it_is_asked_for(rig) -> None:
    run = rig.start(tasks=[task("a"), task("b", "a")])
    rig.claim()
    rig.abort(run)
    rig.abort(run)

    assert rig.shown(run)["state"] == "aborting"
    told = rig.go(run)
    assert (told["state"], states(told)) == ("aborted", {"a": "failed", "b": "skipped"})
    assert kinds(rig) == ["run.started", "run.aborting", "run.aborted"]


def test_a_run_that_has_ended_is_not_aborted(rig) -> None:
    run = rig.start(tasks=[task("a")])
    rig.go(run)

    with pytest.raises(RunCompleted):
        rig.abort(run)


def test_a_run_whose_time_is_up_fails(rig, clock) -> None:
    run = rig.start(policy={"run_timeout_ms": 1_500}, tasks=[task("a"), task("b", "a")])
    rig.claim()
    clock.advance(1.4)
    assert rig.store.write(run_steering.end_overdue) == 0
    clock.advance(0.2)

    assert rig.store.write(run_steering.end_overdue) == 1
    # what runs of it is being stopped: until it has, there is nothing to do about its time
    assert rig.store.write(run_steering.end_overdue) == 0
    due = rig.store.reader.one("next_run_deadline")
    assert due is None or due["moment"] is None
    told = rig.go(run)
    assert (told["state"], told["error"]) == (
        "failed",
        {"code": "timeout", "message": "the run took longer than 1.5 s"},
    )


def test_a_task_whose_condition_is_not_met_is_skipped_with_those_that_need_it(rig) -> None:
    when = {"of": "{{deps.a.output}}", "test": "contains", "value": "no"}
    run = rig.start(tasks=[task("a"), task("b", "a", when=when), task("c", "b"), task("d", "a")])
    told = rig.go(run)

    assert (told["state"], states(told)) == (
        "completed",
        {"a": "completed", "b": "skipped", "c": "skipped", "d": "completed"},
    )
    assert [told["tasks"][name]["error"]["code"] for name in "bc"] == [
        "condition_not_met",
        "dependency_skipped",
    ]


def test_branches_come_together_where_any_will_do(rig) -> None:
    rig.work = failing("a")
    tasks = [
        task("a"),
        task("b"),
        task("c", "a", "b", needs="any", prompt="{{deps.a.output}}{{deps.b.output}}"),
    ]
    told = rig.go(rig.start(policy={"on_failure": "continue"}, tasks=tasks))

    assert states(told) == {"a": "failed", "b": "completed", "c": "completed"}


# -- coming back ---------------------------------------------------------------------------------------------


def test_a_failed_run_is_resumed_and_what_completed_is_not_done_again(rig) -> None:
    rig.work = failing("b")
    run = rig.start(tasks=[task("a"), task("b", "a"), task("c", "b"), task("d", "a")])
    rig.go(run)
    rig.work, rig.begun = failing(), []
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    told = rig.go(run)

    assert rig.begun == ["b", "c", "d"]
    assert (told["state"], told["error"], set(states(told).values())) == ("completed", None, {"completed"})
    assert kinds(rig) == ["run.started", "run.failed", "run.resumed", "run.completed"]


def test_a_run_that_runs_or_completed_is_not_resumed(rig) -> None:
    run = rig.start(tasks=[task("a")])
    for _ in range(2):
        with pytest.raises(RunCompleted):
            rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
        rig.go(run)


def test_a_run_of_which_one_task_alone_is_retried_does_not_count_as_done(rig) -> None:
    rig.work = failing("a")
    run = rig.start(tasks=[task("a"), task("b")])
    rig.go(run)
    rig.work = failing()
    rig.store.retry(f"{run}:a", "test")
    told = rig.go(run)

    assert (told["state"], told["error"]["code"]) == ("failed", "incomplete")
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    assert rig.go(run)["state"] == "completed"


def test_a_fork_keeps_the_answers_before_the_changed_task_and_does_the_rest_anew(rig) -> None:
    run = rig.start(tasks=[task("a"), task("b", "a"), task("c", "b"), task("d")])
    first = rig.go(run)
    rig.begun, rig.work = [], lambda name: f"new:{name}"
    row = rig.store.reader.one("get_run", id=run)
    made = forked(
        original_of(rig.store.reader, row),
        read_fork({"task": "b", "prompt": "y {{deps.a.output}}", "id": "f"}),
        rig.house,
    )
    rig.store.write(lambda tx: runs.start(tx, made, "test", rig.store.limits))
    told = rig.go("f")

    assert rig.begun == ["b", "c"]
    assert [told["tasks"][name]["output"] for name in "abcd"] == ["ok:a", "new:b", "new:c", "ok:d"]
    assert (told["tasks"]["a"]["reused_from"], told["forked_from"], told["state"]) == (run, run, "completed")
    found = differences(first, told, lambda one: one["output"])
    assert {one["id"]: (one["is_same"], one["is_reused"]) for one in found["tasks"]} == {
        "a": (True, True), "b": (False, False), "c": (False, False), "d": (True, True)
    }  # fmt: skip
    assert "+new:b" in found["tasks"][1]["diff"]


def test_rounds_are_compared_by_the_answer_that_stands_and_not_by_themselves(rig) -> None:
    until = {"of": "{{output}}", "test": "contains", "value": "r2"}
    repeated = task("k", "d") | {"repeat": {"first": "d", "until": until}}
    run = rig.start(tasks=[task("d"), repeated, task("t", "d")])
    first = rig.go(run)
    fork = rig.go(rig.fork(run, task="t"))
    found = differences(first, fork, lambda one: one["output"])

    told = {one["id"]: (one["is_same"], one["diff"]) for one in found["tasks"]}
    assert told == {"d": (True, []), "k": (True, []), "t": (True, [])}
    used = sum(one["usage"]["tokens"] for one in first["tasks"].values())
    assert -sum(one["tokens"] for one in found["tasks"]) == used - fork["tasks"]["t"]["usage"]["tokens"]


def test_the_lines_of_a_comparison_add_up_also_where_one_run_has_no_such_task() -> None:
    def run(**micros: int) -> dict[str, Any]:
        used = {name: {"tokens": each // 10, "cost_micros": each} for name, each in micros.items()}
        tasks = {name: {"state": "completed", "output": "x", "usage": each} for name, each in used.items()}
        tokens = {"tokens": sum(each["tokens"] for each in used.values())}
        return {"id": "r", "state": "completed", "usage": tokens, "cost_micros": sum(micros.values()),
                "tasks": tasks}  # fmt: skip

    found = differences(run(both=100, gone=70), run(both=130, came=900), lambda one: one["output"])

    assert [one["cost_micros"] for one in found["tasks"]] == [30, -70, 900]
    assert sum(one["tokens"] for one in found["tasks"]) == found["tokens"]
    assert sum(one["cost_micros"] for one in found["tasks"]) == found["cost_micros"]
