"""Counters of model calls, attempts and tasks of runs, added up while history and audit are read once."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from store.run_ends import run_of

Row = sqlite3.Row | Mapping[str, Any]

#: Seconds of attempts, and shares of what was reserved.
SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
SHARES: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
#: Models and reasons that have a counter of their own; what comes later counts together, so that names which
#: others make up cannot fill the memory of whoever keeps the figures.
MOST_LABELS: Final = 100
OTHER: Final = "other"


@dataclass
class Histogram:
    """How many values were at or under each bound and over the one before; the last: over all."""

    counts: list[int]
    total: float = 0.0

    def add(self, value: float, bounds: tuple[float, ...]) -> None:
        """Count a value."""
        self.counts[next((at for at, most in enumerate(bounds) if value <= most), len(bounds))] += 1
        self.total += value


@dataclass
class Figures:
    """All counters of a home."""

    #: model and direction (input, output) -> tokens, where the server counted
    tokens: dict[tuple[str, str], int] = field(default_factory=dict)
    #: model -> micro-dollars booked
    micros: dict[tuple[str], int] = field(default_factory=dict)
    #: model and how it ended: settled, unsettled or blocked -> model calls
    calls: dict[tuple[str, str], int] = field(default_factory=dict)
    #: rule -> model calls that were not let go
    denials: dict[tuple[str], int] = field(default_factory=dict)
    #: status -> tasks of runs that have ended
    run_tasks: dict[tuple[str], int] = field(default_factory=dict)
    #: model, or ``local`` -> seconds of attempts
    seconds: dict[tuple[str], Histogram] = field(default_factory=dict)
    #: the share of what was reserved for settled calls that they did not cost
    errors: Histogram = field(default_factory=lambda: Histogram([0] * (len(SHARES) + 1)))

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def add_call(self, row: Row) -> None:
        """Count a record of a model call."""
        told: dict[str, Any] = json.loads(row["data"])
        decision, model = row["decision"], self._label(self.calls, str(told.get("model") or ""))
        with self.lock:
            if decision == "blocked":
                _add(self.denials, (self._label(self.denials, str(row["rule"] or "unnamed")),), 1)
            if decision in {"blocked", "settled", "unsettled"}:
                _add(self.calls, (model, decision), 1)
            if decision in {"settled", "unsettled"}:
                _add(self.micros, (model,), row["cost_micros"] or 0)
                _add(self.tokens, (model, "input"), told.get("tokens_read") or 0)
                _add(self.tokens, (model, "output"), told.get("tokens_written") or 0)

    def add_event(self, row: Row, attempts: Iterable[Row]) -> None:
        """Count an event, with the attempts that end by it."""
        with self.lock:
            if row["event"] == "budget.settled":
                self._add_estimate(json.loads(row["data"]))
            elif row["task_id"] and run_of(row["task_id"]) and row["event"] in RUN_TASK_ENDS:
                _add(self.run_tasks, (RUN_TASK_ENDS[row["event"]],), 1)
            for attempt in attempts:
                self._add_attempt(attempt)

    def _add_estimate(self, told: dict[str, Any]) -> None:
        reserved, cost = told.get("reserved_micros"), told.get("cost_micros")
        if reserved and cost is not None and not told.get("unsettled"):
            self.errors.add(max(0.0, (reserved - cost) / reserved), SHARES)

    def _add_attempt(self, attempt: Row) -> None:
        outcome = json.loads(attempt["outcome"]) if attempt["outcome"] else {}
        if outcome.get("model"):
            key = (self._label(self.seconds, str(outcome["model"])),)
            kept = self.seconds.setdefault(key, Histogram([0] * (len(SECONDS) + 1)))
            kept.add(max(0.0, outcome["ended_at"] - outcome["started_at"]), SECONDS)

    def _label(self, kept: dict[Any, Any], name: str) -> str:
        names = {key[0] for key in kept}
        return name if name in names or len(names) < MOST_LABELS else OTHER

    # -- through a restart ---------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """All counters, to be read again by `of_json`."""
        with self.lock:
            plain = {
                name: [[*key, value] for key, value in getattr(self, name).items()] for name in _COUNTERS
            }
            seconds = [[*key, each.counts, each.total] for key, each in self.seconds.items()]
            return plain | {"seconds": seconds, "errors": [self.errors.counts, self.errors.total]}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Figures:
        """The counters that `as_json` told. Raises `ValueError`, `KeyError`, `TypeError` for others."""
        found = cls()
        for name in _COUNTERS:
            getattr(found, name).update({tuple(key): int(value) for *key, value in told[name]})
        for model, counts, total in told["seconds"]:
            found.seconds[(str(model),)] = _histogram(counts, total, SECONDS)
        counts, total = told["errors"]
        found.errors = _histogram(counts, total, SHARES)
        return found


_COUNTERS: Final = ("tokens", "micros", "calls", "denials", "run_tasks")
#: Events by which a task of a run ends, and the status they mean.
RUN_TASK_ENDS: Final = {
    "task.approved": "approved",
    "task.failed": "failed",
    "task.cancelled": "cancelled",
    "task.safety_blocked": "safety_blocked",
}


def _histogram(counts: list[int], total: float, bounds: tuple[float, ...]) -> Histogram:
    if len(counts) != len(bounds) + 1:
        raise ValueError("bounds of other seconds")
    return Histogram([int(each) for each in counts], float(total))


def _add(kept: dict[Any, int], key: tuple[str, ...], value: int) -> None:
    kept[key] = kept.get(key, 0) + value
