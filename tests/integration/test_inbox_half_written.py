"""Files that are written straight into ``inbox/new``: given a moment to be whole, and in nobody's way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import host_platform
from runtime_contract import Limits
from store.queue_file import Inbox
from tests.integration.swarm_rig import eventually
from tests.integration.worker_rig import WorkerRig
from tests.unit.queue_file.keeping import Keeping

TASK = '{"prompt": "x"}'
#: Longer than any test.
LONG_S = 3600.0


@pytest.fixture
def make(keeping: Keeping) -> Callable[[float], Inbox]:
    def make(settle_s: float) -> Inbox:
        inbox = Inbox(keeping.home.inbox, keeping.store.writer, Limits(), keeping.store.limits, settle_s)
        inbox.look()
        return inbox

    return make


def let_pass(path: Path, seconds: float) -> None:
    """Have a file look as if it had last changed so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("half", ["", TASK[:5]], ids=["nothing", "a half"])
def test_a_file_that_was_changed_just_now_is_taken_in_once_it_is_whole(
    keeping: Keeping, make: Callable[[float], Inbox], half: str
) -> None:
    inbox = make(LONG_S)
    written = inbox.new / "a.json"
    written.write_text(half)

    assert inbox.look() == 0
    assert inbox.look_again_s is not None
    written.write_text(TASK)

    assert inbox.look() == 1
    assert set(keeping.statuses()) == {"a"}
    assert inbox.look_again_s is None
    assert keeping.events("inbox.refused") == []


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="elsewhere nothing tells that a file is open")
def test_a_file_that_is_open_for_writing_is_waited_for(
    keeping: Keeping, make: Callable[[float], Inbox]
) -> None:
    inbox = make(0.0)
    with (inbox.new / "a.json").open("w") as file:
        assert inbox.look() == 0
        file.write(TASK)

    assert inbox.look() == 1
    assert set(keeping.statuses()) == {"a"}


def test_a_file_that_is_held_open_and_never_written_is_refused_all_the_same(
    keeping: Keeping, make: Callable[[float], Inbox]
) -> None:
    inbox = make(0.0)
    with (inbox.new / "a.json").open("w"):
        let_pass(inbox.new / "a.json", LONG_S)
        assert inbox.look() == 1

    assert (inbox.refused / "a.json").exists()


def test_what_is_waited_for_holds_up_no_other_file(keeping: Keeping, make: Callable[[float], Inbox]) -> None:
    inbox = make(LONG_S)
    (inbox.new / "a.json").touch()
    (inbox.new / "b.json").write_text(TASK)
    assert inbox.look() == 1

    (inbox.new / "c.json").write_text(TASK)
    assert inbox.look() == 1

    assert set(keeping.statuses()) == {"b", "c"}
    assert [path.name for path in inbox.new.iterdir()] == ["a.json"]


def test_a_file_that_stays_empty_is_refused_after_its_moment(
    keeping: Keeping, make: Callable[[float], Inbox]
) -> None:
    inbox = make(LONG_S)
    (inbox.new / "a.json").touch()
    assert inbox.look() == 0

    let_pass(inbox.new / "a.json", LONG_S)

    assert inbox.look() == 1
    assert "is empty" in (inbox.refused / "a.json.error").read_text()
    assert inbox.look_again_s is None


def test_a_file_that_is_waited_for_and_goes_is_forgotten(make: Callable[[float], Inbox]) -> None:
    inbox = make(LONG_S)
    (inbox.new / "a.json").touch()
    inbox.look()

    (inbox.new / "a.json").unlink()

    assert inbox.look() == 0
    assert inbox.look_again_s is None


def test_the_daemon_looks_again_where_nothing_tells_of_a_change(tmp_path: Path) -> None:
    with WorkerRig(tmp_path, queue_poll_s=60) as rig:
        new = rig.home.inbox / "new"
        eventually(new.is_dir, "the inbox")
        (new / "a.json").touch()

        eventually(lambda: rig.events("inbox.refused"), "it is refused")
