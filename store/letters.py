"""Whether every text of a database can be read: as UTF-8, and as JSON where it was written as that.

SQLite's own check looks at how pages and rows are built, not at the letters in them; and one text that cannot
be read holds up whatever reads all of its table: intake, the export of the log, ``skep show``. Which tables
and columns there are is asked of the database itself, which may be of an older Skep.
"""

from __future__ import annotations

import collections
import sqlite3
from typing import Final

#: What is written as JSON, by table.
_JSON: Final = {
    "attempt": {"outcome", "findings"},
    "audit": {"data"},
    "decision": {"payload", "options"},
    "event": {"data"},
    "plan": {"intent", "features"},
    "price": {"price"},
    "review_check": {"outcome"},
    "run": {"request"},
    "run_summary": {"outcome"},
    "run_task": {"doc"},
    "spend": {"accounts"},
    "task": {"doc", "feedback", "result"},
    "task_version": {"doc"},
}


def trouble_with_letters(connection: sqlite3.Connection) -> str | None:
    """Read every row there is; says which table holds JSON that is none.

    Raises what `sqlite3` raises for text that is not UTF-8 (`database.is_undecoded`).
    """
    cursor = connection.cursor()
    cursor.row_factory = None
    tables = cursor.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return next((found for (table,) in tables if (found := _trouble(cursor, table)) is not None), None)


def _trouble(cursor: sqlite3.Cursor, table: str) -> str | None:
    columns = {name for _, name, *_ in cursor.execute(f'PRAGMA table_info("{table}")')}
    broken = [f"NOT json_valid(coalesce({name}, 'null'))" for name in columns & _JSON.get(table, set())]
    if broken:
        query = f'SELECT 1 FROM "{table}" WHERE {" OR ".join(broken)} LIMIT 1'  # noqa: S608  names of ours
        if cursor.execute(query).fetchone() is not None:
            return f"what its table {table} holds is no JSON any more"
    collections.deque(cursor.execute(f'SELECT * FROM "{table}"'), maxlen=0)  # noqa: S608  as read from the schema
    return None
