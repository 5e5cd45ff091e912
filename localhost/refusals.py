"""Refused requests in the audit: each with its rule, and never so many that they could fill the disk.

Anybody on the machine, and any web page, can be refused as often as they like. So of one rule the first ten
in a minute are written down one by one; the rest are counted, and their number is one more record.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import flask

from clock import Clock, SystemClock
from errors import SkepError

logger = logging.getLogger(__name__)

#: Refusals of one rule that are written one by one in a window.
MOST_IN_A_WINDOW: Final = 10
WINDOW_S: Final = 60.0

Key = tuple[str, str]


class Auditor(Protocol):
    """Where records are kept."""

    def audit(self, event: str, decision: str, *, actor: str, **fields: Any) -> None:
        """Keep a record; durable when it returns."""


@dataclass(slots=True)
class _Window:
    """What was refused by one rule since `began`, monotonic seconds."""

    began: float
    written: int = 0
    #: refusals that were only counted
    counted: int = 0


@dataclass
class Throttle:
    """Decides which refusal is written and which is only counted. Pure: `now` is monotonic seconds."""

    most: int = MOST_IN_A_WINDOW
    window_s: float = WINDOW_S
    _windows: dict[Key, _Window] = field(default_factory=dict)

    def is_written(self, key: Key, now: float) -> bool:
        """Whether this refusal gets a record of its own; otherwise it is counted."""
        window = self._windows.setdefault(key, _Window(now))
        if window.written < self.most:
            window.written += 1
            return True
        window.counted += 1
        return False

    def over(self, now: float) -> dict[Key, int]:
        """Windows that are over, with what was counted in each; they are forgotten."""
        return self._take([key for key, one in self._windows.items() if now - one.began >= self.window_s])

    def all(self) -> dict[Key, int]:
        """The same for every window."""
        return self._take(list(self._windows))

    def next_end(self) -> float | None:
        """When the next window is over in which something was counted; none: there is none."""
        return min((one.began + self.window_s for one in self._windows.values() if one.counted), default=None)

    def _take(self, keys: list[Key]) -> dict[Key, int]:
        return {key: counted for key in keys if (counted := self._windows.pop(key).counted)}


class Refusals:
    """Keeps the refusals of one HTTP face.

    Parameters:
        store: where the records go.
        actor: which face this is.
    """

    def __init__(self, store: Auditor, actor: str, clock: Clock | None = None) -> None:
        self._store = store
        self._actor = actor
        self._clock = clock or SystemClock()
        self._throttle = Throttle()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def note(self, event: str, rule: str, **fields: Any) -> None:
        """Keep a refusal, or count it. A store that fails is told in the log; the refusal stands anyway."""
        now = self._clock.monotonic()
        with self._lock:
            over = self._throttle.over(now)
            is_written = self._throttle.is_written((event, rule), now)
            if not is_written:
                self._wake_at_the_end(now)
        self._write_counts(over)
        if is_written:
            self._write(event, rule, **fields)

    def note_request(self, rule: str, request: flask.Request, **fields: Any) -> None:
        """Keep a refused request."""
        told = {"method": request.method, "path": request.path, "origin": _page_of(request)}
        self.note("request", rule, **told, **fields)

    def close(self) -> None:
        """Write what was only counted."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            left = self._throttle.all()
        self._write_counts(left)

    def _wake_at_the_end(self, now: float) -> None:
        end = self._throttle.next_end()
        if end is not None and (self._timer is None or not self._timer.is_alive()):
            self._timer = threading.Timer(max(0.0, end - now), self._flush)
            self._timer.daemon = True
            self._timer.start()

    def _flush(self) -> None:
        with self._lock:
            over = self._throttle.over(self._clock.monotonic())
            self._timer = None
            self._wake_at_the_end(self._clock.monotonic())
        self._write_counts(over)

    def _write_counts(self, counted: dict[Key, int]) -> None:
        for (event, rule), count in counted.items():
            self._write(event, rule, count=count)

    def _write(self, event: str, rule: str, **fields: Any) -> None:
        try:
            self._store.audit(event, "blocked", actor=self._actor, rule=rule, **fields)
        except SkepError as error:
            logger.error("a refusal (%s) could not be put into the audit: %s", rule, error)


def _page_of(request: flask.Request) -> str | None:
    """The site a browser names, without the rest of its address, where secrets may stand."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin
    parts = urlsplit(request.headers.get("Referer", ""))
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else None
