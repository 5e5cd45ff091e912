"""What is done from the page of a task: edits, copies, answers."""

from __future__ import annotations

import json

import pytest

from errors import TransitionNotAllowed
from tests.integration.panel_task import SECRET, api, page_of
from tests.integration.test_panel_page import Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


def test_an_edit_of_a_waiting_task_counts_at_once(browser, by, store):
    by.add("waits", prompt="old words")
    doc = {"id": "waits", "prompt": "new words", "priority": 7}

    checked = browser.post("/api/v1/tasks/waits/edit", {"task": doc, "version": 1, "only_check": True})
    assert checked.status_code == 200
    assert json.loads(store.reader.task("waits")["doc"])["prompt"] == "old words"

    answer = browser.post("/api/v1/tasks/waits/edit", {"task": doc, "version": 1})

    assert answer.json["message"] == "waits: changed priority, prompt."
    assert answer.json["version"] == 2
    row = store.reader.task("waits")
    assert (json.loads(row["doc"])["prompt"], row["priority"]) == ("new words", 7)
    assert store.reader.one("last_told_edit", task_id="waits")["event"] == "task.edited"


@pytest.mark.parametrize(
    ("doc", "told"),
    [
        ({"id": "waits", "prompt": ""}, "prompt"),
        ({"id": "waits", "prompt": "x", "priority": "high"}, "priority"),
        ({"id": "waits", "prompt": "x", "max_attempts": 0}, "max_attempts"),
    ],
)
def test_an_edit_that_breaks_the_contract_is_refused_by_its_field(browser, by, store, doc, told):
    by.add("waits", prompt="old words")

    body = {"task": doc, "version": 1}
    checked = browser.post("/api/v1/tasks/waits/edit", body | {"only_check": True})
    refused = browser.post("/api/v1/tasks/waits/edit", body)

    assert checked.json["would_be_taken"] is False
    assert refused.status_code == 422
    assert told in checked.json["message"]
    assert told in refused.json["detail"]
    assert store.reader.task("waits")["version"] == 1


def test_an_edit_of_an_older_version_leaves_what_changed_meanwhile(browser, by, store, home):
    by.add("waits", prompt="old words")
    store.edit("waits", 1, {"id": "waits", "prompt": "words of another"}, "cli")

    body = {"task": {"id": "waits", "prompt": "my words"}, "version": 1}
    answer = browser.post("/api/v1/tasks/waits/edit", body)

    assert "prompt was changed meanwhile and stays" in answer.json["message"]
    assert json.loads(store.reader.task("waits")["doc"])["prompt"] == "words of another"
    assert any("my words" in path.read_text() for path in home.conflicts.iterdir())


def test_a_task_that_has_ended_is_not_edited_but_copied(browser, by, store):
    by.fail("bad", "exit code 2", command="ls srcs")

    answer = browser.post(
        "/api/v1/tasks/bad/edit", {"task": {"id": "bad", "command": "ls src"}, "version": 1}
    )
    assert answer.status_code == 409
    assert "Add an edited copy" in answer.json["detail"]

    again = browser.post("/api/v1/tasks/bad/rerun", {"task": {"id": "bad-2", "command": "ls src"}})
    assert again.json["task"]["id"] == "bad-2"
    row = store.reader.task("bad-2")
    assert (row["state"], row["source"], json.loads(row["doc"])["command"]) == ("ready", "panel", "ls src")
    assert store.reader.task("bad")["state"] == "failed"


def test_a_refused_task_is_corrected_in_its_place(browser, by, store):
    by.refuse("broken", "tasks[0].depends_on[0]: must be string", '{"depends_on": [17], "prompt": "x"}')
    seen = Seen(page_of(browser, "broken"))
    assert '"depends_on": [' in seen.text

    body = {"task": {"id": "broken", "depends_on": [], "prompt": "x"}, "version": 1}
    assert browser.post("/api/v1/tasks/broken/edit", body).status_code == 200
    assert store.reader.task("broken")["state"] == "ready"


