"""Whether a program may be started: there, executable, and nobody else's to exchange."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safety import programs


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that is closed all the way up, but for a sticky one where everybody may make files."""
    folder = tmp_path / "bin"
    folder.mkdir(mode=0o755)
    return folder


def make(path: Path, mode: int = 0o755) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("name", ["true", "ls", "git"])
def test_what_the_system_brings_is_fit(name: str, tmp_path: Path) -> None:
    assert programs.why_not(programs.place_of(name), tmp_path) is None


def test_one_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    path = programs.place_of("no-such-program")

    assert path == "/usr/bin/no-such-program"
    assert programs.why_not(path, tmp_path) == (
        "/usr/bin/no-such-program is not installed; install it, and send the task back"
    )


def test_one_s_own_program_elsewhere_is_fit(place: Path, tmp_path: Path) -> None:
    assert programs.why_not(make(place / "agent"), tmp_path / "workspace") is None


def test_a_link_is_followed(place: Path, tmp_path: Path) -> None:
    make(place / "agent-2")
    (place / "agent").symlink_to("agent-2")
    (place / "broken").symlink_to("nothing")

    assert programs.why_not(f"{place}/agent", tmp_path / "workspace") is None
    assert "is not installed" in str(programs.why_not(f"{place}/broken", tmp_path / "workspace"))


@pytest.mark.parametrize("mode", [0o644, 0o000])
def test_one_that_may_not_be_executed_is_told(place: Path, tmp_path: Path, mode: int) -> None:
    assert "chmod +x" in str(programs.why_not(make(place / "agent", mode), tmp_path / "workspace"))


def test_a_directory_is_no_program(place: Path, tmp_path: Path) -> None:
    assert "not a program" in str(programs.why_not(str(place), tmp_path / "workspace"))


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_one_that_others_can_write_is_not_fit(place: Path, tmp_path: Path, mode: int) -> None:
    told = programs.why_not(make(place / "agent", mode), tmp_path / "workspace")

    assert told is not None
    assert "can be written by others" in told
    assert "chmod go-w" in told


def test_one_in_a_directory_that_others_can_write_is_not_fit(place: Path, tmp_path: Path) -> None:
    path = make(place / "agent")
    place.chmod(0o777)

    assert f"{place} can be written by others" in str(programs.why_not(path, tmp_path / "workspace"))


def test_a_sticky_directory_lets_nobody_exchange_what_lies_in_it(place: Path, tmp_path: Path) -> None:
    path = make(place / "agent")
    place.chmod(0o1777)

    assert programs.why_not(path, tmp_path / "workspace") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_one_of_another_user_is_not_fit(place: Path, tmp_path: Path) -> None:
    path = make(place / "agent")
    os.chown(path, 12345, -1)

    assert "belongs to uid 12345" in str(programs.why_not(path, tmp_path / "workspace"))


def test_one_in_the_workspace_is_not_fit(place: Path, tmp_path: Path) -> None:
    path = make(place / "agent")
    (tmp_path / "link").symlink_to(path)

    for each in (path, f"{tmp_path}/link"):
        assert "lies in the workspace" in str(programs.why_not(each, place))
