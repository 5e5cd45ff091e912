"""Pulling the plug at a named point, in processes of their own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults import FAULT_POINTS, fault_point

PASS_THREE_TIMES = """
from faults import fault_point
for number in range(3):
    print(number, flush=True)
    fault_point("cycle.sent")
print("lived", flush=True)
"""
ROOT = Path(__file__).resolve().parents[3]


def run(fault: str | None) -> tuple[int, list[str]]:
    environment = {"PYTHONPATH": str(ROOT)} | ({"SKEP_FAULT": fault} if fault is not None else {})
    done = subprocess.run(
        [sys.executable, "-c", PASS_THREE_TIMES], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize(
    ("fault", "passed"),
    [("cycle.sent", ["0"]), ("cycle.sent:1", ["0"]), ("cycle.sent:3", ["0", "1", "2"])],
)
def test_a_named_point_kills_at_once_and_beyond_help(fault, passed):
    assert run(fault) == (-signal.SIGKILL, passed)


@pytest.mark.parametrize("fault", [None, "", "cycle.started", "cycle", "cycle.sent:4"])
def test_any_other_point_is_passed(fault):
    assert run(fault) == (0, ["0", "1", "2", "lived"])


def test_a_marker_makes_it_happen_once_in_the_markers_life(tmp_path):
    marker = tmp_path / "marker"
    assert run(f"cycle.sent:2@{marker}") == (-signal.SIGKILL, ["0", "1"])
    assert marker.exists()
    assert run(f"cycle.sent:2@{marker}") == (0, ["0", "1", "2", "lived"])
    marker.unlink()
    assert run(f"cycle.sent:2@{marker}")[0] == -signal.SIGKILL


def test_every_point_in_the_code_is_listed_and_every_listed_one_is_in_the_code():
    used = set()
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if parts[0] not in {"tests", "testing", "benchmarks"} and not parts[0].startswith("."):
            used |= set(re.findall(r'\bfault_point\("([^"]+)"\)', path.read_text("utf-8")))
    assert used == set(FAULT_POINTS)


def test_without_the_variable_a_point_does_nothing(monkeypatch):
    monkeypatch.delenv("SKEP_FAULT", raising=False)
    fault_point("cycle.sent")
