"""The queries of the store, by name, read from the files of ``queries/``.

Each stands there under a line ``-- name --`` and a line of purpose, so that SQL is read as SQL and every
statement that touches the truth can be found in one place.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

#: What a transaction gathers and writes at its end (`store.transaction`).
_GATHERED = re.compile(r"\b(FROM|JOIN|INTO|UPDATE)\s+(event|dirty)\b", re.IGNORECASE)
_HEADING = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


@functools.cache
def queries() -> dict[str, str]:
    """Every query by name."""
    found: dict[str, str] = {}
    for text in texts():
        parts = _HEADING.split(text)
        found |= {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return found


def texts() -> list[str]:
    """The files of queries."""
    folder = Path(__file__).with_name("queries")
    return [path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))]


@functools.cache
def looking() -> frozenset[str]:
    """The queries that look at the history or at the marks, by name."""
    return frozenset(name for name, query in queries().items() if _GATHERED.search(query))


@functools.cache
def for_rows(name: str, count: int) -> str:
    """A query that ends in the values of one row, in `count` rows."""
    query = queries()[name].rstrip(";")
    values = query[query.rindex("(") :]
    return query + f", {values}" * (count - 1)


def migrations() -> list[tuple[int, str]]:
    """The numbered steps from an empty file to today's schema, in order."""
    folder = Path(__file__).with_name("migrations")
    return [(int(path.name[:4]), path.read_text("utf-8")) for path in sorted(folder.glob("[0-9]*.sql"))]