def test_the_copy_has_an_id_that_nobody_has(browser, by):
    by.approve("notes", "done")
    by.add("notes-2")

    text = Seen(page_of(browser, "notes")).text

    assert '"id": "notes-3"' in text
    for task_id in ("notes", "notes-2"):
        answer = browser.post("/api/v1/tasks/notes/rerun", {"task": {"id": task_id, "prompt": "x"}})
        assert answer.status_code == 409
        assert "give another id" in answer.json["detail"]


def test_a_secret_that_was_not_shown_is_kept_where_its_mark_stands(browser, by, store):
    by.add("waits", prompt=f"Use the key {SECRET} to log in.")
    shown = Seen(page_of(browser, "waits")).text
    assert SECRET not in shown
    marked = json.loads(shown[shown.index('{\n  "id": "waits"') :].partition("\n}")[0] + "\n}")
    assert "[redacted:" in marked["prompt"]

    body = {"task": marked | {"priority": 3}, "version": 1}
    assert browser.post("/api/v1/tasks/waits/edit", body).json["message"] == "waits: changed priority."
    assert SECRET in json.loads(store.reader.task("waits")["doc"])["prompt"]

    changed = marked | {"prompt": marked["prompt"] + " Twice."}
    answer = browser.post("/api/v1/tasks/waits/edit", {"task": changed, "version": 2})
    assert answer.status_code == 422
    assert "mark in place of a secret" in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"task": []},
        {"task": {}, "version": "1"},
        {"task": {"prompt": "x"}, "version": 0},
        {"task": {"prompt": "x"}, "version": 1, "what": 1},
    ],
)
def test_a_body_that_is_not_understood_changes_nothing(browser, by, store, body):
    by.add("waits", prompt="words")

    assert browser.post("/api/v1/tasks/waits/edit", body).status_code == 400
    assert store.reader.task("waits")["version"] == 1


def test_a_result_is_rejected_for_good_though_attempts_are_left(browser, by, store):
    by.answer_twice("notes", "one\n", "two\n", prompt="Write.", review="human", max_attempts=9)
    decision = store.reader.one("open_decision_of", id="notes")["id"]

    answer = browser.post("/api/v1/tasks/notes/fail", {"reason": "not wanted", "decision": decision})

    assert answer.json["message"] == "notes is rejected: it failed."
    row = store.reader.task("notes")
    assert (row["state"], row["reason"]) == ("failed", "rejected by panel: not wanted")
    assert browser.post("/api/v1/tasks/notes/fail", {"decision": decision}).status_code == 409


@pytest.mark.parametrize("what", ["history", "prompt", "plan", "attempts", "compare", "output", "download"])
def test_nothing_is_told_to_a_stranger_or_of_nobody(browser, stranger, by, what):
    by.add("waits")

    assert api(stranger, "waits", what).status_code == 401
    assert api(browser, "nobody", what).status_code == 404
    assert api(browser, "waits", what, "?unknown=1").status_code == 400


def test_a_cancel_of_a_recurring_task_says_that_its_schedule_ends(browser, by):
    by.add("mins", command="git log", every="* * * * *")
    by.add("once", command="git log")

    assert "Its schedule ends" in page_of(browser, "mins").text
    assert "Its schedule ends" not in page_of(browser, "once").text


def test_no_route_is_told_of_a_command_which_no_model_answers(browser, by):
    by.approve("look", command="git log")

    assert "a model answers" not in page_of(browser, "look").text


@pytest.mark.parametrize("task_id", ["new", "live", "add", "list", "head", "check", "bulk"])
def test_a_task_has_its_page_whatever_it_is_called(browser, by, task_id):
    by.add(task_id, prompt="Count the bees.")

    assert "Count the bees." in browser.get(f"/tasks/{task_id}").text
    assert browser.get(f"/api/v1/tasks/{task_id}").json["id"] == task_id


def test_what_was_edited_after_it_was_cut_off_does_not_count_as_done(browser, by, store):
    by.interrupt("cut", command="sleep 9", effect="unsafe")
    store.edit("cut", 1, {"id": "cut", "command": "echo fresh", "effect": "unsafe"}, "cli")

    with pytest.raises(TransitionNotAllowed, match="`skep retry cut` runs it"):
        store.approve("cut", "cli")

    assert store.reader.task("cut")["state"] == "review"
    store.choose("cut", "again", "cli")
    assert store.reader.task("cut")["state"] == "ready"
