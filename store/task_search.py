"""Tasks by their words: a full-text index beside the store, read up to date by whoever searches.

Nothing of it is the truth, and nobody who adds, claims or ends a task writes it: it is a temporary file of
the process that searches (sqlite.org/inmemorydb.html, "Temporary Databases"), gone with it, and made of what
the store shows a reader. An edited task is entered again with its new words; what was found by the old ones
is told by its version.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import time
import weakref
from typing import Final

from errors import StoreUnsupported
from store.reading import Reader

#: Characters of a task that it can be found by.
MOST_CHARS: Final = 4_000
#: Words of one search.
MOST_WORDS: Final = 12
#: Tasks read at once, and seconds that one search spends on reading before it answers with what there is.
_CHUNK: Final = 1_000
_PATIENCE_S: Final = 0.06
#: Versions that are told apart; the place of a text is the task's, times this, and its version.
_VERSIONS: Final = 2**16
#: KiB of it that are kept in memory.
_CACHE_KIB: Final = 4_096
_WORD: Final = re.compile(r"[^\W_]+")


class TaskSearch:
    """Finds tasks by words. Threads may share it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._mutex = threading.Lock()
        self._index: sqlite3.Connection | None = None
        self._read_to = 0
        self._versions: dict[int, int] = {}

    def catch_up(self) -> tuple[int, int]:
        """Read what is new, for a moment; to which place that came, and to which it will."""
        with self._mutex:
            index = self._open()
            ends = time.monotonic() + _PATIENCE_S
            self._read_edited(index)
            while self._read_some(index) and time.monotonic() < ends:
                pass
            last = self._reader.one("last_seq")
            return self._read_to, max(self._read_to, last["seq"] if last else 0)

    def find(self, words: str, place: int, limit: int, *, newest: bool) -> list[tuple[int, int]]:
        """Tasks with all of the words, from a place on: the place of each and the version that was found."""
        asked = query_of(words)
        if not asked:
            return []
        compared, order = ("<", "DESC") if newest else (">", "ASC")
        bound = min(place * _VERSIONS + (0 if newest else _VERSIONS - 1), 2**63 - 1)
        query = (
            f"SELECT rowid FROM task_words WHERE task_words MATCH ? AND rowid {compared} ? "  # noqa: S608
            f"ORDER BY rowid {order} LIMIT ?"
        )
        with self._mutex:
            rows = self._open().execute(query, (asked, bound, limit)).fetchall()
        return [(row[0] // _VERSIONS, row[0] % _VERSIONS) for row in rows]

    def _open(self) -> sqlite3.Connection:
        if self._index is None:
            index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            try:
                index.execute(
                    "CREATE VIRTUAL TABLE task_words USING fts5(words, content='', columnsize=0, "
                    "tokenize='unicode61 remove_diacritics 2')"
                )
            except sqlite3.OperationalError as error:
                index.close()
                raise StoreUnsupported(
                    f"this Python's SQLite cannot search texts (FTS5): {error}; a Python of python.org or of "
                    "Debian can"
                ) from error
            index.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            weakref.finalize(self, index.close)
            self._index, self._read_to, self._versions = index, 0, {}
        return self._index

    def _read_some(self, index: sqlite3.Connection) -> bool:
        """Read the next tasks; false where there are none."""
        rows = self._reader.all("words_of_new", place=self._read_to, limit=_CHUNK, chars=MOST_CHARS)
        if rows:
            self._enter(index, rows)
            self._read_to = rows[-1]["seq"]
        return len(rows) == _CHUNK

    def _read_edited(self, index: sqlite3.Connection) -> None:
        for row in self._reader.all("edited_tasks"):
            if row["seq"] <= self._read_to and self._versions.get(row["seq"]) != row["version"]:
                self._enter(index, self._reader.all("words_of", seq=row["seq"], chars=MOST_CHARS))

    def _enter(self, index: sqlite3.Connection, rows: list[sqlite3.Row]) -> None:
        with contextlib.closing(index.cursor()) as cursor:
            cursor.execute("BEGIN")
            for row in rows:
                place = row["seq"] * _VERSIONS + row["version"] % _VERSIONS
                words = f"{row['id']} {row['words']}"
                cursor.execute("INSERT INTO task_words (rowid, words) VALUES (?, ?)", (place, words))
                if row["version"] > 1:
                    self._versions[row["seq"]] = row["version"]
            cursor.execute("COMMIT")


def query_of(words: str) -> str:
    """What FTS5 is asked: every word, those of two letters or more by their beginning; empty without any."""
    found = _WORD.findall(words)[:MOST_WORDS]
    return " ".join(f'"{word}"' + ("*" if len(word) > 1 else "") for word in found)
