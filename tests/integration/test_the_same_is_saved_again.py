"""A save whose bytes the home knows already says something where something else was saved in between."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from store import steering
from store.queue_file import keeper as keeping_module
from store.queue_file.old_files import OldFiles
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}


class PlugPulled(BaseException):
    """Nothing of the process runs after this."""


def pull_the_plug(*_: object) -> None:
    raise PlugPulled


def cancelled(content: bytes) -> bytes:
    """A file with the task `a` cancelled."""
    found: dict[str, Any] = json.loads(content)
    next(each for each in found["tasks"] if each["id"] == "a")["status"] = "cancelled"
    return json.dumps(found).encode()


def sent_back_and_cancelled_again(keeping: Keeping, content: bytes) -> str:
    """What becomes of `a` when it is sent back elsewhere and the file that cancels it is saved once more."""
    keeping.round()
    keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
    keeping.save(content)
    keeping.round()
    return keeping.status("a")


def exchanged(keeping: Keeping) -> list[Path]:
    """The files that came out of an exchange."""
    return sorted((keeping.home.state / "exchanged").iterdir())


def holds_a_cancelled_file_open(keeping: Keeping) -> tuple[int, bytes]:
    """Open the file, and cancel a task by a save in its place; the handle, and what it shows."""
    keeping.put(A, B)
    handle = os.open(keeping.file, os.O_RDWR)
    shown = keeping.file.read_bytes()
    keeping.store.write(lambda tx: steering.cancel(tx, "b", "cli", "x"))
    keeping.round()
    keeping.save(cancelled(shown))
    keeping.round()
    assert keeping.status("a") == "cancelled"
    return handle, shown


def write_again(handle: int, content: bytes) -> None:
    """Write into an open file from its beginning."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, content, 0)


def test_an_undo_through_an_old_handle_counts_while_nobody_leads(keeping: Keeping) -> None:
    handle, shown = holds_a_cancelled_file_open(keeping)
    write_again(handle, shown)
    keeping.restart()
    os.close(handle)

    assert sent_back_and_cancelled_again(keeping, cancelled(shown)) == "cancelled"


def test_a_file_that_was_not_written_since_says_nothing_to_the_next_that_leads(keeping: Keeping) -> None:
    handle, _ = holds_a_cancelled_file_open(keeping)
    keeping.restart()
    os.close(handle)
    keeping.round()

    assert keeping.status("a") == "cancelled"


@pytest.mark.parametrize("keeps_times", [True, False])
def test_a_home_that_is_a_copy_takes_no_old_file_for_a_save(keeping: Keeping, keeps_times: bool) -> None:
    handle, _ = holds_a_cancelled_file_open(keeping)
    os.close(handle)
    for path in exchanged(keeping):
        copy = path.with_name("copy")
        shutil.copy2(path, copy) if keeps_times else shutil.copyfile(path, copy)
        copy.replace(path)
    keeping.restart()
    keeping.round()

    assert keeping.status("a") == "cancelled"


@pytest.mark.parametrize("is_plug_pulled", [False, True])
def test_a_home_that_is_put_back_from_a_copy_takes_no_old_file_for_a_save(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, is_plug_pulled: bool
) -> None:
    """A file system may give the files of the copy the very inodes that were freed."""
    keeping.put(A, B)
    shown = keeping.file.read_bytes()
    with keeping.file.open("rb"):
        keeping.store.write(lambda tx: steering.cancel(tx, "b", "cli", "x"))
        keeping.round()
    keeping.save(cancelled(shown))
    keeping.round()
    keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
    keeping.save(shown)
    keeping.round()
    assert keeping.status("a") == "pending"
    for path in exchanged(keeping):
        os.utime(path)
    os.utime(keeping.home.state / "queue_file.lock")
    if is_plug_pulled:
        with monkeypatch.context() as patched:
            patched.setattr(OldFiles, "look", pull_the_plug)
            with pytest.raises(PlugPulled):
                keeping.restart()
    keeping.restart()
    keeping.round()

    assert keeping.status("a") == "pending"


def test_a_file_whose_time_is_set_back_was_saved_again(keeping: Keeping) -> None:
    keeping.put(A, B)
    before, after = (keeping.home.root / name for name in ("before", "after"))
    shutil.copy2(keeping.file, before)
    keeping.file.write_bytes(cancelled(before.read_bytes()))
    keeping.look()
    shutil.copy2(keeping.file, after)
    shutil.copy2(before, keeping.file)
    keeping.look()
    keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
    shutil.copy2(after, keeping.file)
    keeping.look()

    assert keeping.status("a") == "cancelled"


