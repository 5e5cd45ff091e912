"""A range of the history as a file: JSON lines (jsonlines.org) or CSV (RFC 4180), written while it is read.

It goes a page of the store at a time, so it costs the same memory whatever its length, and ends at the event
that was the newest when it began. It holds a thread of the panel while it lasts: few run at once.
"""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import flask

from errors import SkepError
from redaction import clean_value
from store.event_pages import EventFilter, bounds, onward
from store.reading import Reader, event_of

FORMATS: Final = {"jsonl": "application/jsonl", "csv": "text/csv"}
MOST_EXPORTS: Final = 2
#: Events that are in memory at once.
EVENTS_AT_ONCE: Final = 200
_COLUMNS: Final = ("seq", "ts", "event", "task_id", "status", "worker_id", "attempt")
#: What makes a spreadsheet take a cell for a formula (owasp.org/www-community/attacks/CSV_Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class TooManyExports(SkepError):
    """Other exports are under way."""

    code = "too_many_exports"
    http_status = 503


class Exports:
    """The exports that are under way."""

    def __init__(self, most: int = MOST_EXPORTS) -> None:
        self._free = threading.BoundedSemaphore(most)

    def open(
        self, reader: Reader, asked: EventFilter, form: str, may_go_on: Callable[[], bool]
    ) -> flask.Response:
        """Answer the request with the range as a file, sent while it is read. Raises `TooManyExports`."""
        if not self._free.acquire(blocking=False):
            raise TooManyExports(
                f"{MOST_EXPORTS} exports are under way, which is all there may be. Come back when one has "
                "ended.",
                retry_after_s=10,
            )
        lines = csv_lines if form == "csv" else json_lines
        is_gone = flask.request.environ.get("waitress.client_disconnected", lambda: False)
        pieces = _while(lines(events(reader, asked)), lambda: may_go_on() and not is_gone())
        response = flask.Response(flask.stream_with_context(pieces), mimetype=FORMATS[form])
        response.headers["Content-Disposition"] = f'attachment; filename="skep-log.{form}"'
        response.call_on_close(self._free.release)
        return response


def events(reader: Reader, asked: EventFilter) -> Iterator[list[dict[str, Any]]]:
    """What fits, oldest first, in pages, without secrets."""
    oldest, newest = bounds(reader, asked)
    after = oldest - 1
    while after < newest:
        page = onward(reader, asked, after, EVENTS_AT_ONCE)
        rows = [row for row in page.rows[::-1] if row["seq"] <= newest]
        after = max(page.last, after + 1)
        yield [clean_value(event_of(row)) for row in rows]


def json_lines(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    """An event a line."""
    for page in pages:
        yield "".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in page)


def csv_lines(pages: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    """The columns that every event has, and the rest as JSON in the last."""
    yield _rows([[*_COLUMNS, "fields"]])
    for page in pages:
        yield _rows([_cells(event) for event in page])


def _cells(event: dict[str, Any]) -> list[Any]:
    rest = {name: value for name, value in event.items() if name not in _COLUMNS}
    return [*(_harmless(event[name]) for name in _COLUMNS), json.dumps(rest, ensure_ascii=False)]


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would calculate gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _rows(rows: list[list[Any]]) -> str:
    kept = io.StringIO()
    csv.writer(kept).writerows(rows)
    return kept.getvalue()


def _while(pieces: Iterator[str], may_go_on: Callable[[], bool]) -> Iterator[bytes]:
    """The pieces, for as long as anybody may and wants to have them."""
    for piece in pieces:
        if not may_go_on():
            return
        # half a surrogate pair becomes its escape, which JSON has too
        yield piece.encode("utf-8", "backslashreplace")
