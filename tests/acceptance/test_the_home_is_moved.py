"""The directory of a home is moved away while a daemon works in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.acceptance


def start_a_command(daemon: RunningDaemon) -> None:
    daemon.skep("add", "--id", "long", "--command", "sleep 71023")
    daemon.start("--no-panel")
    daemon.wait_for_command("71023")


def test_everything_stops_at_once_and_goes_on_in_the_new_place(daemon: RunningDaemon, tmp_path: Path) -> None:
    start_a_command(daemon)
    moved = daemon.root.rename(tmp_path / "moved")

    assert daemon.wait_for_exit() == 3
    assert (daemon.pids("worker"), daemon.pids("swarm"), daemon.commands("71023")) == ([], [], [])
    assert f"{daemon.root} was moved or removed while Skep worked in it" in (moved / "daemon.log").read_text()

    shutil.rmtree(daemon.root, ignore_errors=True)  # what was written there in that instant
    moved.rename(daemon.root)
    daemon.start("--no-panel")
    daemon.wait_for_command("71023")
    daemon.skep("cancel", "long")
    daemon.wait_until_logged("cancelled", "long")
    assert daemon.stop() == 0
    assert daemon.skep("verify").returncode == 0


def test_another_directory_in_its_place_is_not_taken_for_it(daemon: RunningDaemon, tmp_path: Path) -> None:
    start_a_command(daemon)
    other = tmp_path / "other"
    other.mkdir()
    daemon.root.rename(tmp_path / "moved")
    other.rename(daemon.root)

    assert daemon.wait_for_exit() == 3
    assert daemon.commands("71023") == []
