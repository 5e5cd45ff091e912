"""The kill switch with the whole daemon: set by hand, by verb, before a start; and nothing is lost."""

from __future__ import annotations

import json
import threading
import time

import pytest

from testing.model_server import ModelServer, Reply
from testing.running_daemon import LOOK_EVERY_S, RunningDaemon

pytestmark = pytest.mark.acceptance


@pytest.fixture
def model():
    with ModelServer(Reply(text="fine")) as server:
        yield server


@pytest.fixture
def daemon(tmp_path, model):
    running = RunningDaemon(tmp_path / "home", SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m")
    yield running
    running.kill_everything()


def kill_file(daemon):
    return daemon.root / ".swarm" / "KILL"


def nothing_runs(tasks):
    return not any(task["status"] == "in_progress" for task in tasks.values())


def kinds(daemon, *wanted):
    return [event["event"] for event in daemon.events() if event["event"] in wanted]


def test_what_runs_is_stopped_by_a_touched_file_waits_and_goes_on_when_it_is_gone(daemon, model):
    hold = threading.Event()
    model.reply_with(Reply(hold=hold))
    daemon.start("--no-panel")
    daemon.skep("add", "think", "--id", "model-call")
    daemon.skep("add", "--id", "command", "--command", "sleep 1000", "--timeout", "2000")
    daemon.wait_until(
        lambda tasks: all(tasks[name]["status"] == "in_progress" for name in ("model-call", "command")),
        "both run",
    )
    model.wait_for_requests(1)

    kill_file(daemon).touch()
    stopped = daemon.wait_until(nothing_runs, "both are stopped")

    assert {task["status"] for task in stopped.values()} == {"pending"}
    assert {task["waiting_for"] for task in stopped.values()} == {
        "the kill switch is on (skep kill-switch off)"
    }
    assert {task["attempts"] for task in stopped.values()} == {0}, "nothing of it counts"
    daemon.skep("cancel", "command")
    told = ["daemon.kill_switch_on", "daemon.kill_switch_off"]
    daemon.wait_until(lambda _: kinds(daemon, *told) == told[:1], "it is told")
    kill_file(daemon).unlink()
    tasks = daemon.wait_for_ends("model-call")
    assert tasks["model-call"]["status"] == "approved"
    daemon.wait_until(lambda _: kinds(daemon, *told) == told, "both are told, once")
    assert daemon.skep("verify").returncode == 0


def test_a_command_whose_effect_is_unsafe_asks_a_person(daemon):
    daemon.start("--no-panel")
    daemon.skep("add", "--id", "risky", "--command", "sleep 1013", "--effect", "unsafe")
    daemon.wait_for_command("1013")

    daemon.skep("kill-switch", "on", "--reason", "it must not")
    tasks = daemon.wait_until(nothing_runs, "it is stopped")

    assert tasks["risky"]["status"] == "pending_review"
    assert "the kill switch was set while it ran" in tasks["risky"]["waiting_for"]
    assert "Run it again, count it as done, or count it as failed?" in tasks["risky"]["waiting_for"]


def test_a_daemon_that_starts_with_it_on_says_so_and_runs_nothing_until_it_is_cleared(daemon):
    daemon.skep("kill-switch", "on", "--reason", "since yesterday")
    daemon.skep("add", "--id", "waits", "--command", "echo hello")

    daemon.start("--no-panel", "--until-idle")
    assert daemon.wait_for_exit() == 75
    assert "NOTHING RUNS: the kill switch is on: since yesterday (skep kill-switch off)" in daemon.log()
    assert daemon.statuses("waits") == ["queued"]
    shown = json.loads((daemon.root / "queue.json").read_text("utf-8"))["tasks"][0]
    assert shown["waiting_for"] == "the kill switch is on: since yesterday (skep kill-switch off)"

    daemon.skep("kill-switch", "off")
    daemon.start("--no-panel", "--until-idle")
    assert daemon.wait_for_exit() == 0
    assert daemon.statuses("waits")[-1] == "approved"


def test_it_survives_the_plug(daemon):
    daemon.start("--no-panel")
    daemon.skep("add", "--id", "long", "--command", "sleep 1000")
    daemon.wait_until(lambda tasks: tasks["long"]["status"] == "in_progress", "it runs")
    kill_file(daemon).write_text("pulled")
    daemon.kill_everything()

    daemon.start("--no-panel")
    tasks = daemon.wait_until(nothing_runs, "nobody runs it")

    assert "the kill switch is on: pulled" in tasks["long"]["waiting_for"]


def test_whatever_stands_there_stops_a_running_daemon(daemon):
    daemon.start("--no-panel")
    daemon.skep("add", "--id", "long", "--command", "sleep 1000")
    path = kill_file(daemon)

    for make in (path.mkdir, lambda: path.symlink_to("nowhere"), lambda: path.write_bytes(b"y" * 1_000_000)):
        daemon.wait_until(lambda tasks: tasks["long"]["status"] == "in_progress", "it runs")
        make()
        tasks = daemon.wait_until(nothing_runs, "it is stopped")

        assert tasks["long"]["waiting_for"].startswith("the kill switch is on: ")
        assert len(tasks["long"]["waiting_for"]) < 600
        assert daemon.skep("kill-switch", "off").returncode == 0


def test_set_while_tasks_are_being_claimed_it_leaves_none_running_and_loses_none(daemon):
    daemon.start("--no-panel", "--concurrency", "8")
    daemon.add_to_queue(*({"id": f"t{number}", "command": "sleep 1000"} for number in range(40)))
    while not any(event["event"] == "task.in_progress" for event in daemon.events()):
        time.sleep(LOOK_EVERY_S)
    kill_file(daemon).touch()
    tasks = daemon.wait_until(
        lambda tasks: nothing_runs(tasks) and len(tasks) == 40, "nothing runs, and all are there"
    )

    assert {task["status"] for task in tasks.values()} == {"pending"}
    assert nothing_runs(daemon.tasks())


def test_the_circuit_breaker_trips_by_itself_stays_so_and_is_reset(daemon):
    daemon.start("--no-panel")
    daemon.add_to_queue(*({"id": f"t{number}", "command": f"cat gone{number}"} for number in range(10)))
    daemon.wait_until(lambda _: bool(kinds(daemon, "daemon.breaker_tripped")), "it trips")
    daemon.skep("add", "--id", "next", "--command", "true")

    assert daemon.stop() == 0
    daemon.start("--no-panel")
    daemon.wait_until(lambda _: len(kinds(daemon, "daemon.leader")) == 2, "it leads again")
    assert "NOTHING STARTS: the circuit breaker tripped" in daemon.log()
    assert daemon.tasks()["next"]["waiting_for"].startswith(
        "the circuit breaker tripped: the same failure 10 times, and no command went well in between: "
    )

    daemon.client().close()  # swarm is up
    assert daemon.skep("resume").stdout == "The circuit breaker is reset. Work goes on.\n"
    assert daemon.wait_for_ends("next")["next"]["status"] == "approved"
    assert len(kinds(daemon, "daemon.breaker_tripped")) == 1
