"""The history as the panel shows it: one shape for the page and for the API."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from events import EVENT_KINDS
from panel.words import one_line
from redaction import clean_value
from store import event_pages
from store.event_pages import EventFilter, EventPage
from store.reading import Reader, event_of

#: Fields of an event that say in words what happened, the most telling first.
_TELLING: Final = ("reason", "question", "answer", "result_summary", "errors", "waiting_for", "focus", "text")
_COLUMNS: Final = ("seq", "ts", "event", "task_id", "status", "worker_id", "attempt")
#: Characters of an event's fields that a row of the page unfolds.
MOST_SHOWN: Final = 4_000
_ROW_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page of the history is asked for: the newest, one before a place or one after it."""

    before: int | None = None
    after: int | None = None


def page_of(reader: Reader, asked: EventFilter, turn: Turn, limit: int) -> EventPage:
    """The page of the history."""
    if turn.after is not None:
        return event_pages.onward(reader, asked, turn.after, limit)
    return event_pages.back(reader, asked, turn.before, limit)


def as_json(page: EventPage) -> dict[str, Any]:
    """A page as the API tells it."""
    return {
        "events": [clean_value(event_of(row)) for row in page.rows],
        "older": str(page.first) if page.has_older else None,
        "newer": str(page.last) if page.has_newer else None,
        "looked_through": {"first": page.first, "last": page.last},
    }


def as_row(row: sqlite3.Row) -> dict[str, Any]:
    """An event as a row of the page."""
    event: dict[str, Any] = clean_value(event_of(row))
    fields = {name: value for name, value in event.items() if name not in _COLUMNS}
    return {name: event[name] for name in _COLUMNS} | {
        "meaning": EVENT_KINDS.get(event["event"], ""),
        "told": _told(event["event"], fields),
        "fields": _shown(fields),
    }


def _told(kind: str, fields: dict[str, Any]) -> str:
    """What happened, in a line: in the event's own words, else what its kind means and its short fields."""
    for name in _TELLING:
        value = fields.get(name)
        if value:
            return one_line(value if isinstance(value, str) else _json(value), _ROW_CHARS)
    short = [f"{name} {_json(value)}" for name, value in fields.items() if not _is_long(value)]
    told = "; ".join([EVENT_KINDS.get(kind, kind), *([", ".join(short)] if short else [])])
    return one_line(told, _ROW_CHARS)


def _is_long(value: Any) -> bool:
    return isinstance(value, dict | list) or value == "" or (isinstance(value, str) and len(value) > 60)


def _shown(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, ensure_ascii=False, indent=1, sort_keys=True) if fields else ""
    cut = len(text) - MOST_SHOWN
    return text if cut <= 0 else f"{text[:MOST_SHOWN]}\n[{cut:,} more characters: the export has them]"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
