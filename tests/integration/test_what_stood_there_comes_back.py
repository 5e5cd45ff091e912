"""What an exchange replaced, or failed to replace, and what is taken for a save when it is there again."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import host_platform
from errors import StoreFull
from store import steering
from store.queue_file import swap
from store.queue_file.taking_in import Taker
from tests.integration.test_the_same_is_saved_again import A, B, PlugPulled, cancelled, write_again
from tests.unit.queue_file.keeping import Keeping


def cancel_and_show(keeping: Keeping, task_id: str) -> None:
    """Something changes, so that the file is written."""
    keeping.store.write(lambda tx: steering.cancel(tx, task_id, "cli", "x"))
    keeping.clock.advance(9)
    keeping.round()


def cannot_exchange(*_: object) -> None:
    raise OSError(errno.EBUSY, "Device or resource busy")


def die(*_: object) -> None:
    raise PlugPulled


@pytest.mark.parametrize("fails", [cannot_exchange, lambda *_: False, die])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_ours_that_stays_where_no_exchange_succeeds_is_nobodys_save(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, fails: Callable[..., Any], times: int
) -> None:
    keeping.put(*({"id": f"t{at}", "prompt": "x"} for at in range(9)))
    taken_in = len(keeping.events("queue_file.taken_in"))
    with monkeypatch.context() as patched:
        patched.setattr(swap, "exchange", fails)
        for at in range(times):
            try:
                cancel_and_show(keeping, f"t{at}")
            except PlugPulled:
                keeping.restart()
    keeping.restart()
    cancel_and_show(keeping, "t8")

    assert len(keeping.events("queue_file.taken_in")) == taken_in
    assert keeping.entry("t0")["status"] == "cancelled"


class Moved:
    """In the instant of an exchange a person moves the file away, and puts a copy in its place."""

    def __init__(self, keeping: Keeping, after: Callable[[], None]) -> None:
        self._file = keeping.file
        self._after = after
        self._really = host_platform.exchange_files
        self.away = keeping.file.with_name("away")
        self.copy = cancelled(keeping.file.read_bytes())

    def __call__(self, new: Path, target: Path) -> None:
        self._file.rename(self.away)
        beside = self._file.with_name("copy")
        beside.write_bytes(self.copy)
        beside.replace(self._file)
        self._really(new, target)
        self._after()

    def back(self) -> None:
        """The very file comes back."""
        self.away.rename(self._file)


def exchanged_in_an_instant(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, after: Callable[[], None] = lambda: None
) -> Moved:
    keeping.put(A, B)
    moved = Moved(keeping, after)
    with monkeypatch.context() as patched:
        patched.setattr(host_platform, "exchange_files", moved)
        try:
            cancel_and_show(keeping, "b")
        except PlugPulled:
            keeping.restart()
    keeping.look()
    assert keeping.status("a") == "cancelled"
    return moved


@pytest.mark.parametrize("is_plug_pulled", [False, True])
@pytest.mark.parametrize("how", ["leading", "restarted", "away"])
def test_what_was_moved_away_in_the_instant_of_the_exchange_says_something_when_it_comes_back(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, how: str, is_plug_pulled: bool
) -> None:
    moved = exchanged_in_an_instant(keeping, monkeypatch, die if is_plug_pulled else lambda: None)
    if how == "away":
        keeping.file.unlink()
        keeping.look()
    moved.back()
    if how == "restarted":
        keeping.restart()
    keeping.round()
    keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
    keeping.clock.advance(9)
    keeping.round()
    keeping.save(json.loads(moved.copy) | {"x": 1})
    keeping.round()

    assert keeping.status("a") == "cancelled", "taken back and said anew"


def test_what_came_out_while_the_store_was_full_is_forgotten_by_its_place_as_well(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A, B)
    moved = Moved(keeping, lambda: None)

    def be_full(*_: object, **__: object) -> None:
        raise StoreFull("full")

    with monkeypatch.context() as patched:
        patched.setattr(host_platform, "exchange_files", moved)
        patched.setattr(Taker, "take_in", be_full)
        cancel_and_show(keeping, "b")
    moved.back()
    keeping.look()

    assert len(keeping.events("queue_file.taken_in")) == 3


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_later_word_through_an_old_handle_is_not_undone_by_a_save_that_stands(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, is_restarted: bool
) -> None:
    keeping.put(A, B)
    shown = keeping.shown()
    taken_in = len(keeping.events("queue_file.taken_in"))

    def saying(words: str) -> bytes:
        return json.dumps(shown | {"tasks": [A | {"prompt": words}, B]}).encode()

    really = host_platform.exchange_files

    def break_off(new: Path, target: Path) -> None:
        write_again(handle, saying("one"))
        really(new, target)
        raise OSError(errno.EIO, "Input/output error")

    handle = os.open(keeping.file, os.O_RDWR)
    with monkeypatch.context() as patched:
        patched.setattr(host_platform, "exchange_files", break_off)
        cancel_and_show(keeping, "b")
    keeping.look()
    keeping.save(saying("two"))
    keeping.look()
    write_again(handle, saying("three"))
    keeping.look()
    if is_restarted:
        keeping.restart()
    keeping.clock.advance(9)
    keeping.round()
    os.close(handle)

    assert keeping.doc("a")["prompt"] == keeping.entry("a")["prompt"] == "three"
    assert len(keeping.events("queue_file.taken_in")) == taken_in + 3


def test_a_folder_in_the_place_of_what_is_told_of_a_broken_file_hinders_nothing(keeping: Keeping) -> None:
    keeping.put(A)
    error = keeping.file.with_name("queue.json.error")
    (error / "x").mkdir(parents=True)
    keeping.edit(lambda content: content["tasks"].append(B))
    keeping.round()

    assert keeping.status("b") == "pending"
    assert [each.name for each in error.iterdir()] == ["x"]
