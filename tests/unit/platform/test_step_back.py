"""A process that lets others have the processor first, seen from outside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import host_platform

ROOT = Path(__file__).resolve().parents[3]
STEP_BACK = """
import os
import host_platform
host_platform.step_back({nice})
try:
    session = open("/proc/self/autogroup").read().split()[-1]
except OSError:
    session = "none"
print(os.nice(0), session)
"""


def after(nice: int) -> tuple[int, str]:
    """How nice a process of its own session is after it has stepped back, and how nice its session is."""
    told = subprocess.run(
        [sys.executable, "-c", STEP_BACK.format(nice=nice)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    ).stdout.split()
    return int(told[0]), told[1]


def test_it_is_as_much_nicer_as_it_is_told() -> None:
    assert after(3)[0] == min(19, after(0)[0] + 3)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel schedules no sessions")
def test_its_session_steps_back_with_it_where_the_kernel_weighs_sessions() -> None:
    nice, session = after(3)
    assert int(session) == nice


def test_a_session_that_may_not_step_back_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(*_: object) -> None:
        asked.append(1)
        raise BlockingIOError

    monkeypatch.setattr("host_platform.os.nice", lambda by: 5)
    monkeypatch.setattr("host_platform.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Path, "write_text", refuse)
    host_platform.step_back(5)
    assert len(asked) == 5
