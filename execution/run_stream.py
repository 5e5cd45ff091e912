"""Server-sent events (html.spec.whatwg.org, section 9.2) of runs: what happens to one, until it has ended.

A stream holds a thread of the server, and so there are few of them; a client that is cut off comes back with
``Last-Event-ID`` and misses nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import flask

from errors import TooManyStreams
from store.reading import Reader, event_of

#: Streams open at once, fewer than the threads that are kept beside those that execute.
MOST_STREAMS: Final = 4
LOOK_EVERY_S: Final = 0.1
#: Seconds of silence after which a comment says that the stream is alive.
BEAT_S: Final = 15.0
#: Seconds after which a stream ends; the client comes back.
MOST_S: Final = 900.0
PAGE: Final = 500
ENDED: Final = frozenset({"completed", "failed", "aborted"})


class Source(Protocol):
    """What a stream tells."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to come."""

    def news(self) -> Iterator[str]:
        """What is new since the last look, as messages."""

    def close(self) -> None:
        """Nobody reads any more."""


class RunStreams:
    """The streams of one process."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MOST_STREAMS)
        self._closing = threading.Event()

    def close(self) -> None:
        """Let every stream end."""
        self._closing.set()

    def open(self, source: Source) -> flask.Response:
        """Answer with what a source tells, as it comes. Raises `TooManyStreams`."""
        if not self._free.acquire(blocking=False):
            raise TooManyStreams(
                f"{MOST_STREAMS} event streams are open, which is all; come back when one has ended.",
                retry_after_s=5,
            )
        is_gone = flask.request.environ.get("waitress.client_disconnected", lambda: False)
        pieces = flask.stream_with_context(self._follow(source, is_gone))
        response = flask.Response(pieces, mimetype="text/event-stream")
        response.call_on_close(source.close)
        response.call_on_close(self._free.release)
        return response

    def _follow(self, source: Source, is_gone: Callable[[], bool]) -> Iterator[str]:
        yield "retry: 2000\n\n"
        until, silent_since = time.monotonic() + MOST_S, time.monotonic()
        while not self._closing.is_set() and not is_gone():
            for text in source.news():
                silent_since = time.monotonic()
                yield text
            if source.is_over:
                return
            if time.monotonic() - silent_since > BEAT_S:
                silent_since = time.monotonic()
                yield ": beat\n\n"
            if time.monotonic() > until or self._closing.wait(LOOK_EVERY_S):
                return


class RunHistory:
    """The history of one run, behind an event.

    Parameters:
        reader: the store.
        run_id: the run.
        after: only events behind this one.
    """

    def __init__(self, reader: Reader, run_id: str, after: int) -> None:
        self._reader = reader
        self._run_id = run_id
        self._after = after
        self._version = -1
        #: whether the run has ended, and all is told
        self.is_over = False

    def news(self) -> Iterator[str]:
        """What happened since the last look, as messages."""
        version = self._reader.data_version()
        if version == self._version:
            return
        self._version = version
        # Looked at first: what is told afterwards then has everything up to the end.
        row = self._reader.one("get_run", id=self._run_id)
        yield from self._pages()
        self.is_over = row is None or row["state"] in ENDED

    def close(self) -> None:
        """Nothing is held."""

    def _pages(self) -> Iterator[str]:
        while True:
            page = self._reader.all("run_events_after", run=self._run_id, after=self._after, limit=PAGE)
            for row in page:
                self._after = row["seq"]
                yield message(row["event"], event_of(row), str(self._after))
            if len(page) < PAGE:
                return


def message(event: str, data: dict[str, Any], place: str | None = None) -> str:
    """One event; `place` is what a client says it has read when it comes back."""
    head = "" if place is None else f"id: {place}\n"
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n"
