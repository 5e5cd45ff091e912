"""What a run used, and when: counted from its attempts, and kept until something of the run has ended.

Counting reads every attempt of a run, which takes a tenth of a second for 10,000 tasks. A run that has ended
is counted once; one that goes on when a task of it has ended, and a large one no oftener than every few
seconds.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from clock import Clock
from store.reading import Reader

#: Steps that a run's time is told in.
STEPS: Final = 240
#: Tasks over which a run that goes on is counted now and then only, and how long that is, in seconds.
_LARGE: Final = 1_000
_KEPT_S: Final = 5.0
#: Runs of which it is kept, those that were asked for last.
_MOST_KEPT: Final = 500


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
        """Tokens read and written by all attempts."""
        return sum(each[2] for each in self.steps)


class RunUsage:
    """What the runs of one home used. Threads may share it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, tuple[tuple[Any, ...], float, Used]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, reader: Reader, run: sqlite3.Row) -> Used:
        """What a run used."""
        found = self.known(run)
        return self._count(reader, run) if found is None else found

    def known(self, run: sqlite3.Row) -> Used | None:
        """The same where it need not be counted; none where it must."""
        now = self._clock.now()
        with self._lock:
            kept = self._kept.get(run["seq"])
            if kept is None:
                return None
            state, at, used = kept
            is_fresh = state == _state(run)
            if run["finished"] is None and run["tasks"] > _LARGE:
                is_fresh = 0 <= now - at < _KEPT_S
            return used if is_fresh else None

    def _count(self, reader: Reader, run: sqlite3.Row) -> Used:
        now = self._clock.now()
        until = now if run["finished"] is None else run["finished"]
        step_s = max(1.0, math.ceil((until - run["created"]) / STEPS))
        rows = reader.all("run_used_over_time", run=run["seq"], since=run["created"], step=step_s)
        steps = tuple((row["step"], row["attempts"], row["tokens"], row["micros"]) for row in rows)
        used = Used(run["created"], step_s, steps)
        with self._lock:
            self._kept[run["seq"]] = (_state(run), now, used)
            self._kept.move_to_end(run["seq"])
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return used


def _state(run: sqlite3.Row) -> tuple[Any, ...]:
    """What changes whenever a task of a run has ended or came back."""
    return run["state"], run["tasks"], run["open"], run["finished"]
