"""A daemon that is told a second time to stop: gone at once, and with it every command that ran."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path / "home")
    yield running
    running.kill_everything()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_commands_before_the_daemon_and_loses_no_task(
    daemon: RunningDaemon, second: signal.Signals
) -> None:
    word = f"617{second:02}"  # that no other command on this machine is likely to have
    daemon.skep("add", "--id", "runs", "--effect", "idempotent", "--", "sleep", word)
    daemon.start("--no-panel").wait_for_command(word)
    daemon.send(signal.SIGTERM)
    daemon.wait_for_word("stopping (SIGTERM)")

    daemon.send(second)

    assert daemon.wait_for_exit() == 128 + second
    assert not daemon.commands(word)
    assert not daemon.pids("swarm")
    daemon.start("--no-panel").wait_for_command(word)
    assert daemon.tasks()["runs"]["attempts"] == 2
