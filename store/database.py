"""Opening the database file, and the promises made of it: WAL, ``synchronous=FULL``, today's schema.

Every process that writes holds `write.lock` while it does, and so does whoever copies the WAL back into the
database. That makes waiting fair and immediate, where SQLite's own wait is a sleep that grows; and it closes
the WAL-reset race of SQLite before 3.51.3 (two connections writing and checkpointing in the same instant).
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

import host_platform
from config_files import own_home
from errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, StoreUnsupported
from store import ownership, sql
from store.soundness import trouble_with
from store.write_lock import WriteLock

BUSY_TIMEOUT_MS: Final = 5_000  # a foreign SQLite client may hold the file; ours wait at write.lock
OLDEST_SQLITE: Final = (3, 38, 0)  # STRICT tables, RETURNING, json_each


def prepare_state_directory(path: Path) -> None:
    """Make the state directory for this user alone.

    Raises `StoreReadOnly`, `StoreUnsupported`, `InvalidSetting` where it, or a link there, is a stranger's.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        if found.st_uid != os.geteuid() != 0:
            raise StoreReadOnly(f"{ownership.sentence(path, found.st_uid)}.")
        own_home.check_place(path.parent, path.name, is_open_fine=True)  # it is closed here
        if found.st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise StoreReadOnly(f"{path} cannot be made or kept private: {error.strerror}") from error
    if host_platform.is_network_file_system(path):
        kind = host_platform.file_system_type(path)
        raise StoreUnsupported(
            f"{path} is on {kind}, a network file system, where SQLite's WAL is not safe. "
            "Put the home on a local disk (SKEP_HOME)."
        )


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that may write. Raises `StoreError` subclasses."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnsupported(f"SQLite {sqlite3.sqlite_version} is too old; 3.38 or newer is needed")
    # Opened under the lock: who comes while a damaged file is being replaced opens the new one.
    with translated(path), WriteLock(path):
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        path.chmod(0o600)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise StoreUnsupported(f"{path}: this file system does not allow SQLite's WAL mode")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises `StoreError` subclasses."""
    with translated(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only=ON")
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to today's, in one transaction. Raises `StoreUnsupported` for a newer one."""
    steps = sql.migrations()
    with translated(path), WriteLock(path):
        current = check_version(connection, path)
        missing = [script for number, script in steps if number > current]
        if missing:
            version = f"PRAGMA user_version={steps[-1][0]};"
            connection.executescript("\n".join(["BEGIN IMMEDIATE;", *missing, version, "COMMIT;"]))


def is_made(path: Path) -> bool:
    """Whether a database is there; an empty file is none, unless what belongs into it lies beside it.

    Raises `StoreReadOnly` where that cannot be looked at.
    """
    found = [stat_of(each) for each in (path, path.with_name(f"{path.name}-wal"))]
    return any(each is not None and (not stat.S_ISREG(each.st_mode) or each.st_size > 0) for each in found)


def stat_of(path: Path) -> os.stat_result | None:
    """What stands at a path; none where nothing does. Raises `StoreReadOnly` where it cannot be looked at."""
    try:
        return path.stat()
    except PermissionError as error:
        way_out = ownership.way_out(path)
        raise StoreReadOnly(f"{path} cannot be opened: {error.strerror}{way_out}") from error
    except OSError:
        return None


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The number of its schema, 0 where it has none. Raises `StoreUnsupported` for one newer than ours."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > sql.migrations()[-1][0]:
        raise StoreUnsupported(f"{path} was written by a newer Skep (schema {version}); update Skep")
    return version


def check_integrity(path: Path) -> None:
    """Raise `StoreCorrupt` when the file is not a sound database; a missing one is sound.

    Raises `StoreUnsupported` for one of a newer Skep.
    """
    if not path.exists():
        return
    with translated(path), contextlib.closing(open_reader(path)) as connection:
        check_version(connection, path)
        trouble = trouble_with(connection)
    if trouble is not None:
        raise StoreCorrupt(f"{path} is damaged: {trouble}")


class translated:  # noqa: N801  reads like a function, and is no generator because every read goes through it
    """Raise SQLite's and the system's errors as ours, each with the way out."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise translate(error, self._path) from error
        if isinstance(error, UnicodeDecodeError):  # `sqlite3` tells of a schema that is no text so
            raise StoreCorrupt(_damaged(self._path, error)) from error
        if isinstance(error, OSError):
            if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
                way_out = ownership.way_out(self._path)
                raise StoreReadOnly(f"{self._path} cannot be written: {error.strerror}{way_out}") from error
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFull(_FULL) from error


_FULL: Final = "The disk is full. Nothing new is started; make room and Skep goes on by itself."


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Our error for one of SQLite's, by its result code (sqlite.org/rescode.html)."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StoreFull(_FULL)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(f"{path} is locked by another program")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreCorrupt(_damaged(path, error))
    if is_undecoded(error):
        return StoreCorrupt(_damaged(path, error))
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreReadOnly(f"{path} cannot be opened or written: {error}{ownership.way_out(path)}")
    return StoreError(f"{path}: {error}")


def is_undecoded(error: sqlite3.Error) -> bool:
    """Whether a value of a row is text that is not UTF-8; `sqlite3` has no code for it, only words."""
    return "Could not decode to UTF-8" in str(error)


def _damaged(path: Path, error: Exception) -> str:
    return f"{path} is damaged: {error}. Run `skep doctor` for the way out."
