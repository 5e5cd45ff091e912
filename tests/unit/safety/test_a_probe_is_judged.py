"""What a probe's command tells, and whether that is a sandbox. Pure but for one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from safety.sandbox.levels import Level
from safety.sandbox.probe import LEFT, complaint

GOOD = {
    "run a program": "yes",
    "write its temporary directory": "yes",
    "read Skep's state": "no",
    "write Skep's state": "no",
    "read /etc/shadow": "no",
    "write the system": "no",
    "write a workspace it may only read": "no",
    "make a user namespace": "no",
    "signal the daemon": "no",
    "CapEff:": "0000000000000000",
    "CapBnd:": "0000000000000000",
    "NoNewPrivs:": "1",
    "Seccomp:": "2",
    "interface": "lo",
    "process": "1",
}


def output(**changes: str) -> str:
    told = GOOD | {name.replace("_", " "): value for name, value in changes.items()}
    return "".join(f"{name} {value}\n" for name, value in told.items())


@pytest.mark.parametrize("level", ["bubblewrap", "landlock"])
def test_what_holds_is_no_complaint(tmp_path: Path, level: Level) -> None:
    assert complaint(output(), level, tmp_path) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("read Skep's state", "yes", "can read Skep's state"),
        ("read /etc/shadow", "yes", "can read /etc/shadow"),
        ("write the system", "yes", "can write the system"),
        ("make a user namespace", "yes", "can make a user namespace"),
        ("run a program", "no", "cannot run a program"),
        ("CapEff:", "000001ffffffffff", "can use capabilities"),
        ("Seccomp:", "0", "can make every system call"),
        ("NoNewPrivs:", "0", "can gain privileges"),
        ("interface", "eth0", "can see the network"),
    ],
)
def test_each_leak_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    told = complaint("".join(f"{n} {v}\n" for n, v in (GOOD | {name: value}).items()), "bubblewrap", tmp_path)

    assert told is not None
    assert words in told


def test_other_processes_are_a_leak(tmp_path: Path) -> None:
    many = output() + "".join(f"process {number}\n" for number in range(2, 9))

    assert complaint(many, "bubblewrap", tmp_path) == "a command in it can see other processes"


def test_landlock_must_keep_signals_in(tmp_path: Path) -> None:
    told = complaint(output(signal_the_daemon="yes"), "landlock", tmp_path)

    assert told == "a command in it can signal the daemon"


def test_what_was_left_beside_the_workspace_is_a_leak(tmp_path: Path) -> None:
    (tmp_path / LEFT).touch()

    assert complaint(output(), "landlock", tmp_path) == "a command in it can write beside the workspace"


def test_silence_is_a_complaint(tmp_path: Path) -> None:
    assert complaint("", "bubblewrap", tmp_path) == "a command in it cannot run a program"
    assert "Killed" in str(complaint("Killed\n", "landlock", tmp_path))
