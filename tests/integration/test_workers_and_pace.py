"""More and fewer workers, and another pace, while a real daemon runs: nothing is cut off by it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from testing.running_daemon import RunningDaemon
from tests.integration.test_what_is_not_up import wait_for


@pytest.fixture
def daemon(tmp_path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path / "home", SKEP_CONCURRENCY="2")
    yield running
    running.kill_everything()


def capacity(daemon: RunningDaemon) -> dict:
    return json.loads(daemon.skep("workers", "--json").stdout)


def test_workers_come_and_go_and_what_runs_comes_to_its_end(daemon):
    daemon.start("--no-panel")
    daemon.skep("workers", "3")
    wait_for(lambda: len(daemon.pids("worker")) == 3, "three workers")
    daemon.skep("pace", "1")
    long_ones = [{"id": f"long-{number}", "command": "sleep 3"} for number in range(3)]
    daemon.add_to_queue(*long_ones)
    daemon.wait_until(
        lambda tasks: [tasks.get(each["id"], {}).get("status") for each in long_ones] == ["in_progress"] * 3,
        "one task at each of three workers",
    )

    told = daemon.skep("workers", "1")
    assert (told.returncode, told.stdout) == (0, "1 worker.\n")
    tasks = daemon.wait_for_ends(*(each["id"] for each in long_ones))

    assert {task["status"] for task in tasks.values()} == {"approved"}
    assert {task["attempts"] for task in tasks.values()} == {1}
    wait_for(lambda: len(daemon.pids("worker")) == 1, "the workers that are one too many to go")
    events = [event["event"] for event in daemon.events()]
    assert "daemon.crashed" not in events
    assert "task.interrupted" not in events
    daemon.add_to_queue({"id": "after", "command": "echo on"})
    assert daemon.wait_for_ends("after")["after"]["status"] == "approved"


def test_workers_and_swarm_let_the_panel_and_other_programs_go_first(tmp_path):
    running = RunningDaemon(tmp_path / "home", SKEP_NICE="3")
    try:
        running.start()
        for name in ("worker", "swarm", "panel"):
            wait_for(lambda name=name: running.pids(name), name)
        running.add_to_queue({"id": "who", "command": "nice"})
        running.wait_for_ends("who")
        (panel,), (worker,), (swarm,) = map(running.pids, ("panel", "worker", "swarm"))
        here = os.getpriority(os.PRIO_PROCESS, panel)
        assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in (worker, swarm)] == [min(19, here + 3)] * 2
    finally:
        running.kill_everything()


def test_what_was_set_outlives_a_restart_and_a_flag_says_otherwise(daemon):
    daemon.skep("workers", "2")
    daemon.start("--no-panel")
    wait_for(lambda: len(daemon.pids("worker")) == 2, "two workers")
    assert daemon.stop() == 0

    daemon.start("--no-panel", "--workers", "3", "--concurrency", "4")
    wait_for(lambda: len(daemon.pids("worker")) == 3, "three workers")

    assert capacity(daemon) == {"workers": 3, "pace": 4, "set": {"workers": False, "pace": False}}
    assert daemon.stop() == 0
    assert capacity(daemon) == {"workers": 1, "pace": 2, "set": {"workers": False, "pace": False}}


@pytest.mark.parametrize("given", ["0", "17", "many", "-1", "²"])
def test_what_is_no_number_of_workers_is_refused(daemon, given):
    told = daemon.skep("workers", "--", given)

    assert told.returncode == 2
    assert "Traceback" not in told.stderr
