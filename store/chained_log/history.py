"""A table as its copy needs it: in order, in short pages, over a connection that cannot write."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from store import database, sql
from store.chained_log.book import Book

#: rows read at once; short, so that a reader never keeps the write-ahead log from being copied back
PAGE: Final = 1000


class History:
    """Reads the rows of a book. One thread at a time."""

    def __init__(self, open_reader: Callable[[], sqlite3.Connection], book: Book) -> None:
        self._book = book
        self._open_reader = open_reader
        self._connection: sqlite3.Connection | None = None
        self._path = Path()
        self._page: list[sqlite3.Row] = []

    def after(self, seq: int) -> list[sqlite3.Row]:
        """The rows after a place, at most a page of them."""
        return self._run(self._book.rows_after, after=seq, limit=PAGE)

    def row(self, seq: int) -> sqlite3.Row | None:
        """One row; quick when asked for in order."""
        at = seq - self._page[0]["seq"] if self._page else -1
        if not (0 <= at < len(self._page) and self._page[at]["seq"] == seq):
            self._page, at = self.after(seq - 1), 0
        found = self._page[at] if self._page else None
        return found if found is not None and found["seq"] == seq else None

    def exported(self) -> int:
        """The copy holds every row up to this one, on disk for certain."""
        return self._number(self._book.exported_seq) or 0

    def exported_from(self) -> int | None:
        """The first row of the file that is being written, as it was noted."""
        return self._number(self._book.exported_from)

    def _number(self, key: str) -> int | None:
        rows = self._run("get_meta", key=key)
        return int(rows[0]["value"]) if rows else None

    def close(self) -> None:
        """Let the connection go; it is opened again when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, query: str, **values: Any) -> list[sqlite3.Row]:
        if self._connection is None:
            self._connection = self._open_reader()
            with contextlib.suppress(sqlite3.OperationalError):  # a path that is no text is not told
                self._path = Path(self._connection.execute("PRAGMA database_list").fetchone()["file"])
        with database.translated(self._path):
            return self._connection.execute(sql.queries()[query], values).fetchall()
