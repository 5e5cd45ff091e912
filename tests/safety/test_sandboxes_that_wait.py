"""Sandboxes that are set up ahead are as good as fresh ones, and are there only while commands run."""

from __future__ import annotations

import functools
import os
import signal
from pathlib import Path

import pytest

import host_platform
from safety.sandbox import pool
from tests.integration.swarm_rig import eventually
from tests.safety.conftest import MakeJail
from tests.safety.jail import WRITES, Jail


def waiting(jail: Jail) -> list[int]:
    """Process ids of what was started for this jail and waits."""
    shelves = jail.sandbox._pool._shelves.values()
    return [ready.waiting.process.pid for shelf in shelves for ready in shelf.ready]


def is_dead(pid: int) -> bool:
    return host_platform.process_start(pid) == -1


def warm_up(jail: Jail) -> list[int]:
    """Run until some wait."""

    def run_and_look() -> list[int]:
        assert jail.shell("true")[0].exit_code == 0
        return waiting(jail)

    found: list[int] = eventually(run_and_look, "one waits")
    return found


def test_each_is_used_for_one_command_only(jail: Jail) -> None:
    warm_up(jail)

    printed = [jail.shell("ls -A $HOME; touch $HOME/left; echo $HOME")[1] for _ in range(12)]

    assert all("left" not in one for one in printed)


def test_nothing_is_started_before_a_command_runs_and_nothing_is_kept_long_after(
    make_jail: MakeJail, monkeypatch: pytest.MonkeyPatch
) -> None:
    jail = make_jail()
    assert waiting(jail) == []
    monkeypatch.setattr(pool, "IDLE_S", 0.2)

    pids = warm_up(jail)

    assert len(pids) <= jail.settings.sandbox_warm
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "what waited is gone")
    assert waiting(jail) == []
    assert jail.shell("echo fine")[1] == "fine\n"


def test_none_wait_where_none_shall(make_jail: MakeJail) -> None:
    jail = make_jail(sandbox_warm=0)

    assert [jail.shell("echo fine")[1] for _ in range(3)] == ["fine\n"] * 3
    assert waiting(jail) == []


def test_another_directory_in_the_place_of_the_workspace_is_what_the_next_command_sees(jail: Jail) -> None:
    (jail.home.workspace / "old").touch()
    warm_up(jail)

    jail.home.workspace.rename(jail.home.root / "away")
    jail.home.workspace.mkdir()
    (jail.home.workspace / "new").touch()

    assert jail.shell("ls")[1] == "new\n"


def test_a_directory_that_is_made_anew_is_another_even_if_it_gets_the_same_number(jail: Jail) -> None:
    for number in range(8):
        warm_up(jail)
        (jail.home.workspace / f"{number}").touch()
        assert jail.shell("ls")[1] == f"{number}\n"
        (jail.home.workspace / f"{number}").unlink()
        jail.home.workspace.rmdir()
        jail.home.workspace.mkdir()


def test_a_repository_that_is_made_meanwhile_is_guarded_from_the_next_command_on(jail: Jail) -> None:
    for _ in range(4):
        jail.shell("true", rights=WRITES)
    (jail.home.workspace / ".git").mkdir()

    ended, _ = jail.shell("touch .git/hook", rights=WRITES)

    assert ended.exit_code != 0
    assert list((jail.home.workspace / ".git").iterdir()) == []


def test_one_that_was_killed_while_it_waited_costs_no_command(jail: Jail) -> None:
    for pid in warm_up(jail):
        os.kill(pid, signal.SIGKILL)
        eventually(functools.partial(is_dead, pid), "it is dead")

    assert [jail.shell("echo fine")[1] for _ in range(10)] == ["fine\n"] * 10


def test_rights_are_never_shared(jail: Jail) -> None:
    for _ in range(4):
        jail.shell("true", rights=WRITES)

    assert jail.shell("touch new")[0].exit_code != 0
    assert jail.shell("touch new", rights=WRITES)[0].exit_code == 0


def test_closing_ends_what_waits(make_jail: MakeJail) -> None:
    jail = make_jail()
    pids = warm_up(jail)

    jail.close()

    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
