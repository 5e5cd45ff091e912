"""The history of one task for a person: newest first, a page at a time, each event with what it says."""

from __future__ import annotations

from typing import Any, Final

from events import EVENT_KINDS
from panel.context import Panel
from panel.words import as_json
from redaction import clean_value
from store.reading import event_of

#: Events of a page of the timeline.
PAGE: Final = 60
_COLUMNS: Final = frozenset({"seq", "ts", "event", "task_id", "status", "worker_id", "attempt"})
#: Fields that say in words what happened, the first there is.
_WORDS: Final = ("reason", "question", "errors", "result_summary", "answer", "comment", "focus")


def story_of(here: Panel, task_id: str, before: int | None = None, count: int = PAGE) -> dict[str, Any]:
    """A page of the history before a place, newest first, and where the next page begins."""
    rows = here.reader.all("events_before", task_id=task_id, before=before or 2**62, limit=count + 1)
    told = [_told(event_of(row)) for row in rows[:count]]
    return {
        "events": told,
        "before": before,
        "next": str(rows[count - 1]["seq"]) if len(rows) > count else None,
    }


def reviews_in(here: Panel, task_id: str) -> list[dict[str, Any]]:
    """What critics said of results of a task, newest first."""
    rows = here.reader.all("reviews_of", task_id=task_id)
    found: list[dict[str, Any]] = clean_value([event_of(row) for row in rows])
    return found


def _told(event: dict[str, Any]) -> dict[str, Any]:
    """An event, with what its kind means and what it says in words."""
    fields = {name: value for name, value in event.items() if name not in _COLUMNS}
    words = next((str(fields[name]) for name in _WORDS if fields.get(name)), "")
    told: dict[str, Any] = clean_value(
        event | {"meaning": EVENT_KINDS.get(event["event"], ""), "words": words}
    )
    return told


def fields_text(event: dict[str, Any]) -> str:
    """The fields of an event as text, without what stands beside them anyway."""
    beside = _COLUMNS | {"meaning", "words"}
    return as_json({name: value for name, value in event.items() if name not in beside})
