"""Follows the history and the audit of a home, and turns what is new into spans and figures.

It reads by connections that cannot write, a stretch at a time, in a thread of the panel's process, so that no
task waits for it and the store gains no write. How far it has come stands in ``.swarm/traces/state.json``.
One that dies between writing spans and noting that tells some of them again, under the same ids. What
happened before it first ran is not told. One process at a time follows a home.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import filelock

from errors import SkepError
from settings import Home, Settings
from store.reading import Reader
from store.transaction import dump
from telemetry.endpoint import endpoint_of
from telemetry.figures import RUN_TASK_ENDS, Figures
from telemetry.projection import ATTEMPT_ENDS, RUN_ENDS, TASK_ENDS, Projection
from telemetry.sender import Sender
from telemetry.span import Span
from telemetry.span_file import SpanFile
from telemetry.trace_ids import TraceIds

logger = logging.getLogger(__name__)

#: Seconds between looks, rows of a stretch, and seconds that are left to others after one.
LOOK_S: Final = 1.0
STRETCH: Final = 500
YIELD_S: Final = 0.02
#: Seconds between tries to be the one that follows.
TAKE_OVER_S: Final = 2.0
KINDS: Final = dump(sorted({*TASK_ENDS, *RUN_ENDS, *ATTEMPT_ENDS, *RUN_TASK_ENDS, "budget.settled"}))


class Follower:
    """Follows one home.

    Parameters:
        environ: the standard's variables for traces, see `telemetry.endpoint` and `telemetry.names`.
    """

    def __init__(
        self, home: Home, settings: Settings, reader: Reader, environ: Mapping[str, str], version: str = ""
    ) -> None:
        self._home = home
        self._settings = settings
        self._reader = reader
        self._environ = environ
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._lock = filelock.FileLock(home.traces / "lock", mode=0o600)
        self._file = (
            SpanFile(home.traces, settings.trace_file_bytes, version) if settings.traces == "file" else None
        )
        endpoint = endpoint_of(settings, environ)
        self.sender = None if endpoint is None else Sender(endpoint, version)
        self._projection: Projection | None = None
        self._event = self._audit = 0
        self._seen = -1
        #: why the files cannot be written; none: they can
        self._trouble: str | None = None
        self.figures = Figures()

    def start(self) -> None:
        """Begin, as soon as nobody else follows this home."""
        self._thread.start()

    def close(self) -> None:
        """Tell what has ended until now, and stop."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._home.traces.mkdir(mode=0o700, exist_ok=True)
                with self._lock.acquire(timeout=TAKE_OVER_S, poll_interval=TAKE_OVER_S / 4):
                    self._follow()
            except filelock.Timeout:
                continue
            except (SkepError, OSError) as error:
                logger.warning("traces are not told: %s; trying again", error)
                self._stop.wait(TAKE_OVER_S)

    def _follow(self) -> None:
        self.take_up()
        if self.sender is not None:
            self.sender.start()
        try:
            while not self._stop.wait(LOOK_S):
                self.follow_up()
            self.follow_up()
        finally:
            if self.sender is not None:
                self.sender.close()

    # -- one after another ---------------------------------------------------------------------------------

    def take_up(self) -> None:
        """Go on where the last one stopped, or begin with what comes from now on. Raises `StoreError`."""
        ids = TraceIds.of_home(self._reader)
        self._projection = Projection(self._reader, self._settings, ids, self._environ)
        events, records = self._ends()
        kept = self._read_state()
        try:
            self._event, self._audit = int(kept["event"]), int(kept["audit"])
            self.figures = Figures.of_json(kept["figures"])
            self._projection.open.update(kept["open"])
        except (KeyError, TypeError, ValueError):
            self._event, self._audit = events, records
        if self._event > events or self._audit > records:  # another database stands in its place
            self._event, self._audit = events, records
        self._note()

    def follow_up(self) -> None:
        """Read everything that is new, a stretch at a time. Raises `StoreError`."""
        version = self._reader.data_version()
        if version == self._seen:
            return
        events, records = self._ends()  # the records of these events are there, so they are read first
        while self._audit < records:
            self._read_audit(min(self._audit + STRETCH, records))
        while self._event < events:
            self._read_events(min(self._event + STRETCH, events))
        self._seen = version
        self._note()

    def _ends(self) -> tuple[int, int]:
        last = [self._reader.one(name) for name in ("last_event_seq", "last_audit_seq")]
        events, records = (0 if row is None else int(row["seq"]) for row in last)
        return events, records

    def _read_audit(self, upto: int) -> None:
        spans = []
        for row in self._reader.all("traced_audit", after=self._audit, upto=upto):
            with _left_out(row):
                self.figures.add_call(row)
                spans += self._taken_up.of_audit(row)
        self._audit = upto
        self._tell(spans)

    def _read_events(self, upto: int) -> None:
        spans = []
        for row in self._reader.all("traced_events", after=self._event, upto=upto, kinds=KINDS):
            with _left_out(row):
                ended, attempts = self._taken_up.of_event(row)
                self.figures.add_event(row, attempts)
                spans += ended
        self._event = upto
        self._tell(spans)

    @property
    def _taken_up(self) -> Projection:
        assert self._projection is not None  # noqa: S101  it was taken up
        return self._projection

    def _tell(self, spans: list[Span]) -> None:
        if spans and self._file is not None:
            try:
                self._file.write(spans)
                self._trouble = None
            except OSError as error:
                if self._trouble is None:
                    logger.warning("traces cannot be written: %s", error)
                self._trouble = str(error)
        if spans and self.sender is not None:
            self.sender.put(spans)
        self._stop.wait(YIELD_S)

    # -- how far it has come -------------------------------------------------------------------------------

    def _note(self) -> None:
        told = {
            "event": self._event,
            "audit": self._audit,
            "open": dict(self._taken_up.open),
            "figures": self.figures.as_json(),
            "trouble": self._trouble,
            "otlp": None if self.sender is None else self.sender.state(),
        }
        path = state_file(self._home)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(dump(told))
        fresh.replace(path)

    def _read_state(self) -> dict[str, Any]:
        return read_state(self._home)


@contextmanager
def _left_out(row: sqlite3.Row) -> Iterator[None]:
    """A row that cannot be understood is left out, and does not stand in the way of all that follow."""
    try:
        yield
    except SkepError:
        raise
    except Exception:
        logger.exception("row %d could not be told and is left out", row["seq"])


def state_file(home: Home) -> Path:
    """Where it stands how far a home was followed."""
    return home.traces / "state.json"


def read_state(home: Home) -> dict[str, Any]:
    """What was noted last; nothing where nothing was, or nothing that can be read."""
    try:
        found = json.loads(state_file(home).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
