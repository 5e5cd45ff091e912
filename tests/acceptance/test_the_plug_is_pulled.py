"""kill -9 of worker, of swarm, of everything, at every named step and at random times.

Afterwards every task has exactly one end or a visible question, nothing that had finished ran again
(counted from outside: calls by the model server that sees each, commands by the files they open), and the log
is whole.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import Any

import pytest

from faults import FAULT_POINTS
from testing.running_daemon import REPOSITORY, RunningDaemon
from tests.acceptance.conservation import check_nothing_finished_ran_again, check_nothing_is_lost, settled
from tests.acceptance.witness import FileWitness

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture
def files(daemon):
    """Watches the files that commands will open; they are there before it looks."""
    mixed_tasks(daemon, 240)
    witness = FileWitness(daemon.root / "workspace")
    yield witness
    witness.close()


def mixed_tasks(daemon: RunningDaemon, count: int) -> list[dict[str, Any]]:
    """Model calls and commands, every third waiting for the one before it."""
    tasks = []
    for number in range(count):
        name = f"t{number:03}"
        if number % 2:
            file = daemon.root / "workspace" / f"seen-{name}.txt"
            if not file.exists():
                file.write_text("seen\n")
            task: dict[str, Any] = {"id": name, "command": f"cat seen-{name}.txt"}
        else:
            task = {"id": name, "prompt": f"do [{name}]"}
        if number % 3 == 2:
            task["depends_on"] = [f"t{number - 1:03}"]
        tasks.append(task)
    return tasks


def check(daemon, model, files, ids: list[str]) -> None:
    settled(daemon, ids)
    events = check_nothing_is_lost(daemon, ids)
    for name in ids:
        check_nothing_finished_ran_again(events[name], model.times_of(f"[{name}]"))
        claims = [event for event in events[name] if event["event"] == "task.in_progress"]
        assert files.opened[f"seen-{name}.txt"] <= len(claims)


#: Steps that not every task takes; pages of their own pull the plug there.
ELSEWHERE = ("plan.", "check.", "checkpoint.", "rollback.", "reward.")


@pytest.mark.parametrize("point", [point for point in FAULT_POINTS if not point.startswith(ELSEWHERE)])
def test_a_process_dies_at_a_named_step_and_nothing_is_lost_or_repeated(
    point, daemon, model, files, tmp_path
):
    marker = tmp_path / "died"
    tasks = mixed_tasks(daemon, 8)
    time_of_passing = 1 if point.startswith(("ingest.", "project.")) else 2
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:{time_of_passing}@{marker}")
    daemon.add_to_queue(*tasks)
    check(daemon, model, files, [task["id"] for task in tasks])
    assert marker.exists(), f"no process ever passed {point} so often"


def test_what_is_not_safe_to_repeat_stops_and_asks(daemon, model):
    daemon.start("--no-panel")
    daemon.add_to_queue({"id": "once", "command": "sleep 600", "effect": "unsafe"})
    live = daemon.root / ".swarm" / "outputs" / "live"
    daemon.wait_until(lambda tasks: live.exists() and any(live.iterdir()), "its command runs")
    daemon.kill_everything()
    daemon.start("--no-panel")
    tasks = settled(daemon, ["once"])
    assert tasks["once"]["status"] == "pending_review"
    assert "Run it again" in tasks["once"]["waiting_for"]
    assert daemon.skep("approve", "once").returncode == 0
    assert daemon.tasks()["once"]["status"] == "approved"


def test_a_task_that_takes_its_process_with_it_every_time_stops_after_its_attempts(daemon):
    daemon.start("--no-panel", SKEP_FAULT="cycle.running:1")
    daemon.add_to_queue({"id": "lethal", "command": "sleep 5", "max_attempts": 2})
    tasks = settled(daemon, ["lethal"])
    assert tasks["lethal"]["status"] == "failed"
    assert daemon.events("lethal")[-1]["code"] == "worker_lost"


def test_one_that_takes_its_process_with_it_does_not_take_along_what_ran_beside_it(daemon):
    beside = ["beside-1", "beside-2"]
    daemon.start("--no-panel")
    daemon.add_to_queue(
        {"id": "lethal", "command": "sleep 7127"}, *[{"id": name, "command": "sleep 3"} for name in beside]
    )
    for times in (1, 2, 3):
        daemon.wait_for_command("7127")
        daemon.kill("swarm")
        daemon.wait_until(lambda _, times=times: ends_with_swarm(daemon, "lethal") == times, "it is noticed")
    tasks = settled(daemon, ["lethal", *beside])
    assert tasks["lethal"]["status"] == "failed"
    assert daemon.events("lethal")[-1]["code"] == "worker_lost"
    assert [tasks[name]["status"] for name in beside] == ["approved", "approved"]
    assert all(ends_with_swarm(daemon, name) <= 2 for name in beside)


def test_a_result_that_ends_each_worker_which_judges_it_is_put_before_a_person(daemon):
    daemon.start("--no-panel", SKEP_FAULT="review.began:1")
    daemon.add_to_queue({"id": "lethal", "command": "echo found"})
    tasks = settled(daemon, ["lethal"])
    held = tasks["lethal"]
    assert held["status"] == "pending_review"
    assert sum(event["event"] == "task.adopted" for event in daemon.events("lethal")) == 3
    assert "3 workers have ended since it ran" in daemon.skep("show", "lethal").stdout
    assert daemon.skep("approve", "lethal").returncode == 0
    assert daemon.tasks()["lethal"]["status"] == "approved"


def ends_with_swarm(daemon: RunningDaemon, task_id: str) -> int:
    """How often an attempt of a task has ended with its process."""
    return sum(
        event["event"] == "task.interrupted" or event.get("code") == "worker_lost"
        for event in daemon.events(task_id)
    )


def test_random_kills_over_three_hundred_tasks_while_another_program_edits_the_queue(daemon, model, files):
    rng = random.Random(20261121)
    tasks = mixed_tasks(daemon, 240)
    daemon.start("--no-panel")
    daemon.add_to_queue(*tasks)
    editor = subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.busy_editor", str(daemon.root / "queue.json"), "60"],
        cwd=REPOSITORY,
    )
    ids = [task["id"] for task in tasks] + [f"edited-{number}" for number in range(60)]
    for _ in range(12):
        time.sleep(rng.uniform(0.3, 1.5))  # the moment of the kill is what is random
        victim = rng.choice(["worker", "swarm", "both", "everything"])
        if victim == "everything":
            daemon.kill_everything()
            daemon.start("--no-panel")
        else:
            for name in ("worker", "swarm") if victim == "both" else (victim,):
                daemon.kill(name)
    assert editor.wait(120) == 0
    check(daemon, model, files, ids)
