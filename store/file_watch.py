"""Hints that a file of the home has changed. A hint may be missed or wrong: polling is the truth."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

import host_platform

logger = logging.getLogger(__name__)

_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})


class FileWatch(FileSystemEventHandler):
    """Calls `wake` from a thread of its own when a watched file may have changed.

    Only the folders themselves are watched, not what is below them. Where the system cannot watch (its limit
    of watches is reached, the file system tells nothing, no folder is there), polling goes on alone.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        #: by folder, the names that are watched there; none: all
        self.names: dict[str, frozenset[str] | None] = {}
        self._observer: BaseObserver | None = None
        #: the folders as they were at the start, without those that have been removed
        self.watched: dict[str, tuple[int, int]] = {}

    def add(self, folder: Path, *names: str) -> None:
        """Watch these names in a folder, or all of them where none is given. Before `start`."""
        self.names[str(folder)] = frozenset(names) or None

    def folders(self) -> dict[str, tuple[int, int]]:
        """Which folders there are to be watched, by device and number: another may have come in a place."""
        found = {}
        for folder in filter(os.path.isdir, self.names):
            with contextlib.suppress(FileNotFoundError):
                info = Path(folder).stat()
                found[folder] = (info.st_dev, info.st_ino)
        return found

    def start(self) -> bool:
        """Begin; whether the system can."""
        self.watched = self.folders()
        try:
            observer = _observer()  # asks the system for room, and may be refused
            for folder in self.watched:
                observer.schedule(self, folder)
            observer.start()
        except Exception as error:
            logger.warning("changes of files are only found by polling: %s", error)
            return False
        self._observer = observer
        return True

    def stop(self) -> None:
        """End the thread."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:
        """One change in a watched folder, or of one."""
        if event.event_type == "deleted":  # one that is made in its place may get its very number
            self.watched.pop(_name_of(event.src_path), None)
        if event.event_type in _CHANGES and (
            self._is_named(event.src_path) or self._is_named(event.dest_path)
        ):
            self._wake()

    def _is_named(self, path: bytes | str) -> bool:
        changed = Path(_name_of(path))
        if str(changed.parent) not in self.names:
            return False
        names = self.names[str(changed.parent)]
        return names is None or changed.name in names


def _name_of(path: bytes | str) -> str:
    return path.decode(errors="replace") if isinstance(path, bytes) else path


def _observer() -> BaseObserver:
    """What watches folders on this system."""
    if not host_platform.IS_LINUX:
        return Observer()
    from store.arrivals import ArrivalObserver  # noqa: PLC0415  can be imported on Linux only

    return ArrivalObserver()
