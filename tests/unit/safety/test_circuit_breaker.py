"""When a home stops by itself, and what does not count."""

from __future__ import annotations

import pytest

from safety.circuit_breaker import WINDOW, Bounds, End, counts, judge, same_words
from settings import Settings

BOUNDS = Bounds(failures=20, same_failures=10)


def failed(number: int = 0, mode: str = "llm", code: str = "rejected", reason: str | None = None) -> End:
    words = "abcdefghijklmnopqrstuvwxyz"
    return End(f"t{number}", mode, True, code, words[number % 26] * 3 if reason is None else reason)


def went_well(mode: str = "llm") -> End:
    return End("good", mode, False)


def test_the_twentieth_failure_in_a_row_trips_it_and_says_which_was_the_last():
    ends = [failed(number) for number in range(20)]

    assert judge(ends[:19], 0, BOUNDS) is None
    trip = judge(ends, 0, BOUNDS)
    assert trip is not None
    assert (trip.rule, trip.count) == ("failures_in_a_row", 20)
    assert trip.reason == "20 tasks in a row failed, the last of them t19: ttt"


def test_a_success_ends_the_row_whatever_its_mode():
    ends = [failed(number) for number in range(19)]

    assert judge([*ends, went_well("local"), *ends], 0, BOUNDS) is None


def test_the_same_failure_trips_it_though_other_work_goes_well():
    ends = []
    for number in range(10):
        ends += [failed(number, reason=f"401: key 'k{number}' is wrong"), went_well("local")]

    assert judge(ends[:-2], 0, BOUNDS) is None
    trip = judge(ends, 0, BOUNDS)
    assert trip is not None
    assert (trip.rule, trip.count) == ("same_failure", 10)
    assert trip.reason == (
        "the same failure 10 times, and no prompt went well in between: 401: key 'k9' is wrong"
    )


def test_a_success_of_the_same_kind_shows_that_it_is_not_one_cause():
    ends = []
    for number in range(50):
        ends += [failed(number, reason="no answer"), went_well()]

    assert judge(ends, 0, BOUNDS) is None


def test_other_failures_in_between_do_not_hide_the_same_one():
    ends = []
    for number in range(9):
        ends += [failed(number, reason="no answer"), failed(number)]
    assert judge(ends, 0, Bounds(0, 10)) is None

    trip = judge([*ends, failed(reason="no answer")], 0, Bounds(0, 10))
    assert trip is not None
    assert trip.rule == "same_failure"


def test_prompts_and_commands_and_codes_are_told_apart():
    ends = [failed(mode="llm", reason="x")] * 9 + [failed(mode="local", reason="x")] * 9
    ends += [failed(code="timed_out", reason="x")] * 9

    assert judge(ends, 0, Bounds(0, 10)) is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("exit code 1: ls: cannot access 'a': no", "exit code 2: ls: cannot access 'b c': no", True),
        ("Task timeout after 300s", "Task timeout after 5s", True),
        ("cat: a/b/x.txt: No such file", "cat: notes/y.md: No such file", True),
        ("request req_8f3a was refused", "request req_77 was  refused\n", True),
        ("the answer is empty", "The answer is empty", True),
        ("the answer is empty", "the answer is no JSON", False),
        ("model_refused: 401", "not_started: 401", False),
    ],
)
def test_failures_are_the_same_whatever_names_numbers_and_paths_they_have(one, other, is_same):
    assert (same_words(one) == same_words(other)) is is_same


def test_a_reason_of_any_length_and_kind_is_taken_quickly():
    assert len(same_words("'" * 1_000_000)) <= 200
    assert len(same_words("x" * 1_000_000)) <= 200
    assert len(same_words("/" * 1_000_000)) <= 200


def test_spending_over_the_set_amount_trips_it_and_up_to_it_does_not():
    bounds = Bounds(spend_per_minute=1_000_000)

    assert judge([], 1_000_000, bounds) is None
    trip = judge([], 1_230_000, bounds)
    assert trip is not None
    assert (trip.rule, trip.count) == ("spend_per_minute", 1_230_000)
    assert trip.reason == ("$1.23 were spent within a minute, over the $1.00 of breaker_spend_per_minute")


def test_what_is_not_bounded_never_trips_it():
    ends = [failed(reason="x")] * WINDOW

    assert judge(ends, 10**12, Bounds(failures=0, same_failures=0)) is None


def test_what_happened_long_ago_is_past():
    row = [failed(reason="x")] * 9 + [went_well("local")] * WINDOW

    assert judge([*row, failed(reason="x")], 0, BOUNDS) is None


@pytest.mark.parametrize(
    ("code", "is_by_person", "is_counted"),
    [
        ("rejected", False, True),
        ("exit_code", False, True),
        ("worker_lost", False, True),
        (None, False, True),
        ("rejected", True, False),
        ("interrupted", True, False),
        ("dependency_failed", False, False),
        ("dependency_cycle", False, False),
        ("invalid_task", False, False),
    ],
)
def test_what_a_person_decided_and_what_only_follows_does_not_count(code, is_by_person, is_counted):
    assert counts(code, is_by_person) is is_counted


def test_the_bounds_come_from_the_settings():
    assert Bounds.of(Settings()) == Bounds(20, 10, None)
    assert Bounds.of(Settings(breaker_spend_per_minute=0.5)).spend_per_minute == 500_000
