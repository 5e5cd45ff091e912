"""Many tasks steered together from the panel."""

from __future__ import annotations

import json

import pytest

from panel.bulk_reviews import MOST_SHOWN
from store import recording
from store.records import Question
from store.steering_many import TOGETHER
from tests.integration.panel_tasks import ADD, BULK, audits, events, ids
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import row_of


def test_each_task_is_steered_for_itself_and_told_of(browser, by, store):
    by.add("a", "b")
    by.approve("done")

    answer = browser.post(
        BULK, {"action": "cancel", "ids": ["a", "done", "nobody", "b"], "reason": "not needed"}
    )

    told = {each["id"]: (each["ok"], each["code"]) for each in answer.json["results"]}
    assert told == {
        "a": (True, None),
        "b": (True, None),
        "done": (False, "transition_not_allowed"),
        "nobody": (False, "not_found"),
    }
    assert (answer.json["done"], answer.json["kept"]) == (2, 2)
    assert answer.json["message"] == "2 tasks cancelled, 2 not."
    assert store.reader.task("a")["reason"] == "not needed"
    (record,) = audits(store)
    assert (record["actor"], json.loads(record["data"])) == ("panel", {"action": "cancel", "count": 4})


def test_a_preview_says_what_would_happen_and_does_nothing(browser, by, store):
    by.start("runs")
    by.add("a", "b")
    by.approve("done", priority=2000)
    before = events(store)

    both: list[dict] = [{"ids": ["runs", "a", "b", "done"]}, {"filter": {}}]
    for meant in both:
        said = browser.post(BULK, {"action": "cancel", "preview": True} | meant).json
        assert said["count"] == 3
        assert said["message"].startswith(
            "Cancel 3 tasks? 2 wait and will not run. 1 is running and will be stopped; what was done so far "
            "is not undone. Tasks that wait for them will fail."
        )
    said = browser.post(BULK, {"action": "cancel", "preview": True, "ids": ["a", "done"]}).json
    assert said["message"].endswith("The other task cannot be cancelled and stays as it is.")
    said = browser.post(BULK, {"action": "retry", "preview": True, "ids": ["a"]}).json
    assert said["message"] == "None of these can be sent back. Nothing would happen."
    assert (events(store), audits(store)) == (before, [])


def test_a_preview_of_cancel_names_the_schedules_that_end_with_it(browser, by, store):
    by.add("nightly", "weekly", every="0 3 * * *", prompt="Write the report of bees.")
    by.add("other", prompt="Count bees.")
    by.add("hourly", every="0 * * * *", prompt="Ping.", tags=["ops"])
    store.run_now("nightly", "panel")

    meant: list[dict] = [
        {"ids": ["nightly", "weekly", "other", "nobody"]},
        {"filter": {"q": "bees"}},
    ]
    for each in meant:
        said = browser.post(BULK, {"action": "cancel", "preview": True} | each).json
        assert said["recurring"] == ["nightly", "weekly"]
        assert (
            "2 schedules end and will not come again: nightly, weekly. 1 occurrence of these has not ended; "
            "it is a task of its own and goes on unless chosen too." in said["message"]
        )
    said = browser.post(BULK, {"action": "cancel", "preview": True, "filter": {"tag": "ops"}}).json
    assert "1 schedule ends and will not come again: hourly. Tasks that wait" in said["message"]
    said = browser.post(BULK, {"action": "cancel", "preview": True, "filter": {}}).json
    assert said["recurring"] == ["nightly", "weekly", "hourly"]
    said = browser.post(BULK, {"action": "priority", "priority": 1, "preview": True, "filter": {}}).json
    assert (said["recurring"], "schedule" in said["message"]) == ([], False)


def test_of_many_schedules_a_preview_names_the_first_and_counts_the_rest(browser, by, store):
    by.add(*[f"s{number}" for number in range(7)], every="0 3 * * *")
    store.cancel("s6", "cli")

    said = browser.post(BULK, {"action": "cancel", "preview": True, "filter": {"status": ["pending"]}}).json

    assert "6 schedules end and will not come again: s0, s1, s2, s3, s4 and 1 more." in said["message"]


def test_everything_that_fits_is_steered_request_by_request(browser, by, store, monkeypatch):
    from panel import bulk

    monkeypatch.setattr(bulk, "MOST", 3)
    by.add(*[f"t{number}" for number in range(8)], tags=["docs"])
    by.add("other")
    asked = {"action": "priority", "priority": 7, "filter": {"tag": "docs"}}
    preview = browser.post(BULK, asked | {"preview": True}).json
    assert (preview["count"], preview["is_exact"]) == (8, True)

    done, body = 0, asked | {"as_of": preview["as_of"]}
    while True:
        said = browser.post(BULK, body).json
        assert len(said["results"]) <= 3
        done += said["done"]
        if said["next"] is None:
            break
        body["after"] = said["next"]

    assert done == 8
    assert ids(browser.get(f"{ADD}?order=priority&limit=8")) == [f"t{number}" for number in range(8)]
    assert store.reader.task("other")["priority"] == 0


