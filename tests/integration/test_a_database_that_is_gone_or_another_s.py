"""What every door of a home does while its database is gone, behind its log, or another home's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.running_daemon import PATIENCE_S, REPOSITORY, RunningDaemon

WAY_OUT = "Start `skep up`: it rebuilds it"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A home where `done` has ended, stopped."""
    running = RunningDaemon(tmp_path / "home")
    running.add_to_queue({"id": "done", "command": "echo done"})
    assert run_until_idle(running).returncode == 0
    yield running
    running.kill_everything()


def run_until_idle(daemon: RunningDaemon) -> subprocess.CompletedProcess[str]:
    return daemon.skep_process("up", "--until-idle", "--no-panel")


def remove_the_database(daemon: RunningDaemon) -> None:
    for path in (daemon.root / ".swarm").glob("state.db*"):
        path.unlink()


def run_alone(daemon: RunningDaemon, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"{program}.py"],
        cwd=REPOSITORY,
        env=daemon.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("state", ["gone", "empty"])
def test_no_verb_calls_a_home_without_its_database_no_home_or_makes_another(
    daemon: RunningDaemon, state: str
) -> None:
    remove_the_database(daemon)
    if state == "empty":
        (daemon.root / ".swarm" / "state.db").touch()

    for verb in (["list"], ["add", "--id", "new", "--", "echo", "hi"], ["status"], ["init"]):
        told = daemon.skep(*verb)
        assert told.returncode == 3, verb
        assert f"is {state}. {WAY_OUT}" in told.stderr
    assert (daemon.root / ".swarm" / "state.db").exists() == (state == "empty")

    assert "was rebuilt" in run_until_idle(daemon).stdout
    assert daemon.statuses("done").count("in_progress") == 1


@pytest.mark.parametrize("program", ["worker", "swarm"])
@pytest.mark.parametrize("state", ["gone", "old"])
def test_a_process_that_is_started_by_itself_does_not_work_on_it(
    daemon: RunningDaemon, tmp_path: Path, program: str, state: str
) -> None:
    old = shutil.copy(daemon.root / ".swarm" / "state.db", tmp_path / "old.db")
    daemon.add_to_queue({"id": "later", "command": "echo later"})
    assert run_until_idle(daemon).returncode == 0
    remove_the_database(daemon)
    if state == "old":
        shutil.copy(old, daemon.root / ".swarm" / "state.db")

    told = run_alone(daemon, program)

    assert told.returncode == 3
    assert WAY_OUT in told.stderr
    assert run_until_idle(daemon).returncode != 0  # it asks
    assert daemon.statuses("later").count("in_progress") == 1


def test_nothing_runs_on_the_database_of_another_home_until_a_person_says_so(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    other = RunningDaemon(tmp_path / "other")
    other.add_to_queue({"id": "elsewhere", "command": "echo elsewhere"})
    assert run_until_idle(other).returncode == 0
    remove_the_database(daemon)
    shutil.copy(other.root / ".swarm" / "state.db", daemon.root / ".swarm" / "state.db")

    daemon.add_to_queue({"id": "new", "command": "echo new"})
    run_until_idle(daemon)

    assert daemon.tasks()["new"]["status"] == "pending"
    status = daemon.skep("status", "--json").stdout
    assert "the log tells of another history than the database" in status
    daemon.skep("resume")
    assert run_until_idle(daemon).returncode == 0
    assert daemon.tasks()["new"]["status"] == "approved"
