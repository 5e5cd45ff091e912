"""The page of tasks over a real store: what stands on it, and that an idle one costs next to nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from store.audit_log import Checkpoint, checkpoint
from store.records import Question
from tests.integration.test_panel_api import hold, spend_a_day
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import HOSTILE, REVERSED


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.ids = [], "", []
        self.feed(page.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_data(self, data):
        self.text += data

    def buttons(self):
        return [found["aria-label"] for tag, found in self.tags if tag == "button" and "hx-vals" in found]


def test_every_task_stands_there_with_status_reason_and_attempts(browser, by):
    by.fail("bad", "exit code 2: no such file")
    by.add("waits", depends_on=["bad-parent"])

    seen = Seen(browser.get("/tasks"))

    for text in ("bad", "failed", "exit code 2: no such file", "waits", "bad-parent, which does not exist"):
        assert text in seen.text


def test_only_what_can_be_done_is_offered(browser, by):
    by.approve("done")
    by.fail("bad", "exit code 1")
    by.refuse("broken", "tasks[0].prompt: is missing", "{}")
    by.ask("asked", "Send it?")
    by.interrupt("cut")
    by.add("waits")

    assert sorted(Seen(browser.get("/list/live")).buttons()) == [
        "Approve asked",
        "Cancel asked",
        "Cancel cut",
        "Cancel waits",
        "Count as done cut",
        "Count as failed cut",
        "Kill switch",
        "Reject asked",
        "Retry bad",
        "Run again cut",
    ]


def test_ids_are_unique_so_that_the_focus_finds_its_place(browser, by):
    by.ask("asked", "Send it?")
    by.interrupt("cut")
    by.add("waits")

    ids = Seen(browser.get("/tasks")).ids
    assert len(ids) == len(set(ids))


def test_an_empty_queue_teaches_the_next_step(browser, home):
    seen = Seen(browser.get("/tasks"))

    assert "Drop in the first task" in seen.text
    assert str(home.queue_file) in seen.text
    assert '"prompt"' in seen.text


def test_pages_and_filters_stand_in_the_address(browser, by):
    by.add(*[f"task-{number:03}" for number in range(60)])
    by.fail("bad", "exit code 1")

    first = browser.get("/tasks?status=pending")
    older = next(found["href"] for _, found in Seen(first).tags if found.get("id") == "page-next")
    second = Seen(browser.get(older))

    assert "task-059" in first.text
    assert "task-009" not in first.text
    assert "task-009" in second.text
    assert "bad" not in second.text


@pytest.mark.parametrize("query", ["status=nonsense", "before=x", "what=1"])
def test_a_wrong_address_is_answered_with_a_page_that_says_so(browser, query):
    answer = browser.get(f"/tasks?{query}", headers={"Accept": "text/html"})

    assert answer.status_code == 400
    assert "Back to the overview" in answer.text


HOSTILE_TEXTS = [
    HOSTILE,
    REVERSED,
    '"><img src=x onerror=alert(1)>',
    "'; hx-on:click='x",
    "{{ 7*7 }}",
    "\x1b[2J",
    "\ud83d",
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, store, text):
    clean = text.encode("utf-8", "replace").decode()
    by.refuse(f"task {clean}", clean, clean)
    by.fail("reason", clean, prompt=clean)
    by.ask("asked", clean, clean, prompt=clean)
    by.approve("done", clean, prompt=clean)
    question = Question("removal", clean, ("accept", "keep"), {"ids": []})
    from store import decisions

    store.write(lambda tx: decisions.ask(tx, question))
    store.pause("cli", clean)

    page = browser.get("/tasks")
    seen = Seen(page)

    assert page.status_code == 200
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
    assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
    assert not re.search("[\x00-\x08\x1b\u202e]", page.text)
    if text == HOSTILE:
        assert HOSTILE in seen.text


def test_a_prompt_of_100_kb_is_shown_as_its_beginning(browser, by):
    by.add("long", prompt="word " * 20_000)

    assert len(browser.get("/tasks").text) < 20_000


def test_an_idle_page_costs_one_empty_answer(browser, by):
    by.add("x")
    first = browser.get("/list/live")

    again = browser.get("/list/live", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("change", ["add", "cancel", "pause", "due", "worker", "filter"])
def test_whatever_changes_on_the_page_changes_its_tag(browser, by, store, clock, home, change):
    by.add("x")
    by.add("later", not_before=clock.now() + 60)
    tag = browser.get("/list/live").headers["ETag"]
    path = "/list/live"
    if change == "add":
        by.add("y")
    elif change == "cancel":
        store.cancel("x", "cli")
    elif change == "pause":
        store.pause("cli")
    elif change == "due":
        clock.advance(61)
        store.promote_due()
    elif change == "worker":
        import fcntl

        with home.leader_lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert browser.get(path, headers={"If-None-Match": tag}).status_code == 200
        return
    else:
        path = "/list/live?status=pending"

    assert browser.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_first_page_knows_the_tag_of_what_it_shows(browser, by):
    by.add("x")
    tag = next(found["data-tag"] for _, found in Seen(browser.get("/tasks")).tags if "data-tag" in found)

    assert browser.get("/list/live", headers={"If-None-Match": f'"{tag}"'}).status_code == 304


def test_the_health_sentence_says_when_no_worker_runs(browser, by):
    by.add("x")

    assert "Stopped: no worker runs, 1 task is left to do." in Seen(browser.get("/tasks")).text


def test_with_a_worker_it_says_what_goes_on(browser, by, running_worker):
    by.start("x")

    assert "Working: 1 running, 0 waiting, nothing needs you." in Seen(browser.get("/tasks")).text


def test_the_newest_checkpoint_of_the_audit_is_shown(browser, store):
    assert "Audit checkpoint" not in Seen(browser.get("/")).text
    made = Checkpoint(1000, "ab" * 32)

    store.write(lambda tx: checkpoint.keep(tx, made, None))

    assert f"Audit checkpoint {made}" in Seen(browser.get("/")).text
    assert browser.get("/api/v1/status").json["audit_checkpoint"] == str(made)


def test_what_was_spent_stands_there_once_there_is_something(browser, store):
    assert "Spent today" not in Seen(browser.get("/tasks")).text
    spend_a_day(store)

    assert "Spent today: $5.00 of $5.00" in Seen(browser.get("/tasks")).text


def test_a_question_about_a_budget_stands_above_the_tasks_with_its_answers(browser, by, store):
    spend_a_day(store)
    hold(by, store, "poor")
    hold(by, store, "dear", "task:dear")

    seen = Seen(browser.get("/tasks"))

    assert "budget day $5.00 reached (spent $5.00, needs $0.12)" in seen.text
    for label in ("Add what is needed", "Add more", "Add nothing"):
        assert sum(button.startswith(label) for button in seen.buttons()) == 2
    assert len(set(seen.ids)) == len(seen.ids)


def test_what_holds_commands_stands_there_and_is_red_where_nothing_does(browser, by, store):
    by.add("waits")
    assert not [tag for tag, found in Seen(browser.get("/tasks")).tags if found.get("id") == "sandbox"]
    store.set_fact(
        "local_status", {"ready": True, "level": "off", "reason": "nothing does"}, "daemon.sandbox"
    )

    seen = Seen(browser.get("/list/live"))

    (found,) = [found for _, found in seen.tags if found.get("id") == "sandbox"]
    assert found["data-level"] == "off"
    assert "Sandbox: off. Nothing does." in seen.text
    assert browser.get("/api/v1/status").json["sandbox"]["level"] == "off"


@pytest.mark.parametrize("path", ["/", "/tasks"])
def test_a_queue_file_that_cannot_be_read_is_told_at_a_glance(browser, by, home, path):
    by.add("x")
    tag = browser.get("/pulse").headers["ETag"]
    trouble = home.queue_file.with_name("queue.json.error")
    trouble.write_text("line 3, column 7: <b>expected a comma</b>")

    seen = Seen(browser.get(path))
    pulse = browser.get("/pulse", headers={"If-None-Match": tag})

    assert "Edits of queue.json wait: it cannot be read." in seen.text
    assert "line 3, column 7: <b>expected a comma</b>" in seen.text
    assert pulse.status_code == 200
    assert "line 3" in browser.get("/api/v1/status").json["file_trouble"]
    trouble.unlink()
    assert "cannot be read" not in Seen(browser.get(path)).text
