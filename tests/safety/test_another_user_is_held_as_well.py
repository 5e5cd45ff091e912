"""The same attempts by a user who is not root, where these tests run as root.

A sandbox is another thing then: user namespaces are made without privileges, and limits count.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.safety import attempts

REPOSITORY = Path(__file__).resolve().parents[2]
#: A user that nobody else is, since a user's processes are counted together, whoever started them.
SOMEBODY = 100_000 + os.getpid()

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory of that user's own, in one that everybody reaches."""
    made = Path(tempfile.mkdtemp(prefix="somebody-", dir="/tmp"))
    os.chown(made, SOMEBODY, SOMEBODY)
    yield made
    shutil.rmtree(made)


def as_user(environment: dict[str, str]) -> dict[str, Any]:
    """How a program is run as that user."""
    who = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []}
    return who | {"env": environment, "cwd": "/", "stderr": subprocess.PIPE}


def python_of_theirs() -> tuple[str, dict[str, str]]:
    """An interpreter that the user reaches, and how it finds the packages of this one."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{REPOSITORY}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            subprocess.check_output([python, "-m", "tests.safety.as_another_user"], **as_user(environment))
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, environment
    pytest.skip("another user reaches no Python that could run this")


@pytest.mark.parametrize("level", ["bubblewrap", "landlock"])
def test_every_attempt_is_denied_and_a_fork_bomb_is_held(folder: Path, level: str) -> None:
    python, environment = python_of_theirs()

    command = [python, "-m", "tests.safety.as_another_user", level, str(folder)]
    shown = subprocess.check_output(command, **as_user(environment))
    told: dict[str, Any] = json.loads(shown)

    if not told["ready"]:
        pytest.skip(told["reason"])
    wanted = {one.name for one in attempts.ALL if level not in one.harmless}
    assert {name for name in wanted if not told["came_of"].get(name, "").startswith("denied")} == set()
    assert (told["untouched"], told["bomb"], told["left"]) == (True, "time", [])
