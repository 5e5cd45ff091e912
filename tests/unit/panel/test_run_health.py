"""How a run stands, in a sentence, and spans of time as people say them."""

from __future__ import annotations

import pytest

from panel.run_bars import span_text
from panel.run_health import health_of

COUNTS = {
    "pending": 2,
    "ready": 1,
    "running": 1,
    "pending_review": 0,
    "asks_you": 0,
    "completed": 4,
    "failed": 0,
    "skipped": 0,
}
NOTHING = dict.fromkeys(COUNTS, 0)


def run(**fields):
    told = {"id": "r", "state": "running", "task_count": 8, "open_tasks": 4, "is_open": False}
    return told | {"cost_micros": 12_000, "error": None, "is_lost": False} | fields


def sentence(given, counts, questions=0, **more):
    found = health_of(given, counts, questions, **{"worker_runs": True} | more)
    return found["kind"], found["sentence"]


def test_what_a_person_must_do_comes_before_what_goes_on():
    assert sentence(run(), COUNTS) == ("working", "Working: 4 of 8 completed.")
    assert sentence(run(), COUNTS, 1) == ("asks", "1 question waits for you, 4 of 8 completed.")
    assert sentence(run(), COUNTS, 2, worker_runs=False)[0] == "stopped"


def test_a_task_whose_answer_is_judged_is_pending_review_and_does_not_run():
    found = health_of(run(), COUNTS | {"pending_review": 2, "asks_you": 1}, 2, worker_runs=True)

    assert found["detail"] == "1 running, 2 pending review, 1 asks you, 3 waiting."


def test_a_run_of_which_nothing_runs_says_what_it_waits_for():
    assert sentence(run(), NOTHING | {"pending": 3}) == ("waiting", "Waiting: 0 of 8 completed.")
    assert sentence(run(is_open=True), NOTHING)[1] == "Open: 0 of 8 completed."


def test_a_run_that_comes_to_an_end_says_why_while_tasks_of_it_run_still():
    failing = health_of(run(), COUNTS, 0, worker_runs=True, stopping="task a: it broke")
    assert (failing["sentence"], "task a: it broke" in failing["detail"]) == (
        "Failing: 4 of 8 completed.",
        True,
    )
    assert sentence(run(state="aborting"), COUNTS)[1] == "Aborting: 4 of 8 completed."


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("completed", None, ("done", "Completed: 4 of 8 completed, 1 task skipped, for $0.012.")),
        ("failed", {"code": "timeout", "message": "it took long"}, ("stopped", "Failed: it took long")),
        ("failed", {"code": "budget_exceeded", "message": ""}, ("stopped", "Failed: budget exceeded")),
        ("aborted", {"code": "cancelled", "message": "aborted by ana"}, ("held", "Aborted: aborted by ana")),
    ],
)
def test_a_run_that_has_ended_says_how_and_for_what_money(state, error, told):
    assert sentence(run(state=state, error=error), COUNTS | {"skipped": 1}) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.25, "0.25 s"),
        (12.4, "12 s"),
        (60, "1 min"),
        (245, "4 min 5 s"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_span_of_time_is_told_in_two_units(seconds, told):
    assert span_text(seconds) == told
