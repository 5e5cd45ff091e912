"""The page that the benchmarks write."""

from __future__ import annotations

import pytest

from benchmarks import report
from benchmarks.__main__ import main
from benchmarks.measure import Bar, Beside, Figure
from benchmarks.rows import ROWS

MACHINE = {"CPU": "a slow one", "Memory": "1 GiB"}
GOOD = Figure("drain", 500, "tasks/s", [Beside("huey", 4000)], Bar(0.1, "at least", "ratio"), [490, 500, 510])
BAD = Figure("drop", 78.4, "ms", [Beside("huey", 70.0)], Bar(50, "under", "figure"), note="forty drops")
ALONE = Figure("store", 900, "tasks/s", [], Bar(1.0, "at least", "ratio"))


def page(*figures: Figure, **options) -> str:
    return report.write({"path": list(figures)}, MACHINE, rounds=3, **options)


def test_a_row_has_its_figure_what_stood_beside_it_the_ratio_the_bar_and_the_verdict():
    assert "| drain | 500 tasks/s | huey: 4,000 tasks/s | 0.12 | at least 0.1x | met |" in page(GOOD)


def test_what_falls_short_is_said_plainly():
    text = page(GOOD, BAD)
    assert "| under 50 ms | **falls short** |" in text
    assert "* drop: 78.4 ms where under 50 ms was to be reached." in text
    assert "* drain" not in text.partition("## Where it falls short")[2].partition("##")[0]


def test_a_missing_peer_is_no_success():
    text = page(ALONE)
    assert "not compared" in text
    assert "* store: what it is to be compared with was not measured." in text


def test_where_all_is_well_it_says_so():
    assert "Nowhere: every bar was reached in this run." in page(GOOD)


def test_the_page_tells_how_to_reproduce_it_and_the_machine():
    text = page(GOOD)
    assert "make bench" in text
    assert "| CPU | a slow one |" in text
    assert "median of 3 rounds" in text


def test_small_numbers_are_marked():
    assert "small numbers" in page(GOOD, is_quick=True)
    assert "say little" not in page(GOOD)


def test_the_plot_stands_beside_its_table():
    levels = [Figure(f"drain with {level:,} waiting", 400, "tasks/s") for level in (1_000, 100_000)]
    text = page(*levels, has_plot=True)
    assert "(performance.svg)" in text
    assert "| 100,000 | 400 |" in text


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (99.94, "99.9"), (50.0, "50"), (1.5, "1.50"), (0.004, "0.00")]
)
def test_numbers_have_three_digits_that_count(value, text):
    assert report.number(value) == text


def test_the_rows_are_listed(capsys):
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [row.name for row in ROWS]


def test_an_unknown_row_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])
    assert "invalid choice" in capsys.readouterr().err