@pytest.fixture
def before(keeping: Keeping) -> Path:
    """The file as it was with its time, and cancelled in place since, which was taken in."""
    keeping.put(A, B)
    copy = keeping.home.root / "before"
    shutil.copy2(keeping.file, copy)
    keeping.file.write_bytes(cancelled(copy.read_bytes()))
    keeping.look()
    assert keeping.status("a") == "cancelled"
    return copy


@pytest.mark.parametrize("step", ["project.written", "project.exchanged"])
def test_a_time_that_is_set_back_in_the_instant_of_the_exchange_was_saved_again(
    keeping: Keeping, before: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def set_back(name: str) -> None:
        if name == step:
            shutil.copy2(before, keeping.file)

    with monkeypatch.context() as patched:
        patched.setattr(keeping_module, "fault_point", set_back)
        keeping.round()

    assert sent_back_and_cancelled_again(keeping, cancelled(before.read_bytes())) == "cancelled"


def test_a_time_that_is_set_back_while_nobody_leads_was_saved_again(keeping: Keeping, before: Path) -> None:
    shutil.copy2(before, keeping.file)
    keeping.restart()

    assert sent_back_and_cancelled_again(keeping, cancelled(before.read_bytes())) == "cancelled"


def test_a_time_that_is_set_back_while_the_file_is_away_for_a_moment_was_saved_again(
    keeping: Keeping, before: Path
) -> None:
    away = keeping.file.rename(keeping.home.root / "away")
    keeping.look()
    shutil.copy2(before, away)
    away.rename(keeping.file)

    assert sent_back_and_cancelled_again(keeping, cancelled(before.read_bytes())) == "cancelled"


@pytest.mark.parametrize("step", ["project.written", "project.exchanged"])
def test_a_time_that_is_set_back_where_the_file_cannot_be_written_just_then_was_saved_again(
    keeping: Keeping, before: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def set_back_and_fail(name: str) -> None:
        if name == "project.written":
            shutil.copy2(before, keeping.file)
        if name == step:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(keeping_module, "fault_point", set_back_and_fail)
        keeping.round()
    keeping.clock.advance(10)

    assert sent_back_and_cancelled_again(keeping, cancelled(before.read_bytes())) == "cancelled"


def test_a_save_in_the_instant_of_the_exchange_is_one_save(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A, B)
    content = cancelled(keeping.file.read_bytes())
    taken_in = len(keeping.events("queue_file.taken_in"))

    def save(name: str) -> None:
        if name == "project.written":
            keeping.save(content)

    with monkeypatch.context() as patched:
        patched.setattr(keeping_module, "fault_point", save)
        keeping.store.write(lambda tx: steering.cancel(tx, "b", "cli", "x"))
        keeping.round()
    assert keeping.status("a") == "cancelled"
    keeping.restart()
    keeping.round()

    assert len(keeping.events("queue_file.taken_in")) == taken_in + 1


def test_a_file_that_was_written_and_then_failed_is_nobodys_save(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A, B)
    taken_in = len(keeping.events("queue_file.taken_in"))

    def fail(name: str) -> None:
        if name == "project.exchanged":
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(keeping_module, "fault_point", fail)
        keeping.store.write(lambda tx: steering.cancel(tx, "a", "cli", "x"))
        keeping.round()
    keeping.clock.advance(10)
    keeping.round()

    assert keeping.entry("a")["status"] == "cancelled"
    assert len(keeping.events("queue_file.taken_in")) == taken_in


def test_what_an_earlier_version_left_is_known_by_its_content(keeping: Keeping) -> None:
    handle, _ = holds_a_cancelled_file_open(keeping)
    os.close(handle)
    for path in exchanged(keeping):
        first, _, digest = path.name.rpartition("-")
        path.rename(path.with_name(f"{first.rsplit('-', 2)[0]}-{digest}"))
    taken_in = len(keeping.events("queue_file.taken_in"))
    keeping.restart()
    keeping.round()

    assert keeping.status("a") == "cancelled"
    assert len(keeping.events("queue_file.taken_in")) == taken_in


def test_an_undo_in_the_instant_before_the_plug_is_pulled_counts(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A, B)
    shown = keeping.file.read_bytes()
    keeping.save(cancelled(shown))
    keeping.look()
    assert keeping.status("a") == "cancelled"

    def save_and_pull_the_plug(name: str) -> None:
        if name == "project.written":
            keeping.save(shown)
        if name == "project.exchanged":
            raise PlugPulled

    with monkeypatch.context() as patched:
        patched.setattr(keeping_module, "fault_point", save_and_pull_the_plug)
        with pytest.raises(PlugPulled):
            keeping.round()
    keeping.restart()

    assert sent_back_and_cancelled_again(keeping, cancelled(shown)) == "cancelled"