def test_what_came_after_the_preview_is_left_alone(browser, by, store, clock):
    by.add("old")
    as_of = browser.post(BULK, {"action": "cancel", "filter": {}, "preview": True}).json["as_of"]
    clock.advance(1)
    by.add("new")

    browser.post(BULK, {"action": "cancel", "filter": {}, "as_of": as_of})

    assert [store.reader.task(name)["state"] for name in ("old", "new")] == ["cancelled", "ready"]


def test_only_reviews_of_results_are_approved_together(browser, by, store):
    by.ask("good", "Send it?", "Dear all.")
    by.ask_leave("leave", ("/bin/curl", "x"))
    by.interrupt("cut")

    said = browser.post(BULK, {"action": "approve", "filter": {}, "preview": True}).json
    assert [each["id"] for each in said["shown"]] == ["good"]
    assert "The other 2 stay as they are. A command, a plan" in said["message"]
    asked = {name: store.reader.one("open_decision_of", id=name)["id"] for name in ("good", "leave", "cut")}
    said = browser.post(BULK, {"action": "approve", "filter": {}, "decisions": asked}).json

    told = {each["id"]: each["ok"] for each in said["results"]}
    assert told == {"good": True, "leave": False, "cut": False}
    assert [store.reader.task(name)["state"] for name in ("good", "leave", "cut")] == [
        "approved",
        "review",
        "review",
    ]


def test_only_the_question_that_was_shown_is_answered(browser, by, store, clock):
    first = by.ask("x", "Send it?", "first", prompt="Write.", max_attempts=3)
    as_of = clock.now()
    clock.advance(1)
    store.reject("x", "cli")
    by.ask("x", "Send it?", "second")

    wrong: list[dict] = [
        {"ids": ["x"], "decisions": {"x": first}},
        {"ids": ["x"], "decisions": {}},
        {"filter": {}, "decisions": {"x": first}},
    ]
    for body in wrong:
        said = browser.post(BULK, {"action": "approve", "as_of": as_of} | body).json
        assert (said["done"], store.reader.task("x")["state"]) == (0, "review"), body

    shown_now = browser.get(f"{ADD}/x").json["decision"]["id"]
    assert (
        browser.post(BULK, {"action": "approve", "ids": ["x"], "decisions": {"x": shown_now}}).json["done"]
        == 1
    )


def test_a_result_that_its_task_no_longer_asks_for_is_not_promised(browser, by, store):
    by.ask("good", "Good?", "Dear all.", prompt="Write.")
    by.review("late", "Dear all.", prompt="Write less.")
    made_for = {"result": "Dear all.", "asked": "the digest of what it asked for then"}
    asked = Question("review", "Good?", ("approve", "reject"), made_for)
    store.write(lambda tx: recording.hold(tx, row_of(tx, "late"), asked))
    by.start("runs", prompt="Count.")
    by.add("waits", prompt="Sum.")
    meant: dict = {"action": "approve", "ids": ["late", "runs", "waits", "good"]}

    said = browser.post(BULK, meant | {"preview": True}).json

    assert (said["count"], [each["id"] for each in said["shown"]]) == (1, ["good"])
    assert said["message"].startswith("Approve 1 task? Its result stands below.")
    assert "The other 3 stay as they are." in said["message"]


def test_the_results_that_would_be_approved_are_shown_bounded_and_no_other_is(browser, by, store):
    by.ask_about("long", b"begins " + b"word " * 10_000 + b"\x1b[8m and ends", prompt="Write.")
    for number in range(MOST_SHOWN + 4):
        by.ask(f"t{number}", f"Is t{number} good?", f"Dear t{number}.", prompt="Write.")
    meant: dict = {"action": "approve", "filter": {"status": ["pending_review"]}}

    said = browser.post(BULK, meant | {"preview": True}).json

    assert (said["count"], len(said["shown"])) == (MOST_SHOWN, MOST_SHOWN)
    assert "Approve 20 tasks? Their results stand below." in said["message"]
    assert "The other 5 stay as they are. Further results come when you" in said["message"]
    first, second = said["shown"][:2]
    assert first["about"].startswith("begins ")
    assert first["about"].endswith("\x1b[8m and ends")
    assert "characters are left out here; all of it: skep log long" in first["about"]
    assert len(first["about"]) < 21_000
    assert (second["id"], second["question"], second["about"]) == ("t0", "Is t0 good?", "Dear t0.")
    asked = browser.get(f"/api/v1/decisions/{second['decision']}").json
    assert (second["digest"], second["about"]) == (asked["digest"], asked["about"])

    shown = {each["id"]: each["decision"] for each in said["shown"]}
    done = browser.post(BULK, meant | {"decisions": shown, "as_of": said["as_of"]}).json
    assert (done["done"], done["kept"]) == (MOST_SHOWN, 5)
    assert store.reader.counts()["pending_review"] == 5


