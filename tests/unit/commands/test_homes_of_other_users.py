"""A verb in a home that another user has closed says whose it is, and what to do instead."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import skep
from tests.unit.commands.another_user import as_another_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


@pytest.fixture
def roots_home() -> Iterator[Path]:
    """A home beneath folders that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        invoke(Path(folder), "init")
        yield Path(folder)


def invoke(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(skep.cli, ["--home", str(root), *arguments])


def told_to_a_stranger(root: Path, *arguments: str, mode: int = 0o700) -> Result:
    invoke(root, *arguments)  # what is imported on the way is closed to others as well
    (root / ".swarm").chmod(mode)
    with as_another_user():
        return invoke(root, *arguments)


@pytest.mark.parametrize("mode", [0o700, 0o755])
@pytest.mark.parametrize("verb", ["list", "status", "show x", "log x", "review", "budget"])
def test_a_reading_verb_names_the_owner_and_the_way_out(roots_home, verb, mode):
    state = roots_home / ".swarm"
    closed = state if mode == 0o700 else state / "state.db"

    told = told_to_a_stranger(roots_home, *verb.split(), mode=mode)

    assert told.exit_code == 3
    assert told.stderr.startswith(f"skep {verb.split()[0]}: {state / 'state.db'} cannot be opened")
    assert told.stderr.endswith(
        f"; {closed} belongs to another user (root, uid 0). Run Skep as that user, or name a home of your "
        "own with --home or SKEP_HOME\n"
    )


@pytest.mark.parametrize("arguments", [["add", "--", "true"], ["approve", "x"]])
def test_a_writing_verb_says_the_same(roots_home, arguments):
    told = told_to_a_stranger(roots_home, *arguments, mode=0o755)

    assert told.exit_code == 3
    assert (
        f"{roots_home / '.swarm'} belongs to another user (root, uid 0). Run Skep as that user, or"
        in told.stderr
    )


@pytest.mark.parametrize(
    "verb", ["up", "validate", "tools", "doctor", "kill-switch on", "kill-switch off", "kill-switch"]
)
def test_a_verb_in_a_home_that_is_closed_itself_says_so(roots_home, verb):
    invoke(roots_home, *verb.split(), "--help")  # what is imported is closed to others as well
    roots_home.chmod(0o700)
    with as_another_user():
        told = invoke(roots_home, *verb.split())

    assert told.exit_code == 3
    assert "Permission denied" in told.stderr
    assert f"{roots_home} belongs to another user (root, uid 0). Run Skep as that user, or" in told.stderr


@pytest.mark.parametrize("reason", [[], ["--reason", "stop"]])
def test_a_kill_switch_that_was_not_set_is_not_said_to_be_on(roots_home, reason):
    told = told_to_a_stranger(roots_home, "kill-switch")
    assert (told.exit_code, told.stdout) == (3, "")
    with as_another_user():
        told = invoke(roots_home, "kill-switch", "on", *reason)

    assert (told.exit_code, told.stdout) == (3, "")
    assert "belongs to another user (root, uid 0)" in told.stderr
    assert "is off" in invoke(roots_home, "kill-switch").stdout


def test_a_home_that_is_to_be_made_in_a_closed_folder_is_told_of_as_one(roots_home):
    invoke(roots_home, "init", "--help")
    roots_home.chmod(0o700)
    with as_another_user():
        told = CliRunner().invoke(skep.cli, ["init", str(roots_home / "new")])

    assert told.exit_code == 3
    assert f"{roots_home} belongs to another user (root, uid 0)" in told.stderr


def test_a_file_that_is_no_homes_is_told_of_without_advice_about_homes(roots_home, tmp_path_factory):
    file = tmp_path_factory.mktemp("x") / "foreign.json"
    file.write_text("{}")
    file.chmod(0o600)
    told = told_to_a_stranger(roots_home, "validate", str(file), mode=0o755)

    assert told.exit_code == 3
    assert "--home" not in told.stderr


def test_the_doctor_advises_a_stranger_nothing_that_only_the_owner_can_do(roots_home):
    told = told_to_a_stranger(roots_home, "doctor", mode=0o755)

    assert "chmod u+w" not in told.stdout


def test_a_doctor_of_a_home_that_is_closed_tells_all_the_rest(roots_home):
    told = told_to_a_stranger(roots_home, "doctor")

    assert told.exit_code == 1
    assert "belongs to another user (root, uid 0). Run Skep as that user" in told.stdout
    assert "platform" in told.stdout


def test_the_owner_of_a_home_is_not_sent_away(roots_home):
    (roots_home / ".swarm").chmod(0o500)

    assert invoke(roots_home, "list").exit_code == 0
