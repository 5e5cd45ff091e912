"""`kill -9` of the daemon: its commands go with it at once, and what waited to become one too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.swarm_rig import eventually
from tests.safety import bombs

REPOSITORY = Path(__file__).resolve().parents[2]


def test_nothing_is_left_of_it(tmp_path: Path, level: str) -> None:
    name, home = bombs.name_of(tmp_path), tmp_path / "home"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "tests.safety.holds_a_command", level, str(home), name],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    with daemon:
        assert daemon.stdout is not None
        said = daemon.stdout.readline().decode()
        if said.startswith("no sandbox"):
            pytest.skip(said)
        assert said == "running\n"
        assert len(bombs.left_of(name)) > 1
        daemon.kill()

    eventually(lambda: bombs.left_of(name) == [], "the command is gone")
    eventually(lambda: of_home(home) == [], "what waited is gone")


def of_home(home: Path) -> list[int]:
    """Processes whose command line names the home: bubblewrap's; and launchers, by what they hold."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            inside = entry.name.isdigit() and str(home) in str((entry / "cwd").readlink())
        except OSError:
            continue
        if inside or str(home).encode() in words:
            found.append(int(entry.name))
    return found
