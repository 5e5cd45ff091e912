"""Ends of tasks over time: how many in each step, and how long they ran. Pure, from rows of the store.

Seconds are only known by the bounds under which ends are counted, so a percentile is read off within its
bound, as Prometheus does it (prometheus.io, histogram_quantile).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime_contract import Status

MINUTE_S: Final = 60


@dataclass(frozen=True)
class Span:
    """How far back a picture goes, and how fine it is."""

    name: str
    label: str
    minutes: int
    step_minutes: int

    @property
    def steps(self) -> int:
        """How many points it has."""
        return self.minutes // self.step_minutes


SPANS: Final = {
    span.name: span
    for span in (
        Span("1h", "1 hour", 60, 1),
        Span("6h", "6 hours", 360, 5),
        Span("24h", "24 hours", 1440, 15),
        Span("7d", "7 days", 10_080, 60),
    )
}

#: What an end counts as: its column, by the state it ended in.
_COLUMN: Final = {
    Status.APPROVED: "approved",
    Status.FAILED: "failed",
    Status.SAFETY_BLOCKED: "failed",
    Status.CANCELLED: "cancelled",
}
COLUMNS: Final = ("approved", "failed", "cancelled")


def first_minute(span: Span, now: float) -> int:
    """The minute in which the first step begins; the last step is the one that goes on now."""
    last = int(now) // MINUTE_S // span.step_minutes
    return (last - span.steps + 1) * span.step_minutes


def series_of(
    span: Span, now: float, rows: Iterable[Mapping[str, Any] | sqlite3.Row], bounds: Sequence[float]
) -> dict[str, Any]:
    """Columns of equal length: when each step begins, ends of each kind in it, median and 95th percentile.

    `rows` are those of ``ends_by_step``. Seconds are none in a step in which nothing ran to an end.
    """
    first = first_minute(span, now) // span.step_minutes
    counts: dict[str, list[int]] = {name: [0] * span.steps for name in COLUMNS}
    ran: list[dict[float, int]] = [defaultdict(int) for _ in range(span.steps)]
    for row in rows:
        place = row["step"] - first
        if not 0 <= place < span.steps:  # written with a clock that was ahead
            continue
        counts[_COLUMN[Status(row["state"])]][place] += row["count"]
        if row["within_s"] > 0 and row["state"] != Status.CANCELLED:
            ran[place][row["within_s"]] += row["count"]
    step_s = span.step_minutes * MINUTE_S
    return {
        "span": span.name,
        "step_s": step_s,
        "at": [(first + place) * step_s for place in range(span.steps)],
        **counts,
        "median_s": [percentile(0.5, each, bounds) for each in ran],
        "p95_s": [percentile(0.95, each, bounds) for each in ran],
    }


def percentile(share: float, counts: Mapping[float, int], bounds: Sequence[float]) -> float | None:
    """The seconds under which that share of the ends lies; none where there are none.

    `counts` is by upper bound. The last bound stands for everything longer: then the one before it is told.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    wanted, seen, lower = share * total, 0, 0.0
    for bound in bounds[:-1]:
        here = counts.get(bound, 0)
        if here and seen + here >= wanted:
            return round(lower + (bound - lower) * (wanted - seen) / here, 3)
        seen += here
        lower = bound
    return lower
