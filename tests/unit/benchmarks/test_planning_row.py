"""The sets of prompts, and the row that judges them."""

from __future__ import annotations

import pytest

from benchmarks import merging
from benchmarks.measure import Bar, Beside, Figure
from benchmarks.row_planning import judge, read_set

PAGE = """# Performance

## Figures

| what | Skep | beside it, same run | ratio | bar | |
|---|---:|---|---:|---|---|
| drain | 500 tasks/s | huey: 4,000 tasks/s | 0.12 | at least 0.1x | met |
| plain | 900 µs |  |  | under 500 µs | **falls short** |

## Where it falls short

* plain: 900 µs where under 500 µs was to be reached.

## Row by row

* **path**: no-op tasks
  * drain: rounds 490, 500 tasks/s
* **planning**: old
  * plain: 900 µs

## Measure it yourself
"""


@pytest.mark.parametrize("name", ["tuned", "held_out"])
def test_a_set_is_sound(name):
    asked = read_set(name)
    assert len(asked) >= 50
    assert len({each.prompt for each in asked}) == len(asked)
    for each in asked:
        assert len(each.after) != 1
        assert all(0 < place <= number for number, needed in enumerate(each.after) for place in needed)


def test_no_prompt_stands_in_both_sets():
    assert not {each.prompt for each in read_set("tuned")} & {each.prompt for each in read_set("held_out")}


def test_plans_are_mostly_right_and_hardly_ever_split_what_should_stay_whole():
    for name, least in (("tuned", 0.9), ("held_out", 0.75)):
        judged = judge(read_set(name))
        assert judged.exact >= least * judged.count, name
        assert judged.split_wrongly <= 1, name


def test_a_row_that_is_measured_by_itself_takes_the_place_of_its_old_self_alone():
    fresh = Figure("plain", 400, "µs", [Beside("nothing", 1)], Bar(500, "under", "figure"), [400.0], "a note")
    page = merging.merge(PAGE, {"planning": [fresh]}, "today")
    assert "| drain | 500 tasks/s | huey: 4,000 tasks/s | 0.12 | at least 0.1x | met |" in page
    assert page.count("| plain |") == 1
    assert "| plain | 400 µs | nothing: 1.00 µs | 400.00 | under 500 µs | met |" in page
    assert "Nowhere: every bar was reached in this run." in page
    assert "* **path**: no-op tasks\n  * drain" in page
    assert page.count("* **planning**") == 1
    assert "  * measured by itself, today\n\n## Measure it yourself" in page
    assert "--merge" in page  # how to measure is told as it is today
    assert merging.merge(page, {"planning": [fresh]}, "today") == page


def test_when_and_where_a_row_was_measured_is_told_in_lines_of_the_page() -> None:
    when = "today, " + "on a machine of which there is much to say, " * 5
    page = merging.merge(PAGE, {"planning": []}, when)

    assert max(len(line) for line in page.split("## Row by row")[1].splitlines()) <= 115


def test_a_figure_that_has_another_name_today_leaves_nothing_of_its_old_one_behind():
    fresh = Figure(
        "plainer", 400, "µs", [Beside("nothing", 1)], Bar(500, "under", "figure"), [400.0], "a note"
    )
    page = merging.merge(PAGE, {"planning": [fresh]}, "today")
    assert "| plain |" not in page
    assert "* plain:" not in page
    assert "| plainer | 400 µs |" in page
    assert "| drain |" in page
