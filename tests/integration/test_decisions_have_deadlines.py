"""What follows where nobody answers a decision in time: once, on the safe side, whoever was away."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest

from clock import to_rfc3339
from errors import AlreadyAnswered, InvalidRequest, TransitionNotAllowed
from settings import Settings
from store import budgets, deadlines, decisions, recording, steering
from store.answering import Answer
from store.records import Question
from store.sqlite_store import SqliteStore
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import Furnisher
from tests.unit.panel.furnish_runs import RunFurnisher

HOUR_S = 3600.0


@pytest.fixture  # type: ignore[no-redef]
def store(home, clock):
    with SqliteStore(home, Settings(decision_deadline_s=HOUR_S), clock) as store:
        store.apply_limits()
        yield store


def events(store, kind, **fields):
    rows = store.reader.all("last_events", task_id=None, limit=500)
    told = [(row["task_id"], json.loads(row["data"])) for row in rows if row["event"] == kind]
    return [each for each in told if fields.items() <= each[1].items()]


def audits(home):
    with sqlite3.connect(home.database) as connection:
        return connection.execute(
            "SELECT actor, task_id, data FROM audit WHERE event = 'decision' ORDER BY seq"
        ).fetchall()


def pass_an_hour(store, clock):
    clock.advance(HOUR_S)
    return store.pass_deadlines()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("review", "its result does not count"),
        ("interrupted", "what its interrupted attempt did is not known"),
        ("execution", "its command did not run"),
    ],
)
def test_a_task_that_waits_for_the_word_fails_with_a_sentence_an_event_and_a_record(
    store, home, clock, by, kind, reason
):
    if kind == "review":
        by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    elif kind == "interrupted":
        by.interrupt("t", command="git push", effect="unsafe")
    else:
        by.ask_leave("t", ("/usr/bin/agent", "go"), command="agent go")
    by.add("after", depends_on=["t"])
    (asked,) = store.reader.decisions()
    assert asked["deadline"] == clock.now() + HOUR_S

    clock.advance(HOUR_S - 1)
    assert store.pass_deadlines() == 0
    clock.advance(1)
    assert store.pass_deadlines() == 1

    row = store.reader.task("t")
    assert (row["state"], row["code"]) == ("failed", "decision_expired")
    assert row["reason"].startswith("nobody answered by ")
    assert f": {reason}. `skep retry t` tries again" in row["reason"]
    assert store.reader.task("after")["state"] == "failed"
    ((about, told),) = events(store, "decision.answered")
    assert (about, told["answer"], told["answered_by"]) == ("t", "expired", "deadline")
    ((actor, task_id, data),) = audits(home)
    assert (actor, task_id, json.loads(data)["answer"]) == ("deadline", "t", "expired")
    assert (store.reader.decisions(), store.pass_deadlines()) == ([], 0)


def test_a_late_answer_is_told_that_the_question_is_answered(store, clock, by):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    pass_an_hour(store, clock)

    with pytest.raises(
        AlreadyAnswered, match=r"about task t waited for an answer until .*, and got none"
    ) as late:
        store.answer(Answer(decision, "approve", "me"))
    assert "`skep retry t` tries the task again" in late.value.message
    assert store.reader.task("t")["state"] == "failed"


def test_an_answer_before_the_leader_has_looked_counts(store, clock, by):
    by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    clock.advance(2 * HOUR_S)
    store.approve("t", "me")

    assert store.pass_deadlines() == 0
    assert store.reader.task("t")["state"] == "approved"


def test_a_question_that_holds_something_stays_and_is_overdue_once(store, home, clock, by):
    removal = Question("removal", "Cancel them?", ("accept", "keep"), {"ids": ["a"]})
    by.add("a")
    old = store.write(lambda tx: decisions.ask(tx, removal))
    by.ask("first", "Send it?", "x", prompt="Write.")  # asked later, and answered at once
    store.approve("first", "me")
    assert pass_an_hour(store, clock) == 1
    new = by.ask("t", "Send it?", "Dear all.", prompt="Write.")

    assert [(row["id"], row["rank"]) for row in store.reader.decisions()] == [(old, 0), (new, 1)]
    assert store.reader.task("a")["state"] == "ready"
    assert len(events(store, "decision.overdue", decision=old)) == 1
    assert json.loads(audits(home)[-1][2])["answer"] == "overdue"
    assert store.pass_deadlines() == 0
    assert store.answer(Answer(old, "keep", "me")).startswith("Nothing was cancelled")


def test_a_limit_that_is_used_up_goes_on_holding_its_task(store, clock, by):
    by.add("poor")
    hold = Question("budget", "More?", ("needed", "more", "no"), {"scope": "day", "name": "", "day": ""})
    store.write(lambda tx: decisions.ask(tx, hold, tx.one("get_task", id="poor"), "queued"))

    assert pass_an_hour(store, clock) == 1
    assert store.reader.task("poor")["state"] == "ready"
    assert store.reader.decisions()[0]["rank"] == 0
    assert budgets.balance_of(store.reader, budgets.Account("task", "poor")).spent == 0


def test_a_deadline_passes_once_though_nothing_ran_meanwhile(store, home, clock, by):
    for name in ("a", "b"):
        by.ask(name, "Send it?", "x", prompt="Write.")
    store.close()
    clock.advance(5 * HOUR_S)

    for found in (2, 0):
        with SqliteStore(home, Settings(), clock) as again:
            assert again.pass_deadlines() == found
            assert len(events(again, "task.failed")) == 2


def test_a_question_withdrawn_with_its_task_leaves_nothing_to_pass(store, clock, by):
    by.ask("t", "Send it?", "x", prompt="Write.")
    store.cancel("t", "me")

    assert pass_an_hour(store, clock) == 0


def test_the_end_of_one_task_may_end_another_that_was_asked_about_too(store, clock, by, monkeypatch):
    for name in ("a", "b"):
        by.ask(name, "Send it?", "x", prompt="Write.")
    fail = recording.fail

    def fail_both(tx, row, code, reason, **told):
        fail(tx, row, code, reason, **told)
        if row["id"] == "a":
            steering.cancel(tx, "b", "policy")

    monkeypatch.setattr(recording, "fail", fail_both)

    assert pass_an_hour(store, clock) == 2
    assert [store.reader.task(name)["state"] for name in "ab"] == ["failed", "cancelled"]


def test_without_the_setting_nothing_has_a_deadline_and_what_has_keeps_it(store, home, clock, by):
    by.ask("a", "Send it?", "x", prompt="Write.")
    with SqliteStore(home, Settings(), clock) as later:
        later.apply_limits()
        Furnisher(later).ask("b", "Send it?", "x", prompt="Write.")
        assert [row["deadline"] for row in later.reader.decisions()] == [clock.now() + HOUR_S, None]


def test_a_failure_by_a_deadline_does_not_trip_the_breaker():
    from safety.circuit_breaker import counts

    assert not counts(deadlines.CODE, is_by_person=False)


def test_the_inbox_shows_what_is_overdue_first_and_the_time_that_is_left(store, home, clock, by, browser):
    old = store.write(
        lambda tx: decisions.ask(tx, Question("removal", "Cancel them?", ("accept", "keep"), {"ids": []}))
    )
    pass_an_hour(store, clock)
    new = by.ask("t", "Send it?", "Dear all.", prompt="Write.")

    first, second = browser.get("/api/v1/decisions").json["decisions"]
    assert (first["id"], first["is_overdue"], first["fails_at_deadline"]) == (old, True, False)
    assert (second["id"], second["is_overdue"], second["fails_at_deadline"]) == (new, False, True)
    assert second["deadline"] == to_rfc3339(clock.now() + HOUR_S)
    page = browser.get("/inbox").text
    assert page.index("Overdue") < page.index("Answer by") < page.index("Without an answer its task fails")
    assert "Without an answer its task fails" in browser.get("/tasks/t").text

    one = browser.get("/api/v1/decisions?limit=1").json
    two = browser.get(f"/api/v1/decisions?limit=1&after={one['next']}").json
    assert [each["id"] for page in (one, two) for each in page["decisions"]] == [old, new]

    clock.advance(2 * HOUR_S)
    assert "Its deadline has passed." in browser.get("/inbox").text


def test_a_deadline_stands_in_the_same_words_in_the_inbox_on_the_task_and_on_the_run(
    store, home, clock, browser
):
    work = RunFurnisher(store, home, clock)
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    (claim,) = work.claim()
    work.ask(claim, "An answer.")
    (asked,) = browser.get("/api/v1/decisions").json["decisions"]

    def told(path):
        page = browser.get(path)
        words = re.search(r'<p class="deadline[^>]*>.*?</p>', page.text, re.DOTALL)
        assert words is not None, path
        assert "skep deadline --until 4h r:a" in page.text, path
        return words[0]

    for path in ("/tasks/r:a", "/runs/r"):
        assert told(path) == told("/inbox")
    assert f'hx-post="/api/v1/decisions/{asked["id"]}/deadline"' in told("/runs/r")
    assert "Change the deadline" in told("/tasks/r:a")
    clock.advance(HOUR_S)
    for path in ("/tasks/r:a", "/runs/r"):
        assert "Its deadline has passed." in told(path)
    store.pass_deadlines()
    assert "Change the deadline" not in browser.get("/tasks/r:a").text


def test_one_question_is_given_less_time_than_the_others_and_its_task_fails_by_it(store, home, clock, by):
    by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    by.ask("other", "Send it?", "Dear all.", prompt="Write.")

    said = store.set_deadline("t", "30m", "me")

    (asked,) = [row for row in store.reader.decisions() if row["task_id"] == "t"]
    assert asked["deadline"] == clock.now() + 1800
    assert said.startswith("The question about t waits for its answer until ")
    assert said.endswith("; without one its task fails.")
    ((about, told),) = events(store, "decision.deadline")
    assert (about, told["decision"], told["deadline"]) == ("t", asked["id"], to_rfc3339(clock.now() + 1800))
    with sqlite3.connect(home.database) as connection:
        ((actor, data),) = connection.execute("SELECT actor, data FROM audit WHERE event = 'deadline'")
    assert (actor, json.loads(data)["deadline"]) == ("me", to_rfc3339(clock.now() + 1800))
    clock.advance(1800)
    assert store.pass_deadlines() == 1
    assert (store.reader.task("t")["state"], store.reader.task("other")["state"]) == ("failed", "review")


def test_a_deadline_that_is_lifted_never_passes(store, clock, by):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")

    said = store.set_deadline(decision, "none", "me")
    assert said == "The question about t waits for its answer for ever."

    assert pass_an_hour(store, clock) == 0
    assert store.reader.task("t")["state"] == "review"


def test_what_is_overdue_is_not_so_any_more_with_more_time_and_is_told_again_when_that_is_over(store, clock):
    removal = Question("removal", "Cancel them?", ("accept", "keep"), {"ids": ["a"]})
    decision = store.write(lambda tx: decisions.ask(tx, removal))
    pass_an_hour(store, clock)

    assert store.set_deadline(decision, "1d", "me").endswith("; without one it is overdue.")

    assert [row["rank"] for row in store.reader.decisions()] == [1]
    clock.advance(24 * HOUR_S)
    assert store.pass_deadlines() == 1
    assert len(events(store, "decision.overdue", decision=decision)) == 2


@pytest.mark.parametrize(
    ("until", "rule"),
    [
        ("soon", "is neither a span such as 90m, 4h or 2d"),
        ("0h", "is neither a span"),
        ("1699999999", "is neither a span"),
        ("2001-01-01T00:00", "has passed"),
        ("400d", "is more than a year away"),
        ("9999-01-01T00:00+00:00", "is more than a year away"),
    ],
)
def test_a_deadline_is_a_span_a_time_that_is_to_come_or_none(store, by, until, rule):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    before = store.reader.one("get_decision", id=decision)["deadline"]

    with pytest.raises(InvalidRequest, match=rule):
        store.set_deadline("t", until, "me")

    assert store.reader.one("get_decision", id=decision)["deadline"] == before


def test_the_time_that_a_refusal_offers_is_taken(store, by, clock):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    with pytest.raises(InvalidRequest) as refused:
        store.set_deadline("t", "soon", "me")

    (offered,) = re.findall(r"a time such as (\S+),", refused.value.message)
    store.set_deadline("t", offered, "me")

    assert 0 < store.reader.one("get_decision", id=decision)["deadline"] - clock.now() <= 24 * HOUR_S


def test_what_is_answered_or_asks_nothing_gets_no_deadline(store, by):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    store.approve("t", "me")

    with pytest.raises(AlreadyAnswered, match="was answered 'approve' by me"):
        store.set_deadline(decision, "1h", "me")
    with pytest.raises(TransitionNotAllowed, match="t is approved; it does not wait for a decision"):
        store.set_deadline("t", "1h", "me")


def test_the_api_sets_and_lifts_a_deadline_and_says_what_is_wrong(browser, store, by, clock):
    decision = by.ask("t", "Send it?", "Dear all.", prompt="Write.")
    at = f"/api/v1/decisions/{decision}"

    assert browser.post(f"{at}/deadline", {"deadline": "2h"}).status_code == 200
    assert browser.get(at).json["deadline"] == to_rfc3339(clock.now() + 2 * HOUR_S)
    assert "for ever" in browser.post(f"{at}/deadline", {"deadline": "none"}).json["message"]
    assert browser.get(at).json["deadline"] is None
    for body in ({}, {"deadline": "soon"}, {"at": "2h"}):
        assert browser.post(f"{at}/deadline", body).status_code == 400
    assert browser.post("/api/v1/decisions/no-such/deadline", {"deadline": "2h"}).status_code == 404
