"""Ends of tasks over time, read off the counts by bound."""

from __future__ import annotations

from typing import Any

import pytest

from panel.series import SPANS, first_minute, percentile, series_of

BOUNDS = [0.1, 1.0, 10.0, 1e9]
NOW = 1_900_000_000.0


def row(minute: int, state: str, within_s: float, count: int, step: int = 1) -> dict[str, Any]:
    return {"step": minute // step, "state": state, "within_s": within_s, "count": count, "seconds": 0.0}


@pytest.mark.parametrize(
    ("share", "counts", "seconds"),
    [
        (0.5, {}, None),
        (0.5, {0.1: 10}, 0.05),
        (0.95, {0.1: 50, 1.0: 50}, 0.91),
        (1.0, {0.1: 1, 10.0: 1}, 10.0),
        (0.95, {1e9: 3}, 10.0),
    ],
)
def test_a_percentile_lies_within_the_bound_it_falls_under(share, counts, seconds):
    assert percentile(share, counts, BOUNDS) == seconds


@pytest.mark.parametrize("span", SPANS.values(), ids=lambda span: span.name)
def test_every_column_has_a_value_for_every_step_and_the_last_step_is_now(span):
    told = series_of(span, NOW, [], BOUNDS)

    lengths = {len(column) for column in told.values() if isinstance(column, list)}
    assert lengths == {span.steps}
    assert told["at"][0] == first_minute(span, NOW) * 60
    assert told["at"][-1] <= NOW < told["at"][-1] + told["step_s"]
    assert span.steps <= 200


def test_ends_stand_in_their_step_by_what_they_count_as():
    span = SPANS["1h"]
    now = int(NOW) // 60
    rows = [
        row(now, "approved", 0.1, 3),
        row(now, "failed", 1.0, 1),
        row(now, "safety_blocked", 0, 2),
        row(now - 1, "cancelled", 0, 4),
        row(now + 500, "approved", 0.1, 9),  # by a clock that was ahead
    ]

    told = series_of(span, NOW, rows, BOUNDS)

    assert (told["approved"][-1], told["failed"][-1], told["cancelled"][-2]) == (3, 3, 4)
    assert sum(told["approved"]) == 3
    assert told["median_s"][-1] == pytest.approx(0.067, abs=0.001)
    assert told["median_s"][-2] is None
