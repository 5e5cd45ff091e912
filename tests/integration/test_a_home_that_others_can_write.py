"""What is done, and said at the start, in a home that other users can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testing.running_daemon import RunningDaemon

STRANGER = 65_534


@pytest.mark.parametrize("mode", [0o777, 0o1777])
@pytest.mark.parametrize("folder", ["", "config"])
def test_nothing_is_read_or_started_there_and_the_way_out_is_told(
    tmp_path: Path, folder: str, mode: int
) -> None:
    daemon = RunningDaemon(tmp_path / "home")
    place = daemon.root / folder
    place.mkdir(exist_ok=True)
    place.chmod(mode)
    way_out = "make a home of your own (skep init DIR)" if mode & 0o1000 else f"chmod o-w {place}"

    for verb in (("up", "--until-idle", "--no-panel"), ("status",), ("init",), ("doctor",)):
        told = daemon.skep_process(*verb)
        assert told.returncode in {1, 2}
        assert f"everybody can write {place}" in told.stderr + told.stdout
        assert way_out in told.stderr + told.stdout
    assert not (daemon.root / "execution_log.jsonl").exists()


def test_a_home_that_is_made_beneath_a_folder_for_everybody_is_ones_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    daemon = RunningDaemon(tmp_path / "home")

    assert daemon.skep_process("init").returncode == 0
    assert daemon.skep_process("up", "--until-idle", "--no-panel").returncode == 0


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
