"""`skep workers` and `skep pace`."""

from __future__ import annotations

import pytest

from store.capacity import CAPACITY


def test_what_the_settings_say_is_told_until_a_person_says_otherwise(run, ask, store):
    assert run("workers").stdout == "1 worker, as the setting workers says.\n"
    assert run("pace").stdout == "Each worker runs 8 tasks at once, as the setting concurrency says.\n"

    assert run("workers", "4").stdout == "4 workers.\n"
    assert run("pace", "1").stdout == "Each worker runs 1 task at once.\n"
    assert ask("pace") == {"workers": 4, "pace": 1, "set": {"workers": True, "pace": True}}


def test_what_was_set_is_taken_back_by_a_word(run, store):
    run("workers", "4")
    run("pace", "2")

    assert run("workers", "default").stdout == "1 worker, as the setting workers says.\n"
    assert store.reader.fact(CAPACITY)["pace"] == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("workers", "17"), "workers must be a whole number from 1 to 16, not 17"),
        (("pace", "0"), "pace must be a whole number from 1 to 512, not 0"),
        (("pace", "many"), "'many' is neither a whole number nor 'default'"),
    ],
)
def test_a_number_beyond_its_bounds_is_refused_with_the_rule(run, store, given, said):
    assert said in run(*given, code=2).stderr
    assert store.reader.fact(CAPACITY) is None
