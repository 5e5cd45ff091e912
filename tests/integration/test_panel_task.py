"""The page of one task over a real store: what stands on it, and what is done from it."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

from errors import IdentityUnusable
from outcome import Verdict
from panel.version import version
from store import decisions, recording
from store.records import Question
from tests.integration.test_panel_api import hold
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import HOSTILE, row_of

REVIEWED = {"prompt": "Write the notes.", "review": "human", "max_attempts": 3}
SECRET = "sk-proj-" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z"


def page_of(browser, task_id, query=""):
    answer = browser.get(f"/tasks/{quote(task_id)}{query}")
    assert answer.status_code == 200, answer.text
    return answer


def api(browser, task_id, what, query=""):
    return browser.get(f"/api/v1/tasks/{quote(task_id)}/{what}{query}")


def answered(by, task_id, data, may_write=None, **fields):
    """A task with an attempt that printed some bytes and was approved by the critics."""
    claim = by.start(task_id, **fields)
    sink = by.write_live(claim)
    sink.write(data)
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9), may_write=may_write)
    return claim


# -- what stands there ----------------------------------------------------------------


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
        ("made", "3 files were changed"),
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


# -- output ----------------------------------------------------------------


def pieces(browser, task_id, limit, start=0):
    found, place = [], start
    while True:
        piece = api(browser, task_id, "output", f"?offset={place}&limit={limit}").json
        found.append(piece["text"])
        if piece["next"] == place or piece["next"] >= piece["bytes"]:
            return found
        place = piece["next"]


def test_an_output_is_read_piece_by_piece_and_nothing_is_missing(browser, by):
    data = "".join(f"line {number}: grüße, 世界 😀\n" for number in range(300))
    answered(by, "said", data.encode(), command="git log")

    for limit in (61, 1000, 65536):
        assert "".join(pieces(browser, "said", limit)) == data


def test_the_last_whole_lines_come_first(browser, by):
    answered(by, "said", b"".join(b"line %d\n" % number for number in range(50_000)), command="git log")

    piece = api(browser, "said", "output").json

    assert piece["offset"] > 0
    assert piece["next"] == piece["bytes"]
    assert piece["text"].startswith("line ")
    assert piece["text"].endswith("line 49999\n")


@pytest.mark.parametrize("place", [1, 9, 30, len(SECRET) - 1])
def test_a_secret_that_lies_across_a_cut_is_shown_on_neither_side(browser, by, place):
    before = b"x" * 99 + b"\n"
    answered(by, "said", before + f"key {SECRET} end\n".encode() + b"y\n" * 50, command="git log")
    cut = len(before) + 4 + place

    first = api(browser, "said", "output", f"?offset=0&limit={cut}").json
    second = api(browser, "said", "output", f"?offset={first['next']}").json

    assert first["next"] == cut
    shown = first["text"] + second["text"]
    assert "[redacted:" in shown
    assert not any(SECRET[at : at + 6] in shown for at in range(len(SECRET) - 6))
    assert second["text"].endswith(" end\n" + "y\n" * 50)


def test_what_is_being_written_is_read_as_it_comes_and_half_a_secret_waits(browser, by):
    claim = by.start("runs", command="git log")
    assert api(browser, "runs", "output").json["text"] == ""
    sink = by.write_live(claim)

    sink.write(b"one\ntwo\n")
    first = api(browser, "runs", "output").json
    sink.write(f"key {SECRET[:20]}".encode())
    half = api(browser, "runs", "output", f"?offset={first['next']}").json
    sink.write(f"{SECRET[20:]}\nthree\n".encode())
    rest = api(browser, "runs", "output", f"?offset={half['next']}").json

    assert (first["text"], first["is_live"]) == ("one\ntwo\n", True)
    assert SECRET[:12] not in half["text"]
    assert (half["text"] + rest["text"]).startswith("key [redacted:")
    assert rest["text"].endswith("\nthree\n")
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))
    ended = api(browser, "runs", "output", f"?offset={rest['next']}").json
    assert (ended["text"], ended["is_live"]) == ("", False)


def test_between_its_live_file_and_its_record_an_output_does_not_begin_anew(browser, by):
    claim = by.start("runs", command="git log")
    sink = by.write_live(claim)
    sink.write(b"one\ntwo\n")
    first = api(browser, "runs", "output").json

    sink.close()
    between = api(browser, "runs", "output", f"?offset={first['next']}").json
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))
    ended = api(browser, "runs", "output", f"?offset={between['next']}").json

    assert (between["is_live"], between["text"]) == (True, "")
    assert between["offset"] == between["next"] == first["next"] == 8
    assert (ended["is_live"], ended["offset"], ended["text"]) == (False, 8, "")


def test_binary_and_control_codes_are_harmless_text(browser, by):
    answered(by, "said", b"\x1b[31mred\x1b[0m \x00\xff\xfe \xe2\x80\xae back\r\n", command="git log")

    text = api(browser, "said", "output").json["text"]

    assert "␛[31mred␛[0m" in text
    assert "\\xff\\xfe" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_a_line_of_ten_megabytes_comes_in_bounded_pieces(browser, by):
    answered(by, "said", b"x" * 10_000_000, command="git log")

    piece = api(browser, "said", "output", "?limit=99999999").json

    assert piece["bytes"] == 10_000_000
    assert len(piece["text"]) == 256 * 1024
    assert len(page_of(browser, "said").data) < 100_000


def test_a_download_is_a_file_that_no_browser_runs(browser, by):
    data = b"<script>alert(1)</script>\x1b[2J " + SECRET.encode() + b"\n"
    answered(by, "b.said", data, command="git log")

    answer = api(browser, "b.said", "download")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="b.said.1.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data.startswith(b"<script>alert(1)</script>\x1b[2J [redacted:")


def test_an_output_is_told_by_the_attempt_that_made_it(browser, by):
    by.answer_twice("notes", "one\n", "two\n", **REVIEWED)

    newest = api(browser, "notes", "output").json
    first = api(browser, "notes", "output", "?lease=1").json

    assert (newest["text"], first["text"]) == ("two\n", "one\n")
    assert [(each["lease"], each["became"]) for each in newest["attempts"]] == [(2, "held"), (1, "rejected")]
    assert api(browser, "notes", "output", "?lease=7").status_code == 404


def test_two_attempts_stand_beside_each_other(browser, by):
    by.answer_twice(
        "notes", "same\nhot!\n", "same\nplain\nmore\n", prompt="Write.", review="human", max_attempts=3
    )

    compared = api(browser, "notes", "compare").json
    text = Seen(browser.get("/task/compare/notes?old=1&new=2")).text

    lines = [(each["old"], each["new"], each["is_same"]) for each in compared["lines"]]
    assert lines == [("same", "same", True), ("hot!", "plain", False), (None, "more", False)]
    assert "Attempt 1 beside attempt 2" in text
    assert "skep diff --attempts 1 2 notes" in text
    assert api(browser, "notes", "compare", "?old=1&new=9").status_code == 404


# -- what is done from it ----------------------------------------------------------------


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