def test_retry_brings_back_what_failed(browser, by, store):
    by.fail("bad", "exit code 1", prompt="x")
    by.refuse("broken", "tasks[0].prompt: is missing", "{}")

    said = browser.post(BULK, {"action": "retry", "filter": {"status": ["failed"]}}).json

    assert [(each["id"], each["ok"]) for each in said["results"]] == [("bad", True), ("broken", False)]
    assert store.reader.task("bad")["state"] == "ready"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "cancel"},
        {"action": "cancel", "ids": ["a"], "filter": {}},
        {"action": "delete", "ids": ["a"]},
        {"action": "priority", "ids": ["a"]},
        {"action": "priority", "ids": ["a"], "priority": 10**9},
        {"action": "priority", "ids": ["a"], "priority": True},
        {"action": "cancel", "ids": ["a"] * 501},
        {"action": "cancel", "ids": [1]},
        {"action": "cancel", "filter": {"status": ["running"]}},
        {"action": "cancel", "filter": {"who": "me"}},
        {"action": "cancel", "filter": {}, "after": "x"},
        {"action": "cancel", "ids": ["a"], "force": True},
        {"action": "approve", "ids": ["a"]},
        {"action": "approve", "filter": {}},
        {"action": "approve", "ids": ["a"], "decisions": None},
        {"action": "approve", "ids": ["a"], "decisions": ["review-1"]},
    ],
)
def test_a_wrong_wish_is_refused_and_steers_nothing(browser, by, store, body):
    by.add("a")
    before = events(store)

    answer = browser.post(BULK, body)

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert events(store) == before


def test_many_are_steered_in_commits_of_a_few(by, store, browser, monkeypatch):
    by.add(*[f"t{number}" for number in range(3 * TOGETHER)])
    sizes, commit = [], store.writer._try_commit

    def count(batch):
        sizes.append(len(batch))
        return commit(batch)

    monkeypatch.setattr(store.writer, "_try_commit", count)
    said = browser.post(BULK, {"action": "cancel", "ids": [f"t{number}" for number in range(3 * TOGETHER)]})

    assert said.json["done"] == 3 * TOGETHER
    assert max(sizes) <= TOGETHER


def test_one_task_gets_another_priority(browser, by, store):
    by.add("a", "b")

    said = browser.post(f"{ADD}/b/priority", {"priority": 3}).json

    assert (said["message"], said["task"]["priority"]) == ("b has priority 3.", 3)
    assert ids(browser.get(f"{ADD}?order=priority")) == ["b", "a"]
    assert json.loads(store.reader.task("b")["doc"])["priority"] == 3
    edited = [event for event in browser.get(f"{ADD}/b").json["events"] if event["event"] == "task.edited"]
    assert [(event["fields"], event["source"]) for event in edited] == [(["priority"], "panel")]
    assert browser.post(f"{ADD}/b/priority", {"priority": 10**9}).status_code == 422
    assert browser.post(f"{ADD}/b/priority", {"priority": "3"}).status_code == 400
    assert browser.post(f"{ADD}/nobody/priority", {"priority": 3}).status_code == 404
    store.cancel("b", "cli")
    assert browser.post(f"{ADD}/b/priority", {"priority": 4}).status_code == 409


@pytest.mark.parametrize("action", ["approve", "retry", "cancel", "priority"])
def test_a_task_that_is_named_several_times_is_meant_once(browser, by, store, action):
    by.ask("r1", "Is it good?", "Dear one.", prompt="Write.")
    by.ask("r2", "Is it good?", "Dear two.", prompt="Write.")
    asked = {"action": action, "priority": 1, "preview": True}

    once, often = (browser.post(BULK, asked | {"ids": ids}).json for ids in (["r1", "r2"], ["r1", "r2"] * 3))

    assert (often["count"], often["message"]) == (once["count"], once["message"])
    assert "-" not in often["message"]


def test_a_result_is_asked_about_without_the_command_lines(browser, by):
    by.ask("r", "Is it good? (skep approve r, or skep reject r --reason '...')", "Dear one.", prompt="Write.")

    said = browser.post(BULK, {"action": "approve", "ids": ["r"], "preview": True}).json

    assert said["shown"][0]["question"] == "Is it good?"
