"""Whether a database can be worked with: its pages and indices, its columns, and every text it holds.

SQLite's own check looks at how pages and rows are built, not at the letters in them. But one text that cannot
be read holds up whatever reads all of its table: intake, the export of the log, ``skep show``. Which tables
and columns there are is asked of the database itself, which may be of an older Skep.
"""

from __future__ import annotations

import collections
import contextlib
import sqlite3
from typing import Final

from store import sql

#: What is written as JSON, by table, and as which type of it (sqlite.org/json1.html, `json_type`).
_JSON: Final = {
    "attempt": {"outcome": "object", "findings": "array"},
    "audit": {"data": "object"},
    "decision": {"payload": "object", "options": "array"},
    "event": {"data": "object"},
    "plan": {"intent": "object", "features": "array"},
    "price": {"price": "array"},
    "review_check": {"outcome": "object"},
    "run": {"request": "object"},
    "run_summary": {"outcome": "object"},
    "run_task": {"doc": "object"},
    "spend": {"accounts": "array"},
    "task": {"doc": "object", "feedback": "array", "result": "object"},
    "task_version": {"doc": "object"},
}

Columns = dict[str, set[str]]


def trouble_with(connection: sqlite3.Connection) -> str | None:
    """What is wrong, in a few words; reads everything there is.

    The whole check is needed, not the quick one: an index that has lost an entry has a task run again that
    has ended, or never claimed. Raises what `sqlite3` raises for what it cannot read, and for text that is
    not UTF-8 (`database.is_undecoded`).
    """
    cursor = connection.cursor()
    cursor.row_factory = None
    found = str(cursor.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return found if found != "ok" else _trouble_with_columns(cursor) or _trouble_with_letters(cursor)


def _trouble_with_columns(cursor: sqlite3.Cursor) -> str | None:
    version = cursor.execute("PRAGMA user_version").fetchone()[0]
    if version > sql.migrations()[-1][0]:
        return None  # of a newer Skep: whoever opens it says so
    there = _columns(cursor)
    for table, columns in _columns_of_version(version).items():
        if missing := columns - there.get(table, set()):
            return f"its table {table} lacks {', '.join(sorted(missing))}"
    return None


def _columns_of_version(version: int) -> Columns:
    """The columns that the steps to a version make."""
    with contextlib.closing(sqlite3.connect(":memory:")) as made:
        made.executescript("\n".join(script for number, script in sql.migrations() if number <= version))
        return _columns(made.cursor())


def _columns(cursor: sqlite3.Cursor) -> Columns:
    query = """SELECT whole.name, part.name FROM sqlite_schema AS whole, pragma_table_info(whole.name) AS part
               WHERE whole.type = 'table'"""
    found: Columns = collections.defaultdict(set)
    for table, column in cursor.execute(query):
        found[table].add(column)
    return found


def _trouble_with_letters(cursor: sqlite3.Cursor) -> str | None:
    tables = _columns(cursor)
    return next((told for name in tables if (told := _letters_of(cursor, name, tables[name]))), None)


def _letters_of(cursor: sqlite3.Cursor, table: str, columns: set[str]) -> str | None:
    kinds = {name: kind for name, kind in _JSON.get(table, {}).items() if name in columns}
    broken = [
        f"CASE WHEN json_valid({name}) THEN json_type({name}) <> '{kind}' ELSE {name} IS NOT NULL END"
        for name, kind in kinds.items()
    ]
    if broken:
        query = f'SELECT 1 FROM "{table}" WHERE {" OR ".join(broken)} LIMIT 1'  # noqa: S608  names of ours
        if cursor.execute(query).fetchone() is not None:
            return f"what its table {table} holds is no JSON any more"
    collections.deque(cursor.execute(f'SELECT * FROM "{table}"'), maxlen=0)  # noqa: S608  as the schema has it
    return None
