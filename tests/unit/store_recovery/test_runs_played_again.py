"""Runs of a home whose database is rebuilt: those of the backup go on, and end when their tasks have."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from click.testing import CliRunner
from skep_client import RunLost, outcomes, reading

import skep
from commands import run_show, show
from commands.task_view import full
from errors import TransitionNotAllowed
from panel.remedies import remedy_of
from panel.run_buttons import deeds_of
from panel.run_health import health_of
from panel.task_views import actions_of
from run_contract.errors import KeyUsed, RunCompleted, RunExists, TaskExists
from runs import views
from store import run_steering
from store.editing import is_editable
from testing.durable_runs import DurableRuns
from tests.unit.store_recovery.run_homes import rebuilt, rig_of, start_under
from tests.unit.store_recovery.worked_home import WorkedHome

TASKS: list[dict[str, Any]] = [
    {"id": "a", "prompt": "x"},
    {"id": "gate", "ask": "Ship?", "choices": ["yes", "no"], "deps": ["a"]},
    {"id": "b", "prompt": "On {{deps.gate.output}}", "deps": ["gate"]},
    {"id": "c", "prompt": "x", "deps": ["b"]},
]


@pytest.fixture
def home(tmp_path, clock):
    made = WorkedHome(tmp_path / "home", clock).open()
    yield made
    if made.store is not None:
        made.close()


def test_a_run_of_the_backup_goes_on_and_what_ended_since_is_not_done_again(home) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=TASKS)
    home.back_up()
    rig.go(run)
    home.opened.approve("r:gate", "ann")
    rig.turn()

    again = rebuilt(home)
    assert again.shown(run)["tasks"]["gate"]["output"] == "yes"
    told = again.go(run)
    assert (told["state"], again.begun, told["open_tasks"]) == ("completed", ["c"], 0)


def test_its_answer_is_told_as_it_was_given(home) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=TASKS)
    home.back_up()
    rig.go(run)
    home.opened.reject("r:gate", "ann", "no")

    again = rebuilt(home)
    assert again.go(run)["state"] == "completed"
    assert "no" in again.sent["b"]


def test_a_question_that_was_open_is_asked_anew(home) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=TASKS)
    home.back_up()
    rig.go(run)

    again = rebuilt(home)
    again.go(run)
    home.opened.choose("r:gate", "no", "ann")
    assert again.go(run)["tasks"]["gate"]["output"] == "no"


@pytest.mark.parametrize("end", ["completed", "failed", "aborted"])
def test_a_run_that_ended_since_stands_as_it_ended(home, end: str) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=TASKS)
    home.back_up()
    if end == "failed":

        def work(name: str) -> str:
            if name == "b":
                raise ValueError("it broke")
            return "ok"

        rig.work = work
    rig.go(run)
    if end == "aborted":
        rig.abort(run)
    else:
        home.opened.approve("r:gate", "ann")
        rig.go(run)
    before = rig.shown(run)

    after = rebuilt(home).shown(run)
    assert after["state"] == end
    for name in ("error", "open_tasks", "task_count"):
        assert after[name] == before[name]


def test_a_rebuilt_run_that_failed_is_resumed(home) -> None:
    rig = rig_of(home)
    run = rig.start(id="r", tasks=TASKS)
    home.back_up()
    rig.go(run)
    home.opened.write(lambda tx: run_steering.abort(tx, run, "ann"))

    again = rebuilt(home)
    home.opened.write(lambda tx: run_steering.resume(tx, run, "ann"))
    again.go(run)
    home.opened.approve("r:gate", "ann")
    assert again.go(run)["state"] == "completed"


def test_a_run_that_came_after_the_backup_is_not_brought_back(home) -> None:
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    rig.start(id="late", tasks=[{"id": "a", "prompt": "x"}])

    again = rebuilt(home)
    assert again.store.reader.one("get_run", id="late") is None
    row = again.store.reader.task("late:a")
    assert row is not None
    assert (row["state"], row["code"]) == ("failed", "lost")


@pytest.mark.parametrize("end", ["running", "completed", "aborted"])
def test_a_start_under_a_key_is_answered_with_the_run_that_came_after_the_backup(home, end: str) -> None:
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    run = start_under(rig, "sk-key of mine")
    if end == "completed":
        rig.go(run)
    elif end == "aborted":
        rig.abort(run)

    again = rebuilt(home)
    assert start_under(again, "sk-key of mine") == run
    with pytest.raises(KeyUsed):
        start_under(again, "sk-key of mine", name="something else")
    assert start_under(again, "another key") != run
    told = again.shown(run)
    assert (told["state"], told["open_tasks"]) == ("failed" if end == "running" else end, 0)
    if end == "running":
        assert told["error"]["code"] == "lost"
        with pytest.raises(RunCompleted, match="another id and idempotency key"):
            home.opened.write(lambda tx: run_steering.resume(tx, run, "ann"))


def test_a_start_under_a_key_that_the_backup_has_is_answered_with_its_run(home) -> None:
    run = start_under(rig_of(home), "one")
    home.back_up()

    again = rebuilt(home)
    assert start_under(again, "one") == run
    assert again.go(run)["state"] == "completed"


def test_no_key_of_a_client_stands_in_the_history(home) -> None:
    run = start_under(rig_of(home), "a-secret-of-the-client")

    (row,) = [row for row in home.opened.reader.events() if row["event"] == "run.started"]
    assert run in row["data"]
    assert "a-secret-of-the-client" not in row["data"]


def test_the_ids_of_what_was_lost_are_refused_in_words(home) -> None:
    rig = rig_of(home)
    rig.start(id="kept", open=True, tasks=[{"id": "b", "prompt": "x"}])
    home.back_up()
    rig.add("kept", {"id": "a", "prompt": "x"})
    rig.start(id="late", tasks=[{"id": "a", "prompt": "x"}])

    again = rebuilt(home)
    with pytest.raises(RunExists, match=r"late:a of a run 'late' that was lost .* give another id"):
        again.start(id="late", tasks=[{"id": "a", "prompt": "x"}])
    with pytest.raises(TaskExists, match="a task 'a' that was lost with a damaged database; give another id"):
        again.add("kept", {"id": "a", "prompt": "x"})
    with pytest.raises(TransitionNotAllowed, match="ask for a again under another id, to the run kept"):
        home.opened.retry("kept:a", "ann")


MID: list[dict[str, Any]] = [
    {"id": "a", "prompt": "x"},
    {"id": "b", "prompt": "x", "deps": ["a"]},
    {"id": "c", "prompt": "x", "deps": ["b"]},
]


def lost_run(home: WorkedHome) -> DurableRuns:
    """A home whose run `mid` was lost while its task `b` ran."""
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    start_under(rig, "k", id="mid", tasks=MID)
    rig.turn()  # what stands beside it, then its first task
    rig.turn()
    rig.claim()
    return rebuilt(home)


@pytest.mark.parametrize("name", ["mid:b", "mid:c"])
def test_no_task_of_a_lost_run_goes_back_to_the_queue(home, name: str) -> None:
    again = lost_run(home)
    row = home.opened.reader.task(name)

    assert (row["state"], row["code"]) == ("failed", "lost")
    for deed in (
        lambda: home.opened.edit(name, row["version"], {"id": name, "command": "true"}, "ann"),
        lambda: home.opened.edit(name, row["version"], {"id": name, "prompt": "x"}, "ann", send_back=True),
        lambda: home.opened.retry(name, "ann"),
    ):
        with pytest.raises(TransitionNotAllowed, match="start the run mid anew, under another id and idem"):
            deed()
    told = again.shown("mid")
    assert (told["state"], told["error"]["code"], told["open_tasks"]) == ("failed", "lost", 0)
    assert home.opened.reader.task(name)["state"] == "failed"


def test_the_attempt_that_ran_when_a_run_was_lost_has_ended(home) -> None:
    lost_run(home)
    (attempt,) = home.opened.reader.attempts(home.opened.reader.task("mid:b")["seq"])
    assert (attempt["became"], attempt["ended"] is not None) == ("interrupted", True)


def test_what_is_shown_of_a_lost_task_offers_no_edit_and_says_what_to_do(home) -> None:
    lost_run(home)
    reader = home.opened.reader
    row = reader.task("mid:b")
    way = dict(show.lines(full(reader, row, reader.situation()) | {"route": None}))["way on"]

    assert way == "start the run mid anew, under another id and idempotency key"
    assert actions_of(row, None) == []
    assert not is_editable(row)
    assert "Start the run anew" in remedy_of({"status": "failed", "code": row["code"]})


@pytest.mark.parametrize("end", ["completed", "failed", "aborted"])
def test_every_face_says_of_a_run_that_ended_that_its_answers_are_lost(home, end: str) -> None:
    rig = rig_of(home)
    home.add("own")
    home.back_up()
    start_under(rig, "k", id="done", tasks=[{"id": "a", "prompt": "x"}])
    if end == "failed":

        def work(name: str) -> str:
            raise ValueError("it broke")

        rig.work = work
    if end == "aborted":
        rig.abort("done")
    rig.go("done")

    again = rebuilt(home)
    row, told = home.opened.reader.one("get_run", id="done"), again.shown("done")
    assert (told["state"], told["is_lost"]) == (end, True)
    assert told["cost_micros"] == views.brief(home.opened.reader, row)["cost_micros"]
    assert "lost with its 1 tasks" in run_show.headline(told)
    assert deeds_of(told) == []
    said = health_of(told, Counter(), 0, worker_runs=True)
    assert "answers were lost with the damaged database" in said["sentence"]
    assert "Resume" not in said["detail"]
    with pytest.raises(RunCompleted, match="cannot be resumed: what it asked for and its answers were lost"):
        home.opened.write(lambda tx: run_steering.resume(tx, "done", "ann"))
    with pytest.raises(RunCompleted, match="cannot be forked"):
        again.fork("done", task="a")
    for words in (["graph", "done"], ["diff", "done", "done"], ["fork", "done", "--task", "a"]):
        refused = CliRunner().invoke(skep.cli, ["--home", str(home.home.root), "run", *words])
        assert (refused.exit_code, "its answers were lost" in refused.output) == (1, True)
    with pytest.raises(RunLost, match="its answers were lost"):
        outcomes.check(reading.run(told))


def test_a_run_that_was_not_lost_is_told_as_that(home) -> None:
    rig = rig_of(home)
    start_under(rig, "one", id="r")
    told = rig.go("r")
    assert (told["state"], told["is_lost"]) == ("completed", False)
    outcomes.check(reading.run(told))
