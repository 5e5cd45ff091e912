"""The status vocabulary and where a task may go from each."""

from __future__ import annotations

import itertools

import pytest

from errors import TransitionNotAllowed
from runtime_contract import (
    ALLOWED_TRANSITIONS,
    ENDED,
    EVENT_STATUSES,
    KNOWN_EXECUTION_STATUSES,
    STATUS_READINGS,
    Status,
    check_transition,
)
from store.records import STATUS_OF_STATE

SEED = """queued in_progress completed failed pending_review approved requeue needs_qa needs_integration
needs_e2e ready_for_merge subtask_started subtask_completed subtask_failed safety_blocked"""

#: From the design: a task's life.
TABLE = {
    "pending": {"in_progress", "failed", "cancelled"},
    "in_progress": {"pending", "pending_review", "failed", "safety_blocked", "cancelled"},
    "pending_review": {"pending", "approved", "failed", "cancelled"},
    "approved": set(),
    "failed": {"pending"},
    "safety_blocked": {"pending"},
    "cancelled": {"pending"},
}


def test_the_vocabulary_is_the_seeds_fifteen_words():
    assert set(SEED.split()) == KNOWN_EXECUTION_STATUSES
    assert len(KNOWN_EXECUTION_STATUSES) == 15
    assert {"cancelled"} == EVENT_STATUSES - KNOWN_EXECUTION_STATUSES


def test_every_word_of_the_vocabulary_can_be_read_as_a_status():
    assert set(STATUS_READINGS) == KNOWN_EXECUTION_STATUSES | {status.value for status in Status}
    for status in Status:
        assert STATUS_READINGS[status.value] is status


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_a_task_goes_only_where_the_table_allows(before, after):
    if after.value in TABLE[before.value]:
        check_transition(before, after)
    else:
        with pytest.raises(TransitionNotAllowed, match=f"A task cannot go from {before} to {after}"):
            check_transition(before, after)
        with pytest.raises(TransitionNotAllowed, match=f"t-1 cannot go from {before} to {after}"):
            check_transition(before, after, "t-1")


def test_an_ended_task_goes_nowhere_but_back_and_an_approved_one_not_even_there():
    assert {status for status in Status if ALLOWED_TRANSITIONS[status] <= {Status.PENDING}} == ENDED
    assert [status for status in Status if not ALLOWED_TRANSITIONS[status]] == [Status.APPROVED]


def test_every_state_of_the_store_has_a_status_and_every_status_a_state():
    assert set(STATUS_OF_STATE.values()) == set(Status)
