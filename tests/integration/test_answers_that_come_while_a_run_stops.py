"""Answers that come while their run is ending: they count where nothing would follow from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

import skep
from run_contract.errors import RunCompleted
from store import run_steering
from testing.durable_runs import DurableRuns
from tests.integration.run_tasks import kinds, states, task

UNTIL = {"of": "{{output}}", "test": "at_least", "value": 80}
CANCELLED = ("failed", "cancelled")


@pytest.fixture
def rig(store, who, home) -> DurableRuns:
    made = DurableRuns(store, who, lambda name: f"ok:{name}")
    made.read_outputs(home.outputs)
    made.heeds_stop = False
    return made


def reviewed(**more: Any) -> list[dict[str, Any]]:
    rounds = {"first": "d", "until": UNTIL} | more
    return [task("d"), task("k", "d", repeat=rounds), task("x", "d", "k", prompt="{{deps.d.output}}")]


def scoring(*scores: int):
    left = list(scores)
    return lambda name: f"score: {left.pop(0)}" if name.startswith("k") else f"draft {name}"


def once_begun(rig: DurableRuns, name: str, **request: Any) -> str:
    """Start a run and have it work until a task is begun, and has not answered."""
    run = rig.start(**request)
    rig.claim()
    while name not in rig.begun:
        assert rig.turn(), f"{name} does not begin"
        rig.claim()
    return run


def end_of(run: dict[str, Any], name: str) -> tuple[str, str | None]:
    one = run["tasks"][name]
    return one["state"], (one.get("error") or {}).get("code")


def resumed(rig: DurableRuns, run: str) -> dict[str, Any]:
    rig.store.write(lambda tx: run_steering.resume(tx, run, "test"))
    return rig.go(run)


# -- what follows from it is left out ------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["abort", "failure", "deadline", "cancel"])
def test_an_answer_that_will_not_do_is_asked_for_anew_when_the_run_goes_on(rig, clock, way: str) -> None:
    score = scoring(1, 1, 99)

    def work(name: str) -> str:
        if name == "j" and rig.begun.count("j") == 1:
            raise ValueError("it broke")
        return score(name)

    rig.work = work
    tasks = [*reviewed(), task("j")] if way == "failure" else reviewed()
    run = once_begun(rig, "k", policy={"run_timeout_ms": 5_000, "max_parallelism": 2}, tasks=tasks)
    if way == "abort":
        rig.abort(run)
    elif way == "cancel":
        rig.store.cancel(f"{run}:k", "ann")
    elif way == "deadline":
        clock.advance(6.0)
        rig.store.write(run_steering.end_overdue)
    told = rig.go(run)
    assert (end_of(told, "k"), "d.r2" in told["tasks"]) == (CANCELLED, False)
    assert "its answer came after that and does not count" in told["tasks"]["k"]["error"]["message"]

    told = resumed(rig, run)
    assert (told["state"], rig.begun[-4:]) == ("completed", ["k", "d.r2", "k.r2", "x"])
    assert "draft d.r2" in rig.sent["x"]


def test_rounds_that_are_used_up_are_told_so_while_the_run_stops(rig) -> None:
    rig.work = scoring(1, 99)
    run = once_begun(rig, "k", tasks=reviewed(most=1))
    rig.abort(run)
    assert end_of(rig.go(run), "k") == ("failed", "not_reached")
    assert resumed(rig, run)["state"] == "completed"


def test_the_tasks_it_asks_for_are_added_when_the_run_goes_on(rig) -> None:
    more = json.dumps({"tasks": [{"id": "more", "prompt": "x"}]})
    rig.work = lambda name: f"text\n```skep-tasks\n{more}\n```" if name == "a" else f"ok:{name}"
    run = once_begun(rig, "a", tasks=[task("a", may_add=True), task("b", "a")])
    rig.abort(run)
    told = rig.go(run)
    assert (end_of(told, "a"), told["state"]) == (CANCELLED, "aborted")

    told = resumed(rig, run)
    assert (told["state"], set(states(told))) == ("completed", {"a", "b", "more"})


def test_a_fork_does_what_was_left_so_anew(rig) -> None:
    rig.work = scoring(1, 99)
    run = once_begun(rig, "k", tasks=reviewed())
    rig.abort(run)
    rig.go(run)
    told = rig.go(rig.fork(run, task="x"))
    assert (told["state"], told["tasks"]["k"]["output"]) == ("completed", "score: 99")


@pytest.mark.parametrize("tasks", [[task("a")], reviewed()])
def test_an_answer_from_which_nothing_follows_counts(rig, tasks) -> None:
    rig.work = scoring(99)
    last = "a" if len(tasks) == 1 else "k"
    run = once_begun(rig, last, tasks=tasks)
    rig.abort(run)
    told = rig.go(run)
    assert (told["state"], end_of(told, last)) == ("aborted", ("completed", None))


# -- a run of which everything completed ---------------------------------------------------------------------


@pytest.mark.parametrize("way", ["abort", "deadline"])
def test_a_run_whose_last_answer_came_while_it_stopped_completes_when_it_is_resumed(
    rig, home, clock, way: str
) -> None:
    run = once_begun(rig, "a", policy={"run_timeout_ms": 5_000}, tasks=[task("a")])
    if way == "abort":
        rig.abort(run)
    else:
        clock.advance(6.0)
        rig.store.write(run_steering.end_overdue)
    assert rig.go(run)["state"] == ("aborted" if way == "abort" else "failed")
    said = CliRunner().invoke(skep.cli, ["--home", str(home.root), "run", "resume", run])
    assert (said.exit_code, said.output) == (0, f"{run} is completed: all of its tasks had completed.\n")

    told = rig.go(run)
    assert (told["state"], told["error"], rig.begun) == ("completed", None, ["a"])
    assert kinds(rig)[-2:] == ["run.resumed", "run.completed"]
    with pytest.raises(RunCompleted):
        resumed(rig, run)


@pytest.mark.parametrize("first", ["the run above", "the task", "the run within"])
def test_so_does_one_within_another_and_the_task_it_does_goes_on(rig, first: str) -> None:
    inner = {"workflow": {"name": "in", "steps": [{"id": "k", "prompt": "x"}]}}
    run = once_begun(rig, "k", tasks=[{"id": "o", "run": inner}, task("e", "o")])
    child = rig.shown(run)["tasks"]["o"]["child"]
    rig.abort(run)
    told = rig.go(run)
    assert (told["state"], end_of(told, "o")) == ("aborted", CANCELLED)
    assert (rig.shown(child)["state"], states(rig.shown(child))) == ("aborted", {"k": "completed"})

    if first == "the run within":
        assert resumed(rig, child)["state"] == "completed"
    if first == "the task":
        rig.store.retry(f"{run}:o", "test")
        assert end_of(rig.go(run), "o") == ("completed", None)
    told = resumed(rig, run)
    assert (told["state"], told["tasks"]["o"]["output"]) == ("completed", "ok:k")
    assert (rig.begun, rig.shown(child)["state"]) == (["k", "e"], "completed")
