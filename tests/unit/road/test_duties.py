"""When a leader's duties are due: never later than they ask for, and together where that can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from road.leadership import BEAT_S, Duty, together

MOMENTS = st.floats(0, 10**7)


@given(MOMENTS, st.floats(0.0001, 100))
def test_nothing_is_due_later_than_it_asks_for_and_everything_after_now(now, wait):
    due = together(now, wait)
    assert now < due <= now + wait
    assert due > now + wait - BEAT_S - 1e-6


@given(st.integers(0, 10**7), st.floats(0, 0.24), st.floats(0, 0.24), st.sampled_from([0.25, 0.5, 1.0, 5.0]))
def test_what_is_done_within_one_beat_is_due_at_one_moment(beat, one, other, wait):
    began = beat * BEAT_S
    assert together(began + one, wait) == together(began + other, wait) == began + wait


def test_a_duty_that_names_a_sooner_moment_is_done_then():
    duty = Duty("x", 10.0, lambda: None)
    duty.done(100.0, 0.05)
    assert duty.due == 100.05
    duty.done(100.1, None)
    assert duty.due == 110.0
