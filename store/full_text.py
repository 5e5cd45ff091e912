"""A full-text index in memory: SQLite's FTS5, with the stems of Porter's algorithm and ranks by BM25.

Nothing here is on a disk, and nothing of it is the store's truth: it is made of texts that are kept
elsewhere, and made again when those change (sqlite.org/fts5.html).
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Final

from errors import StoreUnsupported

#: How words are cut and shortened; a quotation mark inside a quoted word is doubled.
_TOKENS: Final = "porter unicode61 remove_diacritics 2"
_MISSING: Final = (
    "this Python's SQLite cannot search texts (FTS5), so only tools that a prompt names are found; "
    "a Python of python.org or of Debian can"
)
#: Stems that are kept by their word; a request with odd words cannot fill the memory.
MOST_STEMS: Final = 200_000
#: Columns of a text, and what a word in each counts for the rank.
COLUMNS: Final = ("name", "told", "said")
_WEIGHTS: Final = "2.0, 1.0, 1.5"


class FullText:
    """Texts with a number, a name, what is told of them and what is said to ask for them.

    Threads may share it. Raises `StoreUnsupported` where this SQLite has no FTS5.
    """

    def __init__(self, rows: Iterable[tuple[int, str, str, str]]) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        # Whoever still searches keeps it open; the last one to let go closes it.
        self._close = weakref.finalize(self, self._connection.close)
        self._mutex = threading.Lock()
        self._stems: dict[str, str] = {}
        run = self._connection.execute
        try:
            for table, columns in (("text", ", ".join(COLUMNS)), ("word", "written")):
                run(f"CREATE VIRTUAL TABLE {table} USING fts5({columns}, detail=full, tokenize='{_TOKENS}')")
        except sqlite3.OperationalError as error:
            raise StoreUnsupported(f"{_MISSING} ({error})") from error
        run("CREATE VIRTUAL TABLE stem USING fts5vocab(word, 'instance')")
        run("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(text, 'row')")
        self._connection.executemany("INSERT INTO text (rowid, name, told, said) VALUES (?, ?, ?, ?)", rows)
        self._connection.commit()

    def close(self) -> None:
        """Let the memory go."""
        with self._mutex:
            self._close()

    def spread(self) -> dict[str, int]:
        """For every stem, in how many texts it is."""
        with self._mutex:
            return dict(self._connection.execute("SELECT term, doc FROM vocabulary"))

    def stems(self, words: Sequence[str]) -> list[str]:
        """The stem of each word; of one that is no single word to SQLite, the word itself."""
        with self._mutex:
            unknown = sorted({word for word in words if word not in self._stems})
            if unknown:
                self._learn(unknown)
            return [self._stems.get(word, word) for word in words]

    def _learn(self, words: Sequence[str]) -> None:
        if len(self._stems) + len(words) > MOST_STEMS:
            self._stems.clear()
        run = self._connection.execute
        self._connection.executemany("INSERT INTO word (rowid, written) VALUES (?, ?)", enumerate(words, 1))
        found: dict[int, list[str]] = {}
        for number, stem in run("SELECT doc, term FROM stem"):
            found.setdefault(number, []).append(stem)
        run("DELETE FROM word")
        self._connection.commit()
        for number, word in enumerate(words, 1):
            stems = found.get(number, [])
            self._stems[word] = stems[0] if len(stems) == 1 else word

    def find(self, words: Iterable[str], most: int) -> list[tuple[int, float]]:
        """The texts that have any of the words, the best first, each with its rank (more is better)."""
        asked = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
        if not asked:
            return []
        query = (
            f"SELECT rowid, -bm25(text, {_WEIGHTS}) AS rank FROM text WHERE text MATCH ? "  # noqa: S608
            "ORDER BY rank DESC, rowid LIMIT ?"
        )
        with self._mutex:
            return self._connection.execute(query, (asked, most)).fetchall()
