"""Saves into a queue file that was exchanged meanwhile, through a handle that was opened before."""

from __future__ import annotations

import contextlib
import copy
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import host_platform
from errors import StoreFull
from runtime_contract import Limits, normalize_task
from store import steering
from store.file_watch import FileWatch
from store.queue_file import swap
from store.queue_file.old_files import HELD_S
from store.queue_file.taking_in import OLD_TAKEN, Taker
from store.reading import Reader
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}
D = {"id": "d", "prompt": "say most"}
PATIENCE_S = 60

ONLY_LINUX = pytest.mark.skipif(
    not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing"
)


class Editor:
    """A program that holds a queue file open which has been exchanged since."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._content: dict[str, Any] = json.loads(handle.read())

    def add(self, task: dict[str, Any]) -> None:
        """Save with one more task."""
        self._content["tasks"].append(task)
        self._save()

    def change(self, task_id: str, **fields: Any) -> None:
        """Save with some fields of a task changed."""
        next(each for each in self._content["tasks"] if each["id"] == task_id).update(fields)
        self._save()

    def replace(self, content: dict[str, Any]) -> None:
        """Save another content."""
        self._content = content
        self._save()

    def content(self) -> dict[str, Any]:
        """What it saved last."""
        return copy.deepcopy(self._content)

    def _save(self) -> None:
        self._handle.seek(0)
        self._handle.truncate()
        self._handle.write(json.dumps(self._content).encode())
        self._handle.flush()


@contextmanager
def holding(keeping: Keeping, file: Path | None = None) -> Iterator[Editor]:
    """A program that opened the file before the daemon wrote it anew; `file`: what its link leads to."""
    if file is None:
        keeping.put(A)
    else:
        file.write_text(json.dumps({"tasks": [A]}))
        keeping.round()
    with keeping.file.open("r+b") as old:
        editor = Editor(old)
        submit(keeping, "c")
        assert keeping.entry("c")
        yield editor


def submit(keeping: Keeping, task_id: str) -> None:
    """A task comes another way, and the file is written."""
    new = NewTask(*normalize_task({"id": task_id, "prompt": "x"}, Limits()))
    keeping.store.submit(Intake(new=[new]), "cli")
    keeping.round()


def loaded(reader: Reader, key: str) -> dict[str, str]:
    """A fact about the home, in texts."""
    return reader.fact(key) or {}


def is_let_go(keeping: Keeping) -> bool:
    """Whether nothing is left of what was exchanged, some time after."""
    for _ in range(2):
        keeping.clock.advance(HELD_S)
        keeping.round()
    return list((keeping.home.state / "exchanged").iterdir()) == []


@pytest.mark.parametrize("waits", [0, pytest.param(4, marks=ONLY_LINUX)])
def test_it_is_not_lost_however_long_it_takes(keeping: Keeping, waits: int) -> None:
    with holding(keeping) as editor:
        for _ in range(waits):
            keeping.clock.advance(HELD_S)
            keeping.round()
        editor.add(B)
    keeping.round()

    assert keeping.statuses() == {"a": "pending", "b": "pending", "c": "pending"}
    assert "b" in {each["id"] for each in keeping.shown()["tasks"]}
    assert is_let_go(keeping)


@ONLY_LINUX
def test_it_is_not_lost_where_another_leads_since(keeping: Keeping) -> None:
    with holding(keeping) as editor:
        keeping.restart()
        editor.add(B)
        keeping.round()
        assert keeping.status("b") == "pending"
        keeping.restart()
        keeping.clock.advance(HELD_S)
        keeping.round()
        editor.add(D)
    keeping.round()

    assert keeping.status("d") == "pending"
    assert is_let_go(keeping)


def test_what_was_saved_while_nobody_led_is_taken_in_by_the_next(keeping: Keeping) -> None:
    with holding(keeping) as editor:
        editor.add(B)
    keeping.restart()

    assert keeping.status("b") == "pending"
    assert is_let_go(keeping)


@ONLY_LINUX
def test_it_is_told_of_at_once_so_that_the_next_does_not_come_over_it(keeping: Keeping) -> None:
    told = threading.Event()
    watch = FileWatch(told.set)
    keeping.keeper.watch_with(watch)
    assert watch.start()
    try:
        with holding(keeping) as editor:
            for task in (B, D):
                told.clear()
                editor.add(task)
                assert told.wait(PATIENCE_S)
    finally:
        watch.stop()
    keeping.round()

    assert keeping.status("d") == "pending"


def test_one_that_lies_where_an_earlier_version_left_it_is_taken_in(keeping: Keeping) -> None:
    with holding(keeping) as editor:
        editor.add(B)
    for old in (keeping.home.state / "exchanged").iterdir():
        old.rename(keeping.home.state / old.name)
    keeping.restart()

    assert keeping.status("b") == "pending"
    assert list(keeping.home.state.glob("queue.json.*")) == []


@ONLY_LINUX
@pytest.mark.parametrize("is_closed", [True, False])
def test_what_was_taken_in_of_it_is_not_taken_in_again_by_the_next_that_leads(
    keeping: Keeping, is_closed: bool
) -> None:
    with holding(keeping) as editor:
        editor.change("a", status="cancelled")
        keeping.round()
        assert keeping.status("a") == "cancelled"
        keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
        keeping.round()
        if not is_closed:
            keeping.restart()
    keeping.restart()

    assert keeping.status("a") == "pending", "a later word counts"
    assert len(keeping.events("task.cancelled")) == 1


@ONLY_LINUX
def test_what_stood_in_the_place_of_the_file_too_is_not_taken_in_again_later(keeping: Keeping) -> None:
    with holding(keeping) as editor:
        content = keeping.shown()
        content["tasks"][0].update(status="cancelled")
        keeping.save(json.dumps(content).encode())
        keeping.round()
        editor.replace(content)
        keeping.round()
        keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
        keeping.edit(lambda content: content["tasks"].append(B))
        keeping.round()
        keeping.restart()

        assert keeping.status("a") == "pending", "a later word counts"


@ONLY_LINUX
def test_what_a_program_says_again_after_something_else_counts_again(keeping: Keeping) -> None:
    keeping.put(A)
    with keeping.file.open("r+b") as handle:
        editor = Editor(handle)
        editor.change("a", status="cancelled")
        first = editor.content()
        keeping.round()
        assert keeping.status("a") == "cancelled"
        keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
        keeping.round()
        editor.change("a", status="pending")
        editor.add(B)
        keeping.round()
        editor.replace(first)
        keeping.round()

        assert keeping.status("b") == "pending"
        assert keeping.status("a") == "cancelled", "it was said again"


@pytest.mark.parametrize(("first", "second"), [(8, 9), (7, 10), (10, 7), (9, 8), (0, 5), (5, 0)])
def test_what_was_saved_while_nobody_led_is_taken_in_as_it_was_saved(
    keeping: Keeping, first: int, second: int
) -> None:
    keeping.put(A)
    by_revision = {}
    with contextlib.ExitStack() as held:
        while keeping.shown()["revision"] < 12:
            handle = held.enter_context(keeping.file.open("r+b"))
            by_revision[keeping.shown()["revision"]] = Editor(handle)
            submit(keeping, f"c-{len(by_revision)}")
        for which, words in ((first, "earlier"), (second, "later")):
            added = {"id": "n", "prompt": words}
            if which:
                by_revision[which].add(added)
            else:
                content = keeping.shown()
                content["tasks"].append(added)
                keeping.save(content)
            time.sleep(0.02)  # the kernel's clock is coarse
    keeping.restart()

    assert keeping.doc("n")["prompt"] == "later"


@ONLY_LINUX
def test_it_is_not_forgotten_what_was_taken_in_of_one_that_is_held_however_many_come(
    keeping: Keeping,
) -> None:
    with holding(keeping) as editor:
        editor.change("a", status="cancelled")
        keeping.round()
        keeping.store.write(lambda tx: steering.retry(tx, "a", "cli"))
        gone = {f"queue.json.out-{at}-0": "0" * 64 for at in range(2000)}
        known = loaded(keeping.store.reader, OLD_TAKEN)
        keeping.store.set_fact(OLD_TAKEN, gone | known, "daemon.disk_ok")
        with keeping.file.open("r+b") as handle:
            other = Editor(handle)
            submit(keeping, "more")
            other.add(B)
            keeping.round()
        keeping.restart()

        assert keeping.status("a") == "pending", "a later word counts"
        assert len(loaded(keeping.store.reader, OLD_TAKEN)) == 1, "those that are gone need not be known"
    assert is_let_go(keeping)
    assert loaded(keeping.store.reader, OLD_TAKEN) == {}


def test_what_a_full_disk_let_nobody_take_in_is_taken_in_when_there_is_room(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in, is_full = Taker.take_in, True

    def take(*given: Any, **named: Any) -> Any:
        if is_full:
            raise StoreFull("the disk is full")
        return take_in(*given, **named)

    with holding(keeping) as editor:
        monkeypatch.setattr(Taker, "take_in", take)
        editor.add(B)
    for _ in range(3):
        keeping.clock.advance(HELD_S)
        with contextlib.suppress(StoreFull):
            keeping.round()
        assert keeping.keeper.next_wake() > keeping.clock.monotonic(), "it is waited for, not spun on"
    is_full = False
    keeping.clock.advance(HELD_S)
    keeping.round()

    assert keeping.status("b") == "pending"


def test_who_opened_ours_in_the_instant_it_stood_there_may_save_into_it(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable save of that instant was put back in its place."""
    keeping.put(A)
    exchange, opened = swap.exchange, contextlib.ExitStack()
    editors: list[Editor] = []

    def save_rubbish_and_open(new: Path, target: Path, known: frozenset[str]) -> bool:
        if not editors:
            keeping.file.write_bytes(b"{ not yet")
        done = exchange(new, target, known)
        if not editors:
            editors.append(Editor(opened.enter_context(keeping.file.open("r+b"))))
        return done

    monkeypatch.setattr(swap, "exchange", save_rubbish_and_open)
    with opened:
        submit(keeping, "c")
        editors[0].add(B)
        keeping.round()

    assert keeping.status("b") == "pending"


