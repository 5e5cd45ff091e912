"""The queue file, old ones and the inbox are watched also after they moved or were made anew."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import host_platform
from road.watched_files import WatchedFiles
from store.file_watch import FileWatch
from tests.integration.swarm_rig import eventually
from tests.unit.queue_file.keeping import Keeping

PATIENCE_S = 60

pytestmark = pytest.mark.skipif(not host_platform.IS_LINUX, reason="how soon others tell is their affair")


@contextmanager
def watching(keeping: Keeping) -> Iterator[tuple[WatchedFiles, threading.Event]]:
    """What watches a home's files, and the event that it sets."""
    told = threading.Event()
    keeping.home.inbox.joinpath("new").mkdir(parents=True, exist_ok=True)
    watched = WatchedFiles(told.set, keeping.keeper, keeping.home.inbox / "new")
    assert watched.start()
    try:
        yield watched, told
    finally:
        watched.stop()


def is_told(told: threading.Event, path: Path) -> bool:
    """Whether a change of a file is told of."""
    told.clear()
    path.write_text("{}")
    return told.wait(PATIENCE_S)


def test_folders_that_were_removed_and_made_again(keeping: Keeping) -> None:
    with watching(keeping) as (watched, told):
        for folder in (keeping.home.state / "exchanged", keeping.home.inbox / "new"):
            assert is_told(told, folder / "one")
            another = folder.with_name("another")
            another.mkdir()
            shutil.rmtree(folder)
            another.rename(folder)
            watched.look()
            for name in ("two", "three"):  # of the removal may be told late
                assert is_told(told, folder / name)


def test_a_folder_that_was_removed_counts_as_another_whatever_its_number(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    told = threading.Event()
    watch = FileWatch(told.set)
    watch.add(folder)
    assert watch.start()
    try:
        folder.rmdir()
        folder.mkdir()
        eventually(lambda: watch.watched != watch.folders(), "the removal is told of")
    finally:
        watch.stop()


def test_a_queue_file_that_became_a_link(keeping: Keeping) -> None:
    with watching(keeping) as (watched, told):
        assert is_told(told, keeping.file)
        elsewhere = keeping.home.root / "elsewhere"
        elsewhere.mkdir()
        keeping.file.rename(elsewhere / "q.json")
        keeping.file.symlink_to(elsewhere / "q.json")
        keeping.look()
        watched.look()
        assert is_told(told, elsewhere / "q.json")


def test_what_is_as_it_was_is_not_watched_anew(keeping: Keeping) -> None:
    with watching(keeping) as (watched, told):
        watched.look()
        told.clear()
        watched.look()
        assert not told.is_set()
