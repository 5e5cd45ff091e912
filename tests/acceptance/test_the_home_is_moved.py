"""The directory of a home is moved away while a daemon works in it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import host_platform
from runtime_contract import ENDED
from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.acceptance

SHORT = [f"t{number}" for number in range(24)]


def rename(daemon: RunningDaemon, other: RunningDaemon) -> Path:
    """Nothing stands there any more."""
    return daemon.root.rename(other.root.with_name("moved"))


def exchange(daemon: RunningDaemon, other: RunningDaemon) -> Path:
    """Another home stands there."""
    host_platform.exchange_files(daemon.root, other.root)
    return other.root


def while_it_stops(daemon: RunningDaemon, other: RunningDaemon) -> Path:
    """It is about to end by itself."""
    daemon.send(signal.SIGINT)
    return rename(daemon, other)


def remove_the_database(daemon: RunningDaemon, other: RunningDaemon) -> Path:
    """The rest stands as it was."""
    (daemon.root / ".swarm/state.db").rename(other.root / "state.db")
    return daemon.root


@pytest.mark.parametrize(
    ("move", "word"),  # a word that no other command on this machine is likely to have
    [(rename, "71023"), (exchange, "71024"), (while_it_stops, "71025"), (remove_the_database, "71026")],
)
def test_everything_stops_at_once_and_no_task_is_the_worse_for_it(
    daemon: RunningDaemon, tmp_path: Path, move: Callable[[RunningDaemon, RunningDaemon], Path], word: str
) -> None:
    other = RunningDaemon(tmp_path / "other")
    others = sorted(path.name for path in other.root.iterdir())
    daemon.add_to_queue(
        {"id": "long", "command": f"sleep {word}"},
        {"id": "next", "command": "true", "depends_on": ["t0"]},
        *({"id": name, "command": "sleep 0.1"} for name in SHORT),
    )
    daemon.start("--no-panel").wait_for_command(word)
    daemon.wait_until(lambda tasks: "next" in tasks and tasks["next"]["status"] in ENDED, "some have ended")

    there = move(daemon, other)

    assert daemon.wait_for_exit() == 3
    assert not [*daemon.pids("worker"), *daemon.pids("swarm"), *daemon.commands(word)]
    told = f"{daemon.root}, or the database in it, was moved or removed while Skep worked there"
    assert told in (there / "daemon.log").read_text()
    if move is exchange:
        assert sorted(path.name for path in daemon.root.iterdir()) == others
    if move is remove_the_database:
        (other.root / "state.db").rename(there / ".swarm/state.db")

    moved = RunningDaemon(there)
    try:
        moved.start("--no-panel").wait_for_command(word)
        tasks = moved.wait_for_ends(*SHORT, "next")
        assert {tasks[name]["status"] for name in (*SHORT, "next")} == {"approved"}
        moved.skep("cancel", "long")  # else it is waited for
        assert moved.stop() == 0
        assert moved.skep("verify").returncode == 0
    finally:
        moved.kill_everything()
