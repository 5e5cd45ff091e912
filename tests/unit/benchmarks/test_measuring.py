"""What the benchmarks do with numbers; that they measure the right thing is seen by running them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.measure import Bar, Bench, Beside, Figure, figure, percentile


@pytest.mark.parametrize(
    ("side", "number", "holds"),
    [
        ("at least", 2.0, True),
        ("at least", 1.9, False),
        ("at most", 2.0, True),
        ("at most", 2.1, False),
        ("under", 2.0, False),
        ("under", 1.9, True),
        ("under", math.nan, False),
        ("at least", math.nan, False),
    ],
)
def test_a_bar_is_reached_or_not(side, number, holds):
    assert Bar(2.0, side, "figure").holds(number) is holds


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.99, 10), (0.9, 9), (0.0, 1), (1.0, 10)])
def test_percentile_is_a_value_that_was_seen(share, expected):
    assert percentile([3, 1, 2, 10, 9, 8, 7, 6, 5, 4], share) == expected


def test_percentile_of_nothing_is_no_number():
    assert math.isnan(percentile([], 0.5))


def test_a_figure_is_the_median_of_its_rounds_and_so_are_those_beside_it():
    found = figure("drain", "tasks/s", [10, 30, 20], beside={"huey": [100, 1, 50], "absent": []})
    assert (found.value, found.beside, found.ratio) == (20, [Beside("huey", 50)], 0.4)


def test_the_ratio_is_to_what_stands_first():
    found = Figure("drain", 10, "tasks/s", [Beside("huey", 20), Beside("bare", 100)])
    assert found.ratio == 0.5


@pytest.mark.parametrize(
    ("bar", "beside", "is_met"),
    [
        (None, [], None),
        (Bar(0.1, "at least", "ratio"), [], None),
        (Bar(0.1, "at least", "ratio"), [Beside("huey", 50)], True),
        (Bar(0.3, "at least", "ratio"), [Beside("huey", 50)], False),
        (Bar(5, "under", "figure"), [], False),
        (Bar(11, "under", "figure"), [], True),
    ],
)
def test_a_figure_meets_its_bar(bar, beside, is_met):
    assert Figure("drain", 10, "tasks/s", beside, bar).is_met is is_met


def test_measurements_take_turns(tmp_path: Path, capsys):
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    bench = Bench(tmp_path, is_quick=True, rounds=2)
    results = bench.alternate({"ours": lambda: measure("ours"), "peer": lambda: measure("peer")})
    assert order == ["ours", "peer", "ours", "peer"]
    assert results == {"ours": [1, 3], "peer": [2, 4]}
    assert "round 2 of 2: peer" in capsys.readouterr().out


def test_a_place_is_free(tmp_path: Path):
    bench = Bench(tmp_path, is_quick=False, rounds=1)
    (tmp_path / "home-0").mkdir()
    assert bench.place("home") == tmp_path / "home-1"
    assert bench.size(100, 5) == 100
