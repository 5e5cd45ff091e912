"""Names of tasks are cut to the width of their boxes so that they can still be told apart."""

from __future__ import annotations

import pytest

from panel.graph_fit import fitted, with_note


def test_what_fits_stays_whole():
    assert fitted("invoice-1", 160, 13) == "invoice-1"


def test_ids_that_differ_at_their_end_are_told_apart():
    names = [f"extract-invoices-b3:invoice-{number}" for number in range(1, 7)]
    cut = [fitted(name, 160, 13) for name in names]

    assert len(set(cut)) == len(names)
    assert all(each.startswith("extract") and each.endswith(f"-{n}") for n, each in enumerate(cut, 1))


@pytest.mark.parametrize("letter", ["W", "m", "\N{CJK UNIFIED IDEOGRAPH-6F22}"])
def test_of_wide_letters_fewer_fit(letter):
    assert len(fitted(letter * 40, 160, 13)) < len(fitted("i" * 40, 160, 13)) - 10


def test_where_nothing_fits_it_is_said_that_something_is_there():
    assert fitted("invoice", 5, 13) == "\N{HORIZONTAL ELLIPSIS}"


@pytest.mark.parametrize("word", ["in review", "pending review", "safety blocked", "ended early"])
def test_how_it_stands_is_whole_and_the_note_beside_it_is_shortened(word):
    told = with_note(word, ("longest way", "longest"), 160, 10.12)

    assert told in {word, f"{word} · longest", f"{word} · longest way"}
    assert with_note("running", (), 160, 10.12) == "running"
    run = with_note(word, ("a-run-with-a-very-long-name-7",), 160, 10.12)
    assert run == word or (run.startswith(f"{word} · a") and run.endswith("7"))
