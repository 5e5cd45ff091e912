"""A second copy of the truth: ``.swarm/backup.db``, and the one before it, for the day the first is damaged.

The copy is made of one snapshot, read over a connection that cannot write: nobody who commits waits for it,
and it need not begin again because somebody did. It is checked before it takes the older one's place, so
that damage is noticed while a sound copy is still there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import host_platform
from clock import Clock, SystemClock
from errors import StoreCorrupt, StoreError
from settings import Home, Settings
from store import database, sql

logger = logging.getLogger(__name__)

PAGES_PER_STEP: Final = 256
#: seconds the copy at a stop may take; the one before it stays where it is not done by then
AT_STOP_S: Final = 5.0


class Interrupted(Exception):
    """The copy is not waited for."""


def newest(home: Home) -> Path:
    """Where the newest copy stands."""
    return home.state / "backup.db"


def generations(home: Home) -> list[Path]:
    """Every place a copy may stand, the newest first."""
    return [newest(home), home.state / "backup.1.db"]


def copy_database(source: Path, target: Path, go_on: Callable[[], bool] = lambda: True) -> int:
    """Copy a database as it is now into a new file of its own; its last event.

    The copy is checked and on disk when this returns. Raises `StoreError`, `OSError`, `Interrupted`.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))

    def progress(*_: int) -> None:
        if not go_on():
            raise Interrupted

    last, found = 0, ""
    try:
        with database.translated(source), contextlib.closing(database.open_reader(source)) as reader:
            last = pin(reader)
            found = _copy(reader, target, progress)
    except StoreCorrupt as error:
        found = str(error.__cause__)
    if found != "ok":
        raise StoreCorrupt(f"{source} is damaged: {found}. Stop Skep and start it again: it is rebuilt then.")
    with target.open("rb") as handle:
        host_platform.sync_data(handle.fileno())
    return last


def _copy(reader: sqlite3.Connection, target: Path, progress: Callable[..., None]) -> str:
    """Copy what `reader` sees; what SQLite says of the copy, ``ok`` where it is sound."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writer:
        writer.execute("PRAGMA synchronous=OFF")
        reader.backup(writer, pages=PAGES_PER_STEP, progress=progress)
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        return str(writer.execute("PRAGMA integrity_check(1)").fetchone()[0])


def pin(reader: sqlite3.Connection) -> int:
    """Begin to read one snapshot, and go on reading it; its last event."""
    reader.execute("BEGIN")
    return int(reader.execute(sql.queries()["last_event_seq"]).fetchone()[0])


def last_event(path: Path) -> int:
    """The last event of a copy; 0 where there is none, or none that can be read."""
    try:
        with database.translated(path), contextlib.closing(database.open_reader(path)) as reader:
            return pin(reader)
    except (StoreError, OSError):
        return 0


class Backup:
    """Keeps the copies of one home. For the leader; the copying itself is done beside its duties."""

    def __init__(self, home: Home, settings: Settings, clock: Clock | None = None) -> None:
        self._home = home
        self._interval_s = settings.backup_interval_s
        self._keep_free = settings.disk_free_bytes
        self._clock = clock or SystemClock()
        self._due: float | None = None
        self._copied: int | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._mutex = threading.Lock()

    def run_if_due(self, monotonic: float) -> bool:
        """Begin a copy when the last one is old enough; whether one was begun. Returns at once."""
        if self._due is None:
            self._due = monotonic + self._until_first()
        if monotonic < self._due or (self._thread is not None and self._thread.is_alive()):
            return False
        self._due = monotonic + self._interval_s
        self._thread = threading.Thread(target=self._run_quietly, name="backup", daemon=True)
        self._thread.start()
        return True

    def run(self) -> bool:
        """Copy now if anything has happened since; whether it was. Raises `StoreError`, `OSError`."""
        return self._copy(lambda: not self._stop.is_set())

    def close(self, seconds: float = AT_STOP_S) -> None:
        """A last copy at a stop in good order, for at most so long."""
        until = time.monotonic() + seconds
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._quietly(lambda: time.monotonic() < until)

    def _until_first(self) -> float:
        """Seconds until the copy that an earlier process made is too old."""
        try:
            age = self._clock.now() - newest(self._home).stat().st_mtime
        except OSError:
            return 0.0
        return self._interval_s - age if 0 <= age < self._interval_s else 0.0

    def _run_quietly(self) -> None:
        self._quietly(lambda: not self._stop.is_set())

    def _quietly(self, go_on: Callable[[], bool]) -> None:
        try:
            self._copy(go_on)
        except Interrupted:
            logger.info("the copy of the database was not waited for; the one before it stays")
        except (StoreError, OSError) as error:
            logger.error("the database could not be copied: %s", error)

    def _copy(self, go_on: Callable[[], bool]) -> bool:
        with self._mutex:
            if self._copied is None:
                self._copied = last_event(newest(self._home))
            if self._copied == last_event(self._home.database) or not self._has_room():
                return False
            fresh = self._home.state / "backup.db.new"
            try:
                copied = copy_database(self._home.database, fresh, go_on)
                self._put_in_place(fresh)
            finally:
                fresh.unlink(missing_ok=True)
            self._copied = copied
        return True

    def _has_room(self) -> bool:
        """Whether a copy leaves the disk to the tasks; what runs is worth more than a fresh copy."""
        size = self._home.database.stat().st_size
        if shutil.disk_usage(self._home.state).free - size >= self._keep_free:
            return True
        logger.warning("there is no room for a copy of the database (%d MiB)", size // 2**20 + 1)
        return False

    def _put_in_place(self, fresh: Path) -> None:
        current, older = generations(self._home)
        if current.exists():
            current.replace(older)
        fresh.replace(current)
        host_platform.fsync_directory(self._home.state)
