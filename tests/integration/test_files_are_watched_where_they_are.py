"""The queue file, old ones and the inbox are watched also after they moved or were made anew."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import host_platform
from road.watched_files import WatchedFiles
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
            shutil.rmtree(folder)
            folder.mkdir()
            told.clear()
            until = time.monotonic() + PATIENCE_S
            while not told.wait(0.01):  # the system tells of the removal when it likes
                assert time.monotonic() < until, "what came in between was told to nobody"
                watched.look()
            assert is_told(told, folder / "two")


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
