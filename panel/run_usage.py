"""What a run used, and when: counted from attempts and summaries, and kept until something of it has ended.

Counting reads every attempt of a run, which takes a tenth of a second for 10,000 tasks. A run that has ended
is counted once; one that goes on when a task of it has ended. A large one is counted beside the requests, and
what else is counted of it is kept for a while, the longer the dearer it was.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from clock import Clock
from store.reading import Reader

#: Steps that a run's time is told in.
STEPS: Final = 240
#: Tasks over which a run is large, and how long its figures are kept while it goes on: at least so many
#: seconds, and so many times what they took.
LARGE: Final = 5_000
_KEPT_S: Final = 2.0
_KEPT_FACTOR: Final = 20
#: Figures that are kept, those that were asked for last.
_MOST_KEPT: Final = 1_000

Figure = TypeVar("Figure")


@dataclass(frozen=True, slots=True)
class Used:
    """What a run used until now."""

    #: Unix seconds of the beginning, and seconds of a step
    since: float
    step_s: float
    #: of each step in which an attempt ended: its number, attempts, tokens, micro-dollars
    steps: tuple[tuple[int, int, int, int], ...]

    @property
    def tokens(self) -> int:
        """Tokens read and written by all attempts, and for summaries."""
        return sum(each[2] for each in self.steps)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A figure, the state of its run, and until when (Unix seconds) it is shown while that goes on."""

    value: Any
    state: tuple[Any, ...]
    until: float


class RunUsage:
    """What the runs of one home used. Threads may share it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._beside = ThreadPoolExecutor(1, "run-usage")
        self._counting: set[int] = set()

    def close(self) -> None:
        """Count nothing more, and wait for the count under way: its connection is closed next."""
        self._beside.shutdown(cancel_futures=True)

    def of(self, reader: Reader, run: sqlite3.Row) -> Used | None:
        """What a run used; of a large one what was counted last, and none while it is counted first."""
        found = self.known(run)
        if found is not None:
            return found
        if run["tasks"] <= LARGE:
            return self._count(reader, run)
        with self._lock:
            if run["seq"] not in self._counting:
                self._counting.add(run["seq"])
                self._beside.submit(self._count_beside, reader, run)
            last = self._kept.get(("used", run["seq"]))
        return None if last is None else last.value

    def known(self, run: sqlite3.Row) -> Used | None:
        """The same where it need not be counted; none where it must."""
        kept = self._fresh("used", run)
        return None if kept is None else kept.value

    def keep(self, name: str, run: sqlite3.Row, count: Callable[[], Figure]) -> Figure:
        """Another figure of a run: counted each time, but for a large one."""
        if run["tasks"] <= LARGE:
            return count()
        kept = self._fresh(name, run)
        if kept is not None:
            value: Figure = kept.value
            return value
        return self._note(name, run, count)

    def _fresh(self, name: str, run: sqlite3.Row) -> _Kept | None:
        with self._lock:
            kept = self._kept.get((name, run["seq"]))
        if kept is None:
            return None
        is_as_it_was = kept.state == _state(run)
        if run["finished"] is not None or run["tasks"] <= LARGE:
            return kept if is_as_it_was else None
        return kept if self._clock.now() < kept.until else None

    def _note(self, name: str, run: sqlite3.Row, count: Callable[[], Figure]) -> Figure:
        began = time.perf_counter()
        value = count()
        keep_s = max(_KEPT_S, _KEPT_FACTOR * (time.perf_counter() - began))
        with self._lock:
            self._kept[name, run["seq"]] = _Kept(value, _state(run), self._clock.now() + keep_s)
            self._kept.move_to_end((name, run["seq"]))
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return value

    def _count(self, reader: Reader, run: sqlite3.Row) -> Used:
        return self._note("used", run, lambda: _used(reader, run, self._clock.now()))

    def _count_beside(self, reader: Reader, run: sqlite3.Row) -> None:
        try:
            self._count(reader, run)
        finally:
            with self._lock:
                self._counting.discard(run["seq"])


def _used(reader: Reader, run: sqlite3.Row, now: float) -> Used:
    until = now if run["finished"] is None else run["finished"]
    step_s = max(1.0, math.ceil((until - run["created"]) / STEPS))
    rows = reader.all("run_used_over_time", run=run["seq"], since=run["created"], step=step_s)
    steps = tuple((row["step"], row["attempts"], row["tokens"], row["micros"]) for row in rows)
    return Used(run["created"], step_s, steps)


def _state(run: sqlite3.Row) -> tuple[Any, ...]:
    """What changes whenever a task of a run has ended or came back."""
    return run["state"], run["tasks"], run["open"], run["finished"]
