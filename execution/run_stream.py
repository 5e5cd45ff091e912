"""The history of a run as server-sent events (html.spec.whatwg.org, section 9.2), until the run has ended.

A stream holds a thread of the server, and so there are few of them; a client that is cut off comes back with
``Last-Event-ID`` and misses nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Final

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


class RunStreams:
    """The streams of one process."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._free = threading.BoundedSemaphore(MOST_STREAMS)
        self._closing = threading.Event()

    def close(self) -> None:
        """Let every stream end."""
        self._closing.set()

    def open(self, run_id: str, after: int) -> flask.Response:
        """What happened to a run after an event, and what happens. Raises `TooManyStreams`."""
        if not self._free.acquire(blocking=False):
            raise TooManyStreams(
                f"{MOST_STREAMS} event streams are open, which is all; come back when one has ended.",
                retry_after_s=5,
            )
        is_gone = flask.request.environ.get("waitress.client_disconnected", lambda: False)
        pieces = flask.stream_with_context(self._follow(run_id, after, is_gone))
        response = flask.Response(pieces, mimetype="text/event-stream")
        response.call_on_close(self._free.release)
        return response

    def _follow(self, run_id: str, after: int, is_gone: object) -> Iterator[str]:
        yield "retry: 2000\n\n"
        until, silent_since, version, seen = time.monotonic() + MOST_S, time.monotonic(), -1, after
        while not self._closing.is_set() and not (callable(is_gone) and is_gone()):
            now = self._reader.data_version()
            if now != version:
                version = now
                # Looked at first: what is told afterwards then has everything up to the end.
                row = self._reader.one("get_run", id=run_id)
                for number, text in self._news(run_id, seen):
                    silent_since, seen = time.monotonic(), number
                    yield text
                if row is None or row["state"] in ENDED:
                    return
            if time.monotonic() - silent_since > BEAT_S:
                silent_since = time.monotonic()
                yield ": beat\n\n"
            if time.monotonic() > until or self._closing.wait(LOOK_EVERY_S):
                return

    def _news(self, run_id: str, after: int) -> Iterator[tuple[int, str]]:
        while True:
            page = self._reader.all("run_events_after", run=run_id, after=after, limit=PAGE)
            for row in page:
                after = row["seq"]
                data = json.dumps(event_of(row), ensure_ascii=True)
                yield after, f"id: {after}\nevent: {row['event']}\ndata: {data}\n\n"
            if len(page) < PAGE:
                return
