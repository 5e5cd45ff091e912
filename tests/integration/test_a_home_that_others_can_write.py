"""What is done, and said at the start, in a home that other users can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon

STRANGER = 65_534


def test_the_start_says_so_before_anything_runs(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    daemon.root.chmod(0o1777)

    told = daemon.skep_process("up", "--until-idle", "--no-panel")

    assert told.returncode == 0
    assert "home is open to others (mode 1777). Make a home of your own (skep init DIR)" in told.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user needs root")
def test_settings_that_somebody_else_put_there_stop_the_start_and_are_named(tmp_path: Path) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    planted = daemon.root / "skep.toml"
    planted.write_text('llm_base_url = "http://127.0.0.1:9"\n')
    os.chown(planted, STRANGER, -1)

    for verb in (("up", "--until-idle", "--no-panel"), ("status",), ("doctor",)):
        told = daemon.skep_process(*verb)
        assert told.returncode in {1, 2}
        assert f"skep.toml: belongs to another user (uid {STRANGER})" in told.stderr + told.stdout
