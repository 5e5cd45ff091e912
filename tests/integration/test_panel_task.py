"""The page of one task: what stands there."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from errors import IdentityUnusable
from outcome import Verdict
from panel.version import version
from store import checkpoints, decisions, recording
from store.records import Question
from tests.integration.panel_task import REVIEWED, answered, api, page_of
from tests.integration.test_panel_api import hold
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import HOSTILE, row_of


def test_a_task_that_waits_for_its_identity_says_so_once_and_what_did_not_count(browser, by, store):
    claim = by.start("t", prompt="Write.")
    why = "identity ana: ana.yaml: there is no such file"
    held = IdentityUnusable(held_by="identity:ana", waiting_for=why)
    store.write(lambda tx: recording.hold_back(tx, claim.ref, held))

    assert Seen(browser.get("/task/head/t")).text.count(why) == 1
    assert "Attempt 1, not counted" in Seen(page_of(browser, "t")).text
    assert [each["counts"] for each in api(browser, "t", "attempts").json["attempts"]] == [False]


def test_the_footer_of_a_task_names_the_version_of_the_product(browser, by):
    by.add("t")

    assert f"Skep {version()}" in Seen(page_of(browser, "t")).text


def test_what_ended_a_task_is_named_once(browser, by, store):
    for name, code, reason in (
        ("sent-back", "rejected", "rejected after 1 attempt: it is not two paragraphs"),
        ("gone", "worker_lost", "its worker ended three times"),
    ):
        by.review(name)
        store.write(lambda tx, n=name, c=code, r=reason: recording.fail(tx, row_of(tx, n), c, r))

    sent_back = Seen(page_of(browser, "sent-back")).text
    assert "rejected after 1 attempt" in sent_back
    assert "rejected:" not in sent_back
    assert "worker lost: its worker ended" in Seen(page_of(browser, "gone")).text


def test_the_page_tells_the_whole_story_of_a_task(browser, by):
    by.answer_twice(
        "notes", "one\nhot!\n", "one\n", prompt="Write the notes.", review="human", max_attempts=3
    )

    text = Seen(page_of(browser, "notes")).text

    for told in (
        "Needs you:",
        "Is the result of notes good?",
        "Attempt 1: rejected",
        "Attempt 2: held",
        "critics: REJECT",
        "it is not two paragraphs",
        "name the date",
        "412 in, 96 out (by the server)",
        "$0.00183, of $0.009 reserved",
        "task.requeue",
        "a worker claimed the task",
        "No tool: a model answers",
    ):
        assert told in text, told


def test_the_prompt_is_shown_with_what_was_injected_and_by_whom(browser, by, home):
    (home.root / "config").mkdir()
    (home.root / "config" / "tools.toml").write_text(
        '[[tool]]\nname = "Style guide"\ndescription = "How to write."\ntext = "No superlatives."\n'
    )
    home.identities.mkdir()
    (home.identities / "anna.toml").write_text('name = "Anna"\nhat = "documenter"\n')
    (part, *_) = by.split("whole", ["Write the notes."], prompt="Write the notes and check them.")
    claim = by.start(part)
    sink = by.write_live(claim)
    route = {
        "tool_route": "match",
        "tool_name": "Style guide",
        "tool_confidence": 0.7,
        "tool_outcome": "context",
    }
    by.end(claim, sink, Verdict(decision="REJECT", confidence=0.9), route=route)
    by.reject(claim, ["it is too long"])
    by.store.edit(part, 1, {"id": part, "prompt": "Write the notes.", "identity_id": "anna"}, "cli")

    parts = {each["kind"]: each for each in api(browser, part, "prompt").json["parts"]}

    assert list(parts) == ["intent", "identity", "tool", "task", "feedback"]
    assert "a report the board can read" in parts["intent"]["text"]
    assert "You work as Anna" in parts["identity"]["text"]
    assert "anna" in parts["identity"]["by"]
    assert "No superlatives." in parts["tool"]["text"]
    assert "Style guide" in parts["tool"]["by"]
    assert "it is too long" in parts["feedback"]["text"]
    text = Seen(page_of(browser, part)).text
    for each in parts.values():
        assert each["title"] in text
        assert each["by"] in text


def test_a_part_shows_the_whole_tree_and_where_it_stands_in_it(browser, by):
    first, second = by.split("whole", ["Collect.", "Write."], prompt="Collect and write.")

    seen = Seen(page_of(browser, second))

    assert "Putting the answers together" in seen.text
    assert "waits for its parts" in seen.text
    links = [found.get("href") for tag, found in seen.tags if tag == "a"]
    assert {"/tasks/whole", f"/tasks/{first}"} <= set(links)
    tree = api(browser, second, "plan").json["tree"]
    assert (tree["id"], [each["id"] for each in tree["subtasks"]]) == ("whole", [first, second])


def test_the_exact_error_stands_there_with_what_to_do(browser, by):
    by.fail("bad", "exit code 2: ls: cannot access 'srcs'")

    text = Seen(page_of(browser, "bad")).text

    assert "exit code 2: ls: cannot access 'srcs'" in text
    assert "What to do: Look at the end of its output." in text


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (None, "They are being kept as they were after it."),
        ("made", "3 files were changed, by it or by whoever else was at work."),
        ("failed", "They could not be kept: the disk is full"),
    ],
)
def test_what_is_kept_of_the_workspace_is_told_with_the_line_that_shows_a_rollback(
    browser, by, store, made, told
):
    claim = answered(by, "writes", b"done\n", may_write=True, command="git log")
    store.write(lambda tx: recording.approve(tx, row_of(tx, claim.id), "critics"))
    number = store.reader.one("newest_checkpoint_of", task=claim.seq)["number"]
    commits = {"commit_id": "c" * 40, "before_id": None, "paths": 3}
    if made == "made":
        store.write(lambda tx: tx.run("checkpoint_made", number=number, now=tx.now, reason=None, **commits))
    elif made == "failed":
        store.write(lambda tx: tx.run("checkpoint_failed", number=number, reason="the disk is full"))

    text = Seen(page_of(browser, "writes")).text

    assert told in text
    assert ("skep rollback --before writes" in text) is (made == "made")


def test_files_that_only_a_check_may_have_changed_are_not_told_as_the_task_s(browser, by, store):
    claim = answered(by, "reads", b"done\n", command="git log", expect={"commands": ["pytest"]})
    check = {"task": claim.seq, "lease": claim.ref.lease, "named": "command:0"}
    made = {"commit_id": "c" * 40, "before_id": None, "paths": 1, "reason": None}

    def end(tx):
        tx.run("start_check", **check, swarm="s", now=tx.now)
        tx.run("record_check", **check, outcome='{"may_write": true}', now=tx.now)
        recording.approve(tx, row_of(tx, claim.id), "critics")
        (due,) = checkpoints.due(tx)
        tx.run("checkpoint_made", number=due["number"], now=tx.now, **made)

    store.write(end)

    text = Seen(page_of(browser, "reads")).text

    assert (
        "1 file was changed, by it or by whoever else was at work. Its record names no right of its" in text
    )


def test_every_button_has_the_command_line_that_does_the_same(browser, by):
    by.answer_twice("it.1", "a\n", "b\n", **REVIEWED)
    by.interrupt("cut", command="git status", effect="unsafe")

    text = Seen(page_of(browser, "it.1")).text
    for line in (
        "skep approve it.1",
        "skep reject --reason '...' it.1",
        "skep reject --reason '...' --final it.1",
        "skep cancel it.1",
    ):
        assert line in text, line
    text = Seen(page_of(browser, "cut")).text
    for line in ("skep retry cut", "skep approve cut", "skep reject --reason '...' cut"):
        assert line in text, line


def test_a_question_about_money_is_answered_on_the_page_of_its_task(browser, by, store):
    hold(by, store, "poor", held_by="task:poor")
    question = Question("budget", "Let it have more?", ("needed", "more", "no"), {})
    store.write(lambda tx: decisions.ask(tx, question, row_of(tx, "poor"), "queued"))

    seen = Seen(page_of(browser, "poor"))

    assert {"Add what is needed", "Add more", "Add nothing"} <= set(seen.buttons())
    assert "skep approve poor" in seen.text


@pytest.mark.parametrize("task_id", ["run:task.1", "a/b c?d#e%41", "x/output", f"nasty {HOSTILE}"])
def test_a_task_of_any_id_has_its_page(browser, by, task_id):
    by.refuse(task_id, "tasks[0].id: is strange", "{}")

    page = page_of(browser, task_id)

    seen = Seen(page)
    assert "is strange" in seen.text
    for found in [found for _, found in seen.tags if found.get("data-tag")]:
        assert browser.get(found["hx-get"]).status_code == 200
    assert api(browser, task_id, "history").json["events"][0]["event"] == "task.refused"


def test_a_task_that_does_not_exist_is_answered_with_a_page(browser):
    answer = browser.get("/tasks/nobody", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "There is no task 'nobody'." in Seen(answer).text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, text):
    clean = text.encode("utf-8", "replace").decode()
    by.answer_twice("done", clean, clean + "x", prompt=clean, review="human", max_attempts=3, tags=[clean])
    by.fail("bad", clean, prompt=clean)
    by.split("whole", [clean], prompt=clean)
    by.refuse(f"task {clean}", clean, clean)
    compare = "/task/compare/done?old=1&new=2"
    paths = ["/tasks/done", "/tasks/bad", "/tasks/whole", f"/tasks/{quote(f'task {clean}')}", compare]

    for path in paths:
        page = browser.get(path)
        seen = Seen(page)
        assert page.status_code == 200
        assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
        assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
        assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
        assert not re.search("[\x00-\x08\x1b\u202e]", page.text)


def test_ids_are_unique_so_that_the_focus_finds_its_place(browser, by):
    by.answer_twice("notes", "one\n", "two\n", **REVIEWED)

    ids = Seen(page_of(browser, "notes")).ids
    assert len(ids) == len(set(ids))


def test_the_timeline_comes_in_pages_newest_first(browser, by, store):
    by.add("busy")
    for number in range(130):
        store.write(lambda tx, n=number: tx.emit("task.waiting", task_id="busy", reason=f"reason {n}"))

    first = api(browser, "busy", "history", "?limit=50").json
    second = api(browser, "busy", "history", f"?limit=50&before={first['next']}").json
    third = api(browser, "busy", "history", f"?limit=50&before={second['next']}").json

    events = first["events"] + second["events"] + third["events"]
    assert third["next"] is None
    assert [each["event"] for each in events] == ["task.waiting"] * 130 + ["task.queued"]
    page = Seen(page_of(browser, "busy"))
    older = next(found["href"] for _, found in page.tags if found.get("id") == "older-events")
    assert "reason 129" in page.text
    assert "reason 129" not in Seen(browser.get(older.partition("#")[0])).text


def test_a_part_is_drawn_anew_only_where_it_is_another(browser, by):
    by.add("mine", priority=5)
    tags = {}
    for part in ("head", "rest"):
        tags[part] = browser.get(f"/task/{part}/mine").headers["ETag"]

    by.add("other")
    for part, tag in tags.items():
        assert browser.get(f"/task/{part}/mine", headers={"If-None-Match": tag}).status_code == 304

    by.start("mine")
    for part, tag in tags.items():
        assert browser.get(f"/task/{part}/mine", headers={"If-None-Match": tag}).status_code == 200
