"""Saves through old handles of a queue file that is a link onto another mount, or was one."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

import host_platform
from store.file_watch import FileWatch
from store.queue_file.old_files import HELD_S
from tests.integration.test_saves_into_old_queue_files import (
    ONLY_LINUX,
    PATIENCE_S,
    B,
    holding,
)
from tests.unit.queue_file.keeping import Keeping


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


@pytest.mark.parametrize("name", ["q" * 200, "\u961f" * 70], ids=["long", "wide"])
def test_it_is_not_lost_where_the_file_there_has_a_long_name(
    keeping: Keeping, elsewhere: Path, name: str
) -> None:
    keeping.file.unlink()
    keeping.file.symlink_to(elsewhere / name)
    with holding(keeping, elsewhere / name) as editor:
        assert not keeping.events("queue_file.blocked")
        editor.add(B)
    keeping.restart()

    assert keeping.statuses() == {"a": "pending", "b": "pending", "c": "pending"}
    assert name in [each.name for each in elsewhere.iterdir()]


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


@ONLY_LINUX
def test_a_folder_that_is_away_for_a_while_costs_no_save_through_a_handle_there(
    keeping: Keeping, elsewhere: Path
) -> None:
    with holding(keeping, elsewhere / "q.json") as editor:
        away = elsewhere.rename(elsewhere.with_name("away"))
        for _ in range(3):
            keeping.clock.advance(HELD_S)
            keeping.round()
        assert not elsewhere.exists(), "a person took it away, and it is not made anew"
        away.rename(elsewhere)
        keeping.round()
        editor.add(B)
        keeping.round()

        assert keeping.status("b") == "pending"


@ONLY_LINUX
def test_a_folder_that_is_moved_with_its_link_costs_no_save_through_a_handle_there(
    keeping: Keeping, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holding(keeping, elsewhere / "q.json") as editor:
        moved = elsewhere.rename(elsewhere.with_name("moved"))
        monkeypatch.setattr(host_platform, "is_one_mount", lambda *paths: moved not in paths)
        keeping.file.unlink()
        keeping.file.symlink_to(moved / "q.json")
        keeping.round()
        editor.add(B)
        keeping.round()

        assert keeping.status("b") == "pending"


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


def test_what_another_put_in_the_place_of_ours_there_is_neither_written_to_nor_taken_for_ours(
    keeping: Keeping, elsewhere: Path
) -> None:
    """Where the folder is shared, it may be a stranger's, who holds it open."""
    (elsewhere / "q.json").chmod(0o600)
    with (elsewhere / ".q.json.skep-writing").open("w+b") as planted:
        (elsewhere / ".q.json.skep-writing").chmod(0o666)
        (elsewhere / "q.json").write_text(json.dumps({"tasks": [B]}))
        keeping.round()
        assert keeping.entry("b")

        assert planted.read() == b""
        planted.write(json.dumps({"tasks": [B, {"id": "evil", "command": "ls"}]}).encode())
    keeping.round()

    assert keeping.status("evil") == "none"
    assert (elsewhere / "q.json").stat().st_mode & 0o777 == 0o600
