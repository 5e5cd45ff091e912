"""Noticing that a file was saved: what comes into a folder is told, what goes out of it holds nothing up."""

from __future__ import annotations

import errno
import queue
import threading
from pathlib import Path

import pytest
from watchdog.events import FileSystemEvent, FileSystemEventHandler

import host_platform
from store.file_watch import FileWatch

PATIENCE_S = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.mark.parametrize("way", ["renamed into place", "written in place", "deleted"])
def test_a_change_of_the_file_that_is_watched_wakes(folder: Path, way: str):
    path = folder / "queue.json"
    path.write_text("old")
    woken = threading.Event()
    watch = FileWatch(woken.set)
    watch.add(folder, "queue.json")
    assert watch.start()
    try:
        if way == "renamed into place":
            fresh = folder / "queue.json.edited"
            fresh.write_text("new")
            fresh.replace(path)
        elif way == "written in place":
            path.write_text("new")
        else:
            path.unlink()
        assert woken.wait(PATIENCE_S)
    finally:
        watch.stop()


def test_where_the_system_has_no_room_for_a_watch_polling_goes_on_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_room() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr("store.file_watch._observer", no_room)
    watch = FileWatch(lambda: None)
    watch.add(folder, "queue.json")

    assert not watch.start()
    assert "only found by polling: [Errno 24] inotify instance limit reached" in caplog.text
    watch.stop()


class Told(FileSystemEventHandler):
    """Everything an observer tells."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[FileSystemEvent] = queue.SimpleQueue()

    def on_any_event(self, event: FileSystemEvent) -> None:
        self.events.put(event)

    def names_until(self, name: str) -> list[str]:
        names: list[str] = []
        while name not in names:
            event = self.events.get(timeout=PATIENCE_S)
            names += [Path(str(event.src_path)).name, Path(str(event.dest_path or "-")).name]
        return names


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="inotify is Linux's")
def test_what_is_moved_away_is_not_told_so_nothing_waits_behind_it(folder: Path, tmp_path: Path):
    from store.arrivals import ArrivalObserver

    old, fresh = folder / "old.json", tmp_path / "fresh.json"
    old.write_text("old")
    fresh.write_text("fresh")
    told = Told()
    observer = ArrivalObserver()
    observer.schedule(told, str(folder))
    observer.start()
    try:
        old.rename(tmp_path / "away.json")
        fresh.rename(folder / "fresh.json")
        assert "old.json" not in told.names_until("fresh.json")
    finally:
        observer.stop()
        observer.join()
