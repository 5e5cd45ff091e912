"""A home of one's own after `sudo skep`: what root made there is named, with how to take it back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import skep
from tests.unit.commands.another_user import ANOTHER as USER
from tests.unit.commands.another_user import as_another_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def skep_of(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(skep.cli, ["--home", str(root), *arguments])


def skep_of_the_user(root: Path, *arguments: str) -> Result:
    skep_of(root, arguments[0], "--help")  # what is imported on the way is closed to others
    with as_another_user():
        return skep_of(root, *arguments)


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("any")
    for verb in ("init", "list", "doctor"):
        skep_of(root, verb)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of the user's beneath folders that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder, "home")
        home.mkdir()
        os.chown(home, USER, USER)
        yield home


@pytest.mark.parametrize(
    "verb", ["list", "status", "add -- true", "init", "up --until-idle --no-panel", "tools"]
)
def test_every_verb_says_how_to_take_back_a_home_that_root_made(home, verb):
    skep_of(home, "init")

    told = skep_of_the_user(home, *verb.split())

    assert told.exit_code == 2
    assert f"{home / '.swarm'} belongs to root and is shut to you, as after sudo skep" in told.stderr
    way_out = f"cd {home} && sudo chown -hR {USER} .swarm inbox workspace queue.json"
    assert told.stderr.endswith(f"take back what is yours: {way_out}\n")


def test_the_doctor_says_so_and_nothing_is_left_once_it_was_done(home):
    skep_of(home, "init")
    told = skep_of_the_user(home, "doctor")

    assert told.exit_code == 1
    assert f"-> Take back what is yours: cd {home} && sudo chown -hR {USER} .swarm" in told.stdout

    for path in (*home.rglob("*"), home):
        os.chown(path, USER, USER)
    assert "belongs to root" not in skep_of_the_user(home, "doctor").stdout
    assert skep_of_the_user(home, "list").exit_code == 0


@pytest.mark.parametrize("name", ["tools", "config", "workflows", "skep.toml"])
def test_what_root_closed_in_it_is_named_by_every_verb(home, name):
    assert skep_of_the_user(home, "init").exit_code == 0
    (home / name).write_text("") if name == "skep.toml" else (home / name).mkdir()
    (home / name).chmod(0o700)

    for verb in ("list", "up --until-idle --no-panel", "doctor", "tools"):
        told = skep_of_the_user(home, *verb.split())
        assert told.exit_code in {1, 2}
        assert f"{home / name} belongs to root and is shut to you" in told.stderr + told.stdout
        assert f"sudo chown -hR {USER} {name}" in told.stderr + told.stdout


def test_what_root_put_there_to_be_read_is_read(home):
    assert skep_of_the_user(home, "init").exit_code == 0
    (home / "skep.toml").write_text("concurrency = 3\n")
    (home / "config").mkdir(mode=0o711)
    (home / "execution_log.jsonl").symlink_to("elsewhere/log.jsonl")

    told = skep_of_the_user(home, "list")

    assert told.exit_code == 0, told.stderr


def test_what_root_closed_in_the_state_says_how_to_take_it_back(home):
    assert skep_of_the_user(home, "init").exit_code == 0
    database = home / ".swarm" / "state.db"
    os.chown(database, 0, 0)

    told = skep_of_the_user(home, "list")

    assert told.exit_code == 3
    assert (
        f"belongs to root, as after sudo skep. Take it back: sudo chown -hR {USER} {database}" in told.stderr
    )


def test_everything_can_be_stopped_whatever_root_has_shut(home):
    assert skep_of_the_user(home, "init").exit_code == 0
    (home / "config").mkdir(mode=0o700)

    assert "The kill switch is on" in skep_of_the_user(home, "kill-switch", "on").stdout


def test_a_workspace_that_leads_where_its_user_may_not_go_is_told_as_that(home):
    assert skep_of_the_user(home, "init").exit_code == 0
    shut = home.parent / "shut"
    shut.mkdir(mode=0o700)
    (home / "workspace").rmdir()
    (home / "workspace").symlink_to(shut)
    os.chown(home / "workspace", USER, USER, follow_symlinks=False)

    told = skep_of_the_user(home, "doctor")

    assert f"No command can run: the workspace leads to {shut}, where you may not go." in told.stdout
