"""Saves into a queue file that was exchanged meanwhile, through a handle that was opened before."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import host_platform
from runtime_contract import Limits, normalize_task
from store import steering
from store.file_watch import FileWatch
from store.queue_file import swap
from store.queue_file.old_files import HELD_S
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
        new = NewTask(*normalize_task({"id": "c", "prompt": "x"}, Limits()))
        keeping.store.submit(Intake(new=[new]), "cli")
        keeping.round()
        assert keeping.entry("c")
        yield editor


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


def test_something_else_in_the_place_of_the_folder_costs_no_save(keeping: Keeping) -> None:
    with holding(keeping):
        pass
    assert is_let_go(keeping)
    folder = keeping.home.state / "exchanged"
    folder.rmdir()
    folder.write_text("no folder")
    with holding(keeping) as editor:
        editor.add(B)
    keeping.round()

    assert keeping.status("b") == "pending"


@pytest.fixture
def elsewhere(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which nothing can be moved into the home by name, the queue file being a link there."""
    folder = keeping.home.root / "mnt"
    folder.mkdir()
    is_one = host_platform.is_one_mount
    monkeypatch.setattr(host_platform, "is_one_mount", lambda *paths: is_one(*paths) and folder not in paths)
    keeping.file.unlink(missing_ok=True)
    keeping.file.symlink_to(folder / "q.json")
    (folder / "q.json").write_text('{"tasks": []}')
    return folder


def put_a_file_in_place_of_the_link(keeping: Keeping) -> None:
    content = keeping.file.read_bytes()
    keeping.file.unlink()
    keeping.file.write_bytes(content)


@pytest.mark.parametrize("restarts", [1, pytest.param(3, marks=ONLY_LINUX)])
def test_it_is_not_lost_where_the_file_was_on_another_mount_and_is_no_more(
    keeping: Keeping, elsewhere: Path, restarts: int
) -> None:
    with holding(keeping, elsewhere / "q.json") as editor:
        put_a_file_in_place_of_the_link(keeping)
        keeping.round()
        for _ in range(restarts - 1):
            keeping.restart()
        editor.add(B)
    keeping.restart()

    assert keeping.statuses() == {"a": "pending", "b": "pending", "c": "pending"}
    assert [each.name for each in elsewhere.iterdir()] == ["q.json"]


def test_what_is_half_exchanged_there_is_not_lost_either(keeping: Keeping, elsewhere: Path) -> None:
    with holding(keeping, elsewhere / "q.json"):
        content = keeping.shown()
        content["tasks"].append(B)
        (elsewhere / ".q.json.skep-swap").write_text(json.dumps(content))
        put_a_file_in_place_of_the_link(keeping)
    keeping.restart()

    assert keeping.status("b") == "pending"


def test_what_is_half_exchanged_in_the_home_is_not_lost_where_the_file_is_on_another_mount_since(
    keeping: Keeping, elsewhere: Path
) -> None:
    with holding(keeping, elsewhere / "q.json"):
        content = keeping.shown()
    content["tasks"].append(B)
    (keeping.home.state / "queue.json.swap").write_text(json.dumps(content))
    keeping.restart()

    assert keeping.status("b") == "pending"


@ONLY_LINUX
def test_it_is_told_of_at_once_there_too(keeping: Keeping, elsewhere: Path) -> None:
    with holding(keeping, elsewhere / "q.json") as editor:
        put_a_file_in_place_of_the_link(keeping)
        keeping.restart()
        told = threading.Event()
        watch = FileWatch(told.set)
        keeping.keeper.watch_with(watch)
        assert watch.start()
        try:
            editor.add(B)
            assert told.wait(PATIENCE_S)
        finally:
            watch.stop()


def test_a_mount_that_is_away_is_looked_at_when_it_is_back(keeping: Keeping, elsewhere: Path) -> None:
    with holding(keeping, elsewhere / "q.json") as editor:
        put_a_file_in_place_of_the_link(keeping)
        keeping.round()
        editor.add(B)
        away = elsewhere.rename(elsewhere.with_name("away"))
        keeping.restart()
        assert keeping.status("b") == "none"
        away.rename(elsewhere)
    keeping.restart()

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
