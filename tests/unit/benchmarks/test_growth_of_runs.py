"""How runs grow: a figure with its smaller sizes beside it, a table and a plot of them."""

from __future__ import annotations

import pytest

from benchmarks import merging, report, row_durable_runs, row_http_runs, row_runs
from benchmarks.curves import Curve, sized_figure
from benchmarks.measure import Bar

MACHINE = {"CPU": "a slow one"}
CHAIN = sized_figure(
    "chain: {size} tasks through the orchestrator in memory",
    {100: [17_000.0], 1_000: [18_000.0], 10_000: [16_000.0, 15_000.0, 17_000.0]},
    bar=Bar(10_000, "at least", "figure"),
)
SLOWER = sized_figure(
    "chain: {size} tasks through the orchestrator in memory", {100: [9_000.0], 1_000: [9_100.0]}
)
DURABLE = sized_figure(
    "one after the other: {size} tasks in a run of the daemon", {100: [90.0], 1_000: [95.0]}
)


def test_a_figure_has_its_smaller_sizes_beside_it_the_next_first():
    assert (CHAIN.value, CHAIN.runs) == (16_000.0, [16_000.0, 15_000.0, 17_000.0])
    assert [(each.name, each.value) for each in CHAIN.beside] == [
        ("1,000 tasks", 18_000.0),
        ("100 tasks", 17_000.0),
    ]


def test_its_curve_is_read_back_from_it():
    curve = Curve.of_figures("chain", "chain: {size} tasks through the orchestrator in memory", [CHAIN])
    assert curve.rates == {100: 17_000.0, 1_000: 18_000.0, 10_000: 16_000.0}
    assert Curve.of_figures("chain", "another: {size} tasks", [CHAIN]).rates == {}


def test_the_page_has_the_table_with_what_was_measured_elsewhere_beneath():
    page = report.write({"runs": [CHAIN]}, MACHINE, rounds=3, has_plot=True)
    assert "| chain | 17,000 | 18,000 | 16,000 |" in page
    assert "on another machine | 40,000 to 81,000 | 10,000 to 16,000 | 1,000 to 1,200 |" in page
    assert f"({row_runs.growth([CHAIN]).plot})" in page
    assert "How runs of the daemon grow" not in page


def test_one_row_anew_takes_the_place_of_its_own_table_alone():
    page = report.write({"runs": [CHAIN], "durable-runs": [DURABLE]}, MACHINE, rounds=3)
    again = merging.merge(page, {"runs": [SLOWER]}, "today")
    assert "| chain | 9,000 | 9,100 |  |" in again
    assert "18,000 | 16,000 |" not in again
    assert "| one after the other | 90 | 95 |  |" in again
    assert again.count("## How runs in memory grow") == 1
    assert [line for line in again.split("\n") if line.startswith("## ")] == [
        line for line in page.split("\n") if line.startswith("## ")
    ]


def test_a_page_that_had_no_such_table_gets_one_before_the_notes():
    page = report.write({"durable-runs": [DURABLE]}, MACHINE, rounds=3)
    again = merging.merge(page, {"runs": [CHAIN]}, "today", has_plots=True)
    headings = [line for line in again.split("\n") if line.startswith("## ")]
    assert headings.index("## How runs in memory grow") == headings.index("## Row by row") - 1


def test_a_line_is_drawn_only_between_points_that_were_measured():
    assert row_durable_runs.growth([DURABLE]).is_measured
    assert not row_durable_runs.growth([CHAIN]).is_measured


def test_a_chain_is_timed_by_tenths():
    moments = [0.1 * at for at in range(50)] + [5.0 + 0.2 * at for at in range(50)]
    assert row_http_runs.tenths(moments) == pytest.approx([10.0] * 5 + [5.0] * 5)
