"""Server-sent events (html.spec.whatwg.org, section 9.2): how many are open at once, and how one is written.

A stream holds a thread of the server for as long as it lasts, so they are counted and end after a while; the
client comes back by itself and says with ``Last-Event-ID`` where it was.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import flask

from errors import SkepError
from localhost import plain_json
from store.reading import Reader
from store.state_counts import MOST_KEPT_S

MEDIA_TYPE: Final = "text/event-stream"
#: Streams open at once. Pages of one browser share one.
MOST_STREAMS: Final = 16
#: Seconds between looks for something new; a look costs some microseconds.
LOOK_EVERY_S: Final = 0.1
#: Looks after which a silent stream says that it is alive: 15 seconds.
BEAT_AFTER_LOOKS: Final = 150
#: Looks after which a stream ends: 15 minutes.
MOST_LOOKS: Final = 9000
#: Seconds after a commit at which everything that is told of it is as it is, its pulse included.
SETTLED_S: Final = MOST_KEPT_S + 0.5
#: What a client waits before it comes back, milliseconds.
RETRY_MS: Final = 2000

#: What is new since the last call, as messages; empty while there is nothing.
Source = Callable[[], list[str]]


class TooManyStreams(SkepError):
    """Too many event streams are open."""

    code = "too_many_streams"
    http_status = 503


class Streams:
    """The streams that are open."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._closing = threading.Event()

    def close(self) -> None:
        """Let every stream end."""
        self._closing.set()

    @property
    def is_closing(self) -> bool:
        """Whether the server is about to go."""
        return self._closing.is_set()

    def open(self, source: Source, may_go_on: Callable[[], bool]) -> flask.Response:
        """Answer the request with what `source` brings, while `may_go_on`. Raises `TooManyStreams`."""
        if not self._free.acquire(blocking=False):
            raise TooManyStreams(
                f"{MOST_STREAMS} event streams are open, which is all there are. Ask for pages instead, "
                "or come back when one has ended.",
                retry_after_s=5,
            )
        is_gone = flask.request.environ.get("waitress.client_disconnected", lambda: False)
        pieces = self._follow(source, lambda: may_go_on() and not is_gone())
        response = flask.Response(flask.stream_with_context(pieces), mimetype=MEDIA_TYPE)
        response.call_on_close(self._free.release)
        return response

    def _follow(self, source: Source, may_go_on: Callable[[], bool]) -> Iterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        silent = 0
        for _ in range(MOST_LOOKS):
            messages = source()
            yield from messages
            silent = 0 if messages else silent + 1
            if silent >= BEAT_AFTER_LOOKS:
                silent = 0
                yield message("beat", {})
            if self._closing.wait(LOOK_EVERY_S) or not may_go_on():
                return


def on_change(reader: Reader, look: Source) -> Source:
    """`look`, but only when anybody has committed since, and once more when that has settled.

    Counts are told that are a moment old while others write (`store.state_counts`), and so the last look of
    many may have come too early. The first time it looks always.
    """
    seen, again_at = -1, math.inf

    def source() -> list[str]:
        nonlocal seen, again_at
        version, now = reader.data_version(), time.monotonic()
        if version == seen and now < again_at:
            return []
        again_at = math.inf if version == seen else now + SETTLED_S
        seen = version
        return look()

    return source


def unlike_last(look: Source) -> Source:
    """What `look` brings, where it is not what it brought last."""
    last: list[str] = []

    def source() -> list[str]:
        nonlocal last
        found = look()
        if found == last:
            return []
        last = found
        return found

    return source


def message(event: str, data: dict[str, Any], number: int | None = None) -> str:
    """One message; `number` is what the client will say it has seen last."""
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {event}\ndata: {plain_json.dumps(data, ensure_ascii=True)}\n\n"
