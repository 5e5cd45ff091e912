from __future__ import annotations

from datetime import datetime

import pytest

from panel.health import Moment, health_of, of_killed
from runtime_contract import Status
from store.kill_file import KillFile
from store.lanes import Gate


def counts(**given):
    return {status.value: 0 for status in Status} | given


TRIPPED = Gate("the circuit breaker tripped: 20 tasks failed (skep resume)", cause="circuit_breaker")
NO_MODEL = Gate(closed_modes={"llm": "no model configured: set SKEP_LLM_API_KEY"})


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ((counts(), Gate(), 0, True), "empty", "Ready: nothing to do yet."),
        ((counts(), Gate(), 0, False), "stopped", "Nothing here yet, and no worker runs."),
        ((counts(approved=3), Gate(), 0, True), "done", "All done: nothing runs, nothing waits."),
        ((counts(approved=3), Gate(), 0, False), "done", "All done: nothing runs, nothing waits."),
        (
            (counts(in_progress=3, pending=12), Gate(), 0, True),
            "working",
            "Working: 3 running, 12 waiting, nothing needs you.",
        ),
        ((counts(pending_review=2), Gate(), 2, True), "asks", "2 tasks need your decision."),
        ((counts(pending_review=1), Gate(), 1, True), "asks", "1 task needs your decision."),
        (
            (counts(pending=1), Gate(), 0, False),
            "stopped",
            "Stopped: no worker runs, 1 task is left to do.",
        ),
        (
            (counts(pending=1), Gate(paused="paused by cli: lunch"), 1, True),
            "paused",
            "Paused by cli: lunch.",
        ),
        (
            (counts(pending=1, failed=20), TRIPPED, 1, False),
            "tripped",
            "The circuit breaker tripped: 20 tasks failed (skep resume).",
        ),
        ((counts(pending=4), NO_MODEL, 0, True), "held", "Waiting: 4 tasks, nothing running."),
        (
            (counts(pending=1), Gate(), 0, True),
            "waiting",
            "Waiting: 1 task for a time, another task or a free slot.",
        ),
    ],
)
def test_one_sentence_says_how_things_stand(given, kind, sentence):
    health = health_of(*given)

    assert (health.kind, health.sentence) == (kind, sentence)


@pytest.mark.parametrize(
    ("questions", "sentence"), [(1, "1 question waits for you."), (1900, "1,900 questions wait for you.")]
)
def test_a_question_about_no_task_is_counted_as_no_task(questions, sentence):
    told = health_of(counts(pending_review=1), Gate(), questions, True, are_of_tasks=False)

    assert told.sentence == sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (counts(in_progress=3, pending=12), "Working: 3 running, 12 waiting, 2 refused entries to correct."),
        (counts(failed=2), "Nothing runs, nothing waits, 2 refused entries to correct."),
    ],
)
def test_all_is_not_well_while_entries_are_refused(given, sentence):
    assert health_of(given, Gate(), 0, True, refused=2).sentence == sentence


NOON = datetime(2030, 1, 31, 14, 2).astimezone().timestamp()


@pytest.mark.parametrize(
    ("killed", "sentence", "detail"),
    [
        (KillFile(), "Stopped: kill switch, by hand.", "Nothing starts, and what ran was stopped."),
        (
            KillFile("it loops.", "cli:ada", NOON),
            "Stopped: kill switch, 14:02, by ada at a terminal.",
            "It loops. Nothing starts",
        ),
        (KillFile("x" * 400, "panel", NOON), "Stopped: kill switch, 14:02, by you.", f"X{'x' * 239} …."),
        (
            KillFile("", "api", NOON - 86_400),
            "Stopped: kill switch, 2030-01-30 14:02, by a program.",
            "Nothing",
        ),
        (KillFile("", "<b>\u202e"), "Stopped: kill switch, by <b>⟨U+202E⟩.", "Nothing"),
    ],
)
def test_the_kill_switch_is_told_with_when_who_and_why(killed, sentence, detail):
    health = of_killed(killed, NOON + 60)

    assert (health.kind, health.sentence) == ("killed", sentence)
    assert health.detail.startswith(detail)


def test_a_pause_is_told_with_when_who_and_why():
    pause = (Moment("panel", NOON, NOON + 60), "lunch")
    gate = Gate("paused by panel: lunch", cause="pause")

    health = health_of(counts(pending=1, in_progress=2), gate, 1, True, None, pause)

    assert (health.kind, health.sentence) == ("paused", "Paused: 14:02, by you.")
    assert health.detail == "Lunch. What runs goes on. 2 running, 1 waiting."


def test_what_holds_everything_back_is_told_with_the_way_out():
    assert "SKEP_LLM_API_KEY" in health_of(counts(pending=4), NO_MODEL, 0, True).detail


def test_a_daemon_that_is_not_whole_is_told_with_its_reason():
    no_swarm = health_of(counts(pending=1), Gate("swarm is not up: port 1 is taken", cause="swarm"), 0, True)
    no_worker = health_of(counts(pending=1), Gate(), 0, False, "worker-1 is not up: a setting is wrong")

    assert (no_swarm.kind, no_swarm.sentence) == ("stopped", "Swarm is not up: port 1 is taken.")
    assert no_worker.detail == "Worker-1 is not up: a setting is wrong."
