"""Entries of the queue file that broke the contract and do nothing: which, why, and where they stand now."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from clock import to_rfc3339
from panel.context import Panel
from redaction import clean
from runtime_contract import Limits
from store.queue_file.places import Place
from store.queue_file.report import check, split_reason

#: Entries that are named, the newest first.
MOST_NAMED: Final = 50


def refused_of(here: Panel, places: Callable[[], Mapping[str, Place]]) -> dict[str, Any]:
    """How many entries were refused and are not corrected, and the newest; `places` finds them."""
    rows = here.reader.all("refused_tasks", limit=MOST_NAMED)
    found = places() if rows else {}
    return {
        "count": here.reader.refused_entries(),
        "entries": [_entry(row, found.get(row["id"])) for row in rows],
    }


def unread_of(data: bytes, limits: Limits, known: Collection[str] = ()) -> list[dict[str, Any]]:
    """What a file that nobody has read breaks, as `skep validate` says it; at most so many."""
    if not data:
        return []
    found = check(data, limits, known).problems[:MOST_NAMED]
    return [{"path": clean(each.get("path") or ""), "rule": clean(each["rule"])} for each in found]


def _entry(row: sqlite3.Row, place: Place | None) -> dict[str, Any]:
    reason = row["reason"] or ""
    entry, field, rule = split_reason(reason) or (None, "", reason)
    line, column = place or (None, None)
    return {
        "id": row["id"],
        "path": None if entry is None else clean(f"{entry}{field}"),
        "rule": clean(rule),
        "source": row["source"],
        "at": to_rfc3339(row["finished"] or row["created"]),
        "line": line,
        "column": column,
    }
