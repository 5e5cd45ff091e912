"""The inbox as a person answers it: by keyboard alone, several at once, while it changes meanwhile."""

from __future__ import annotations

import re

import pytest

from tests.unit.panel.furnish import HOSTILE
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(context, panel):
    with visiting(context, panel, "/inbox") as page:
        yield page


def card(page, task_id):
    return page.locator(".decision").filter(has=page.locator(".of .id", has_text=task_id))


def test_results_are_approved_and_sent_back_with_the_keyboard_alone(page, panel):
    for name in ("one", "two", "three"):
        panel.by.ask(name, f"Is {name} good?", f"Dear {name}.", prompt="Write.", max_attempts=3)
    expect(page.locator(".decision")).to_have_count(3)
    expect(page.locator("#badge")).to_have_text("3")

    page.keyboard.press("j")
    expect(card(page, "one")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(card(page, "one")).to_have_attribute("aria-current", "true")
    page.keyboard.press("a")
    expect(page.get_by_label("What it is about")).to_have_text("Dear one.")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_have_text("one is approved.")
    expect(page.locator(".decision")).to_have_count(2)
    assert panel.state("one") == "approved"

    expect(card(page, "two")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#ask-reason")).to_be_focused()
    page.keyboard.type("Take the joke out, and a, r, j and k are only letters here.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("two is requeued with your feedback")
    expect(page.locator(".decision")).to_have_count(1)
    assert panel.state("two") == "ready"
    assert "Take the joke out" in panel.store.reader.task("two")["feedback"]
    assert panel.state("three") == "review"


def test_several_are_answered_at_once_and_a_late_one_is_told(page, panel):
    for name in ("one", "two", "three"):
        panel.by.ask(name, f"Is {name} good?", HOSTILE, prompt="Write.", max_attempts=3)
    expect(page.locator(".decision")).to_have_count(3)
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    panel.by.ask("four", "Is four good?", "Dear four.", prompt="Write.")
    expect(page.locator(".decision")).to_have_count(4)
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    expect(card(page, "two").get_by_role("checkbox")).to_be_checked()

    page.keyboard.press("y")
    dialog = page.locator("#bulk-ask")
    expect(dialog).to_contain_text("Say yes to these 2 decisions?")
    expect(dialog.get_by_role("listitem")).to_have_text(["Approve: Is one good?", "Approve: Is two good?"])
    panel.store.reject("two", "cli")
    dialog.get_by_label("A word with it").fill("first batch: fine")
    dialog.get_by_role("button", name="Answer them").click()

    expect(page.locator("#trouble")).to_contain_text("1 decision is answered. 1 was not: ")
    expect(page.locator("#kept-words")).to_have_value("first batch: fine")
    expect(page.locator(".decision")).to_have_count(2)
    page.get_by_role("button", name="Select all shown").click()
    for answer, before, words in (("yes", "", "another batch"), ("no", "", ""), ("yes", "another batch", "")):
        page.get_by_role("button", name=f"Say {answer} to them").click()
        expect(dialog.get_by_label("A word with it")).to_have_value(before)
        dialog.get_by_label("A word with it").fill(words)
        page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(dialog).to_contain_text("Say no to these 2 decisions?")
    page.keyboard.press("Escape")
    assert [panel.state(name) for name in ("one", "two", "three", "four")] == [
        "approved",
        "ready",
        "review",
        "review",
    ]
    page.get_by_role("link", name="Answered").click()
    expect(page.locator("tr[data-decision]")).to_have_count(2)


def test_the_focus_is_on_a_card_where_the_list_changed_beneath_the_question(page, panel):
    for name in ("one", "two", "three"):
        panel.by.ask(name, f"Is {name} good?", f"Dear {name}.", prompt="Write.")
    expect(page.locator(".decision")).to_have_count(3)
    for gone, then in (("one", "three"), ("three", None)):
        for key in ("j", "x", "j", "x", "y"):
            page.keyboard.press(key)
        expect(page.locator("#bulk-leave")).to_be_focused()
        panel.store.approve(gone, "cli")
        if then is None:
            panel.store.approve("two", "cli")
        expect(page.locator(".decision")).to_have_count(2 if then else 0)
        page.keyboard.press("Escape")
        expect(card(page, "two") if then else page.locator("#live")).to_be_focused()


def test_a_notification_is_asked_for_by_its_button_alone(page, panel, context):
    asked = page.evaluate("Notification.permission")
    assert asked in {"default", "denied"}
    context.grant_permissions(["notifications"], origin=panel.url)
    page.reload()
    page.evaluate(
        """() => {
            window.Notification = class extends EventTarget {
                static permission = "granted";
                static requestPermission() { return Promise.resolve("granted"); }
                constructor(title, more) { super(); window.noted = more.body; }
            };
        }"""
    )
    page.get_by_role("button", name="Notify me in this browser").click()
    expect(page.locator("#notify")).to_have_text("Notifications are on")
    expect(page.locator("#freshness")).to_have_text("live")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('skep:pulse', {detail: {questions: 0}}))")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('skep:pulse', {detail: {questions: 2}}))")

    assert page.evaluate("window.noted") == "2 decisions wait for you."


def test_a_question_is_given_a_deadline_and_it_is_lifted_again(page, panel):
    decision = panel.by.ask("one", "Is one good?", "Dear one.", prompt="Write.")
    expect(card(page, "one")).to_contain_text("It waits for your answer without a deadline.")

    card(page, "one").get_by_role("button", name="Set a deadline").click()
    expect(page.locator("#ask-what")).to_contain_text("Its task fails where nobody answers by then")
    page.locator("#ask-reason").fill("4h")
    page.locator("#ask-yes").click()
    expect(page.locator("#told")).to_contain_text("waits for its answer until")
    expect(card(page, "one").locator(".deadline")).to_contain_text("Answer by")
    assert panel.store.reader.one("get_decision", id=decision)["deadline"] is not None

    card(page, "one").get_by_role("button", name="Lift the deadline").click()
    page.locator("#ask-yes").click()
    expect(card(page, "one")).to_contain_text("It waits for your answer without a deadline.")
    assert panel.store.reader.one("get_decision", id=decision)["deadline"] is None


def test_words_that_came_too_late_are_kept_and_a_long_result_is_loaded_to_its_end(context, panel):
    panel.by.ask_about(
        "one", b"Dear all. " + b"word " * 1_000 + b"\x1b[8mand send money to Eve.", prompt="Write."
    )
    with visiting(context, panel, "/tasks", refused="409") as page:
        page.locator("#approve-one").click()
        expect(page.locator("#ask-about pre")).to_have_text(
            re.compile("^Dear all.*\N{SYMBOL FOR ESCAPE}.*money to Eve.$")
        )
        expect(page.locator("#ask-about .length")).to_have_text("Length: 5,036 characters in 1 line.")
        expect(page.locator("#ask-yes")).to_be_enabled()
        page.locator("#ask-no").click()

        page.locator("#reject-one").click()
        page.locator("#ask-reason").fill("Leave Eve out of it.")
        page.locator("#ask-no").click()
        page.locator("#reject-one").click()
        expect(page.locator("#ask-reason")).to_have_value("Leave Eve out of it.")
        panel.store.approve("one", "cli")
        page.locator("#ask-yes").click()

        expect(page.locator("#trouble")).to_contain_text(
            "The question about task one was answered 'approve' by cli"
        )
        for _ in range(2):
            expect(page.locator("#kept-words")).to_have_value("Leave Eve out of it.")
            page.reload()
        page.locator("#kept-drop").click()
        expect(page.locator("#kept")).to_be_hidden()


def test_on_a_phone_the_end_of_an_answer_is_seen_below_thousands_of_empty_lines(context, panel):
    panel.by.ask_about("spoof", b"ok" + b"\n" * 19_000 + b"ENDBLANK", command="echo ok", review="human")
    with visiting(context, panel, "/inbox") as page:
        page.set_viewport_size({"width": 390, "height": 844})
        shown = card(page, "spoof").locator(".about")
        expect(shown).to_contain_text("Length: 19,010 characters in 19,001 lines.")
        card(page, "spoof").get_by_role("button", name="Approve").click()
        dialog = page.locator("#ask-about")
        expect(dialog.get_by_text("18,999 blank lines here")).to_be_in_viewport()
        expect(dialog.get_by_text("ENDBLANK")).to_be_in_viewport()
