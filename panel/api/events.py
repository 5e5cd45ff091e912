"""The history: in pages, and as a stream that goes on where a client left off."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import flask

from errors import InvalidRequest
from panel import access, streams
from panel.api import fields
from panel.api.describing import ANY_OBJECT, MAYBE, NEXT, PLACE, get, list_of, page_limit, query, shape
from panel.context import panel
from redaction import clean_value
from store.reading import event_of

blueprint = flask.Blueprint("api_events", __name__, url_prefix="/api/v1/events")

_PAGE: Final = 100
#: Events of one look of a stream; the rest come with the next.
_AT_ONCE: Final = 500

_TASK_ID: Final = query("task_id", "only those of this task")
PATHS: Final[dict[str, Any]] = {
    "/api/v1/events": get(
        "A page of the history, oldest first",
        "EventPage",
        query("after", NEXT, **PLACE),
        page_limit("events of a page", _PAGE),
        _TASK_ID,
    ),
    "/api/v1/events/stream": get(
        "The history as it happens, as server-sent events: `id` is the event's `seq`, `data` the event. "
        "`Last-Event-ID` goes on after an event that was seen; without it the stream begins now",
        "Event",
        query("after", "the last event that was seen, where the header cannot be set", **PLACE),
        _TASK_ID,
        media_type=streams.MEDIA_TYPE,
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Event": ANY_OBJECT | {"description": "an event as in execution_log.jsonl, without `prev` and `hash`"},
    "EventPage": shape(events=list_of(ANY_OBJECT), next=MAYBE),
}


@blueprint.get("")
def list_events() -> dict[str, Any]:
    """A page of the history, oldest first; of one task with ``task_id``."""
    given = flask.request.args
    fields.check_parameters(given, "after", "limit", "task_id")
    count = fields.limit(given, _PAGE)
    rows = _read(given.get("task_id"), fields.place(given, "after") or 0, count + 1)
    told = [clean_value(event_of(row)) for row in rows[:count]]
    return {"events": told, "next": str(rows[count - 1]["seq"]) if len(rows) > count else None}


@blueprint.get("/stream")
def stream() -> flask.Response:
    """Every event from now on, or from the one that was seen last."""
    given = flask.request.args
    fields.check_parameters(given, "after", "task_id")
    task_id, seen = given.get("task_id"), _seen()
    newest = panel().reader.one("last_event_seq")
    last = newest["seq"] if newest else 0
    place = last if seen is None else min(seen, last)
    reader, more = panel().reader, True

    def source() -> list[str]:
        nonlocal place, more
        rows = _read(task_id, place, _AT_ONCE)
        more = len(rows) == _AT_ONCE
        place = rows[-1]["seq"] if rows else place
        return [streams.message(row["event"], clean_value(event_of(row)), row["seq"]) for row in rows]

    on_change = streams.on_change(reader, source)
    return panel().streams.open(lambda: source() if more else on_change(), access.is_still_in)


def _seen() -> int | None:
    """The event that the client saw last: by the header that browsers send, else by ``after``."""
    header = flask.request.headers.get("Last-Event-ID")
    if header is None:
        return fields.place(flask.request.args, "after")
    if not (header.isascii() and header.isdigit() and len(header) <= 18):
        raise InvalidRequest("Last-Event-ID must be the id of an event of this stream, a whole number.")
    return int(header)


def _read(task_id: str | None, after: int, limit: int) -> list[sqlite3.Row]:
    reader = panel().reader
    if task_id is None:
        return reader.all("events_after", after=after, limit=limit)
    return reader.all("events_of", task_id=task_id, after=after, limit=limit)
