"""Whether the database can be worked with, and what a new one is built on where it cannot.

Damage is not only a file that SQLite refuses. A database that is empty or gone while the home shows that it
had a life, and one that is behind its own log (a lost write-ahead log, an old copy put back), would make
tasks run again that have ended; they are rebuilt too, the last one on top of itself.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from errors import StoreCorrupt, StoreError
from settings import Home
from store import backup, database, sql
from store.chained_log.files import LogFiles
from store.execution_log.chain import disagreement
from store.recovery import old_log
from store.soundness import trouble_with

#: The way out of any damage.
REBUILDS: Final = "Start `skep up`: it rebuilds it from its copies, the log and queue.json, and asks you."
_NO_TEXT: Final = "it holds text that is not UTF-8"


@dataclass(frozen=True, slots=True)
class Base:
    """A sound database that a new one can be built on."""

    path: Path
    #: its last event
    last: int
    #: Unix seconds of its last change; none where it is the home's own database
    made: float | None


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong, as the end of the sentence "the database ...", and what there is to build on."""

    what: str
    base: Base | None


def find_damage(home: Home) -> Damage | None:
    """What is wrong with the home's database, if anything. Raises `StoreError` where it cannot be read."""
    logged = old_log.last_logged(LogFiles(home.log_file))
    if database.stat_of(home.database) is None:
        return Damage("is gone", best_base(home)) if had_a_life(home) else None
    try:
        last = look(home.database)
    except StoreCorrupt as error:
        return Damage(f"is damaged ({error})", best_base(home))
    if last is None:
        return Damage("is empty", best_base(home)) if had_a_life(home) else None
    if last < logged and old_log.agrees_at(LogFiles(home.log_file), _row(home.database, last), last):
        what = f"ends with event {last}, its log with event {logged}"
        return Damage(what, max(Base(home.database, last, None), best_base(home), key=_last))
    return None


def _last(base: Base | None) -> int:
    return -1 if base is None else base.last


def had_a_life(home: Home) -> bool:
    """Whether there was a database here: its log or a copy of it is there."""
    return old_log.last_line(LogFiles(home.log_file)) is not None or any(
        path.exists() for path in backup.generations(home)
    )


def refuse_damaged(home: Home) -> None:
    """For who does not rebuild. Raises `StoreCorrupt` with the way out, `StoreError` if it cannot look."""
    damage = find_damage(home)
    if damage is not None:
        raise StoreCorrupt(f"The database of {home.root} {damage.what}. {REBUILDS}")


def is_foreign(home: Home) -> bool:
    """Whether the log tells of another history than a sound database does."""
    files = LogFiles(home.log_file)
    line = old_log.last_line(files)
    if line is None:
        return False
    row = _row(home.database, line.seq)
    if row is not None:
        return disagreement(line, row) is not None
    last = look(home.database) or 0
    return not old_log.agrees_at(files, _row(home.database, last), last)


def best_base(home: Home) -> Base | None:
    """The copy that is sound and knows most. Raises `StoreUnsupported` for one of a newer Skep."""
    found: list[Base] = []
    for path in backup.generations(home):
        with contextlib.suppress(StoreCorrupt, FileNotFoundError):
            if path.exists() and (last := look(path)) is not None:
                found.append(Base(path, last, path.stat().st_mtime))
    return max(found, key=_last, default=None)


def look(path: Path) -> int | None:
    """The last event of a sound database; none where it is empty.

    Raises `StoreCorrupt` with what is wrong, other `StoreError` where it cannot be read at all.
    """
    try:
        with contextlib.closing(database.open_reader(path)) as connection:
            version = database.check_version(connection, path)
            trouble = trouble_with(connection)
            if trouble is not None:
                raise StoreCorrupt(trouble)
            return None if version == 0 else _count(connection)
    except UnicodeDecodeError as error:  # of the schema: `sqlite3` reads that itself
        raise StoreCorrupt(_NO_TEXT) from error
    except sqlite3.Error as error:
        if _is_damage(error):
            raise StoreCorrupt(str(error)) from error
        raise database.translate(error, path) from error


def _count(connection: sqlite3.Connection) -> int:
    """The last event; reads a row of every table that matters on the way."""
    for query in ("unsettled", "count_by_state", "open_decisions"):
        connection.execute(sql.queries()[query]).fetchone()
    return int(connection.execute(sql.queries()["last_event_seq"]).fetchone()[0])


def _is_damage(error: sqlite3.Error) -> bool:
    """SQLITE_ERROR, the plain one, is what a schema that lacks our tables or cannot be read gives."""
    if database.is_undecoded(error):
        return True
    name = getattr(error, "sqlite_errorname", "") or ""
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or name == "SQLITE_ERROR"


def _row(path: Path, seq: int) -> sqlite3.Row | None:
    try:
        with database.translated(path), contextlib.closing(database.open_reader(path)) as connection:
            row: sqlite3.Row | None = connection.execute(sql.queries()["get_event"], {"seq": seq}).fetchone()
            return row
    except StoreError:
        return None