@ONLY_LINUX
def test_what_comes_out_of_an_exchange_that_breaks_off_is_taken_in_by_the_next(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.put(A)
    exchange = swap.exchange

    def save_first(*paths: Any) -> bool:
        monkeypatch.setattr(swap, "exchange", exchange)
        keeping.edit(lambda content: content["tasks"].append(B))
        exchange(*paths)
        raise OSError("it breaks off")

    monkeypatch.setattr(swap, "exchange", save_first)
    keeping.store.write(lambda tx: steering.cancel(tx, "a", "cli", "x"))
    for _ in range(3):
        keeping.clock.advance(HELD_S)
        keeping.round()

    assert keeping.status("b") == "pending"


@pytest.mark.parametrize("what", ["a file", "a link"])
def test_something_else_in_the_place_of_the_folder_costs_no_save(keeping: Keeping, what: str) -> None:
    with holding(keeping):
        pass
    assert is_let_go(keeping)
    folder = keeping.home.state / "exchanged"
    folder.rmdir()
    if what == "a file":
        folder.write_text("no folder")
    else:
        folder.symlink_to(keeping.home.root)
    with holding(keeping) as editor:
        editor.add(B)
    keeping.round()

    assert keeping.status("b") == "pending"


def test_it_is_not_lost_where_the_file_has_been_moved_behind_a_link_since(keeping: Keeping) -> None:
    with holding(keeping) as editor:
        elsewhere = keeping.home.root / "elsewhere"
        elsewhere.mkdir()
        keeping.file.rename(elsewhere / "q.json")
        keeping.file.symlink_to(elsewhere / "q.json")
        keeping.round()
        editor.add(B)
    keeping.restart()

    assert keeping.status("b") == "pending"
