"""The page of one task as a person uses it, in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import sys
import unicodedata
from typing import Any

import pytest

import host_platform
from outcome import Verdict
from panel import rollbacks
from panel.output_finding import folded
from panel.task_output import PIECE_BYTES
from store import recording
from store.claims import Claimant
from tests.integration.checkpoint_rig import Rig
from tests.unit.panel.furnish import HOSTILE, REVERSED, row_of
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

#: Half of a pair, which no UTF-8 text holds, and what this Python's Unicode does not know or says nothing of.
UNSENT = frozenset({"Cs", "Cn", "Co"})


def test_the_output_of_a_running_task_appears_as_it_comes(page, panel):
    by = panel.by
    claim = by.start("tests", command="git log")
    page.goto(f"{panel.url}/tasks/tests")
    output = page.locator("#output-text")
    expect(page.locator("#standing .status")).to_have_text("in progress")

    sink = by.write_live(claim)
    sink.write(f"\x1b[32mok\x1b[0m one {HOSTILE} {REVERSED}\n".encode())
    expect(output).to_contain_text(f"ok one {HOSTILE} safe⟨U+202E⟩txt.exe")
    expect(page.locator("#output-state")).to_contain_text("Being written")
    sink.write("grüße\n".encode())
    expect(output).to_contain_text("grüße")
    page.get_by_label("Show control codes").check()
    expect(output).to_contain_text("␛[32mok␛[0m one")

    page.get_by_label("Find in the output").fill("GRÜSSE".lower().replace("ss", "ß"))
    expect(page.locator("#output-found")).to_have_text("1 found")
    page.keyboard.press("Enter")
    expect(page.locator("#output-found")).to_have_text("1 of 1")

    by.end(claim, sink, Verdict(decision="REJECT", confidence=0.9, issues=["too short"]))
    by.reject(claim, ["too short"])
    expect(page.locator("#standing .status")).to_have_text("pending")
    expect(page.locator("#attempts")).to_contain_text("Attempt 1: rejected")
    expect(page.locator("#timeline")).to_contain_text("task.requeue")
    expect(page.locator("#output-state")).not_to_contain_text("Being written")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "tests.1.txt"


def test_the_page_goes_on_from_an_attempt_that_died_to_the_next_one(chromium, panel):
    by = panel.by
    claim = by.start("tests", command="git log", effect="idempotent")
    sink = by.write_live(claim)
    sink.write(b"of the first\n")
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(panel.link)
        page.wait_for_selector("#live")
        page.goto(f"{panel.url}/tasks/tests")
        expect(page.locator("#output-text")).to_contain_text("of the first")

        sink.discard()
        panel.store.write(
            lambda tx: recording.interrupted(tx, row_of(tx, "tests"), "idempotent", 3, "swarm was killed")
        )
        expect(page.locator("#output-state")).not_to_contain_text("Being written")
        by.write_live(by.start("tests")).write(b"of the second\n")

        expect(page.locator("#output-text")).to_have_text("of the second\n")


def test_what_is_typed_unfolded_and_selected_stays_while_the_task_goes_on(page, panel):
    by = panel.by
    by.add("notes", prompt="Write the notes.")
    page.goto(f"{panel.url}/tasks/notes")
    fields = page.locator("#timeline details").first
    fields.locator("summary").click()
    copy = page.get_by_label("The task as JSON")
    copy.fill('{"id": "notes", "prompt": "half')
    page.evaluate("window.isTheSamePage = true")
    at = page.evaluate("scrollY")

    by.start("notes")

    expect(page.locator("#standing .status")).to_have_text("in progress")
    expect(page.locator("#timeline")).to_contain_text("task.in_progress")
    expect(page.locator("#timeline details[open]")).to_have_count(1)
    expect(copy).to_have_value('{"id": "notes", "prompt": "half')
    expect(copy).to_be_focused()
    assert page.evaluate("window.isTheSamePage") is True
    assert abs(page.evaluate("scrollY") - at) < 400


def test_of_very_many_hits_it_is_said_that_there_are_more(page, panel):
    claim = panel.by.start("long", prompt="Write.")
    sink = panel.by.write_live(claim)
    sink.write(b"ab" * 5_001 + b"\n")
    page.goto(f"{panel.url}/tasks/long")
    expect(page.locator("#output-text")).to_contain_text("abab")
    find = page.locator("#output-find")
    find.fill("ab")
    expect(page.locator("#output-found")).to_have_text("more than 5,000 found")
    find.press("Enter")
    expect(page.locator("#output-found")).to_have_text("1 of more than 5,000")
    sink.discard()


def test_a_result_is_sent_back_with_feedback_that_the_next_attempt_is_told(page, panel):
    panel.by.answer_twice(
        "notes", "one\n", "two\n", prompt="Write the notes.", review="human", max_attempts=3
    )
    page.goto(f"{panel.url}/tasks/notes")
    expect(page.locator("#output-text")).to_have_text("two\n")
    page.get_by_role("button", name="Compare with attempt 1").click()
    expect(page.locator("#compare .gone")).to_contain_text("one")
    expect(page.locator("#cli-reject")).to_have_text("skep reject --reason '...' notes")

    page.get_by_role("button", name="Requeue with feedback").click()
    dialog = page.locator("#ask")
    expect(dialog).to_contain_text("It may be tried once more, with what you say in its prompt.")
    dialog.get_by_label("What should be different?").fill("the date is missing")
    dialog.get_by_role("button", name="Requeue with feedback").click()

    expect(page.locator("#told")).to_contain_text("is requeued with your feedback")
    expect(page.locator("#part-feedback")).to_contain_text("the date is missing")
    row = panel.store.reader.task("notes")
    assert (row["state"], json.loads(row["feedback"])) == ("ready", ["the date is missing"])


def test_an_ended_task_is_run_again_with_edits(page, panel):
    panel.by.fail("look", "exit code 2: ls: cannot access 'srcs'", command="ls srcs")
    page.goto(f"{panel.url}/tasks/look")
    expect(page.get_by_role("note")).to_contain_text("What to do:")
    copy = page.get_by_label("The copy as JSON")
    verdict = page.locator("#rerun-verdict")

    copy.fill('{"id": "look-2", "command": ')
    expect(verdict).to_contain_text("It is not JSON yet")
    copy.fill('{"id": "look-2", "command": "ls src", "priority": 1.5}')
    expect(verdict).to_contain_text("priority")
    copy.fill('{"id": "look-2", "command": "echo \'src\'"}')
    expect(verdict).to_have_text("It keeps the contract and would be added.")
    expect(page.locator("#cli-rerun")).to_contain_text("'\\''src'\\''")
    page.get_by_role("button", name="Add the copy").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("look-2")
    expect(page.locator("#standing .status")).to_have_text("pending")
    assert panel.state("look-2") == "ready"
    assert panel.state("look") == "failed"


def test_files_are_brought_back_as_shown_and_not_where_one_changed_since(chromium, panel, monkeypatch):
    panel.home.workspace.mkdir(parents=True, exist_ok=True)
    rig = Rig(panel.home, panel.store, Claimant("w", host_platform.this_process(), 3600.0))
    notes = rig.files / "notes.txt"
    rig.did("first", notes_txt="one\ntwo\n")
    rig.did("t", notes_txt="one\nthree\n")
    with (
        contextlib.closing(chromium.new_context()) as context,
        visiting(context, panel, "/tasks/t", refused="409") as page,
    ):
        roll_back, ask = page.get_by_role("button", name="Roll back 1 file"), page.locator("#ask")
        page.get_by_role("button", name="Show what a rollback would change").click()
        expect(page.locator("#rollback-state")).to_contain_text("1 file would change.")
        page.get_by_text("What differs").click()
        expect(page.locator("#rollback-paths .came")).to_have_text("+two")
        assert notes.read_text() == "one\nthree\n"

        notes.write_text("mine\n")
        roll_back.click()
        ask.get_by_role("button", name="Roll back 1 file").click()
        expect(page.locator("#trouble")).to_contain_text("changed since this was shown. Look at it again.")
        assert notes.read_text() == "mine\n"

        page.get_by_role("button", name="Show what a rollback would change").click()
        expect(page.locator("#rollback-paths")).to_contain_text("changed since")
        monkeypatch.setattr(rollbacks, "WAIT_S", 0.0)  # as one that takes long
        roll_back.press("Enter")
        ask.get_by_role("button", name="Roll back 1 file").press("Enter")
        expect(page.locator("#rollback-state")).to_contain_text("1 file is as last kept before t.")
        expect(page.locator("#told")).to_contain_text("1 file is as last kept before t.")
        expect(page.locator("#checkpoint-title")).to_be_focused()
        assert notes.read_text() == "one\ntwo\n"


def test_whoever_searches_an_output_that_is_not_all_loaded_is_told_so(page, panel):
    claim = panel.by.start("long", prompt="Write.")
    sink = panel.by.write_live(claim)
    sink.write(b"needle\n" + b"hay\n" * 20_000)
    page.goto(f"{panel.url}/tasks/long")
    expect(page.locator("#output-text")).to_contain_text("hay")
    told = page.locator("#output-searched")
    expect(told).to_be_hidden()

    page.locator("#output-find").fill("needle")

    expect(page.locator("#output-found")).to_have_text("0 found")
    expect(told).to_contain_text("Only what is shown here was looked through: 65,5")
    sink.write(b"more\n")
    expect(page.locator("#output-state")).to_have_text("Being written: 80,012 bytes so far.")
    expect(told).to_contain_text("of 80,012 bytes")
    expect(page.locator("#cli-search")).to_have_text("skep log long | grep -iF '...'")
    page.get_by_role("button", name="Show earlier output").press("Enter")
    expect(page.locator("#output-found")).to_have_text("1 found")
    expect(page.locator("#output-text")).to_be_focused()
    expect(told).to_be_hidden()
    sink.discard()


def test_next_and_previous_find_what_is_not_loaded_and_show_it_there(page, panel):
    claim = panel.by.start("long", command="git log")
    sink = panel.by.write_live(claim)
    hay = b"hay\n" * 40_000
    early = "Needle one\nİ\n".encode().ljust(40_000, b"-") + b"needle amid\n"
    sink.write(early.ljust(PIECE_BYTES + 99, b"-") + b"\nneedle two\n")
    sink.write(hay + b"the end\n")
    panel.by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))
    page.goto(f"{panel.url}/tasks/long")
    text, told = page.locator("#output-text"), page.locator("#output-found")
    expect(text).to_contain_text("the end")
    find = page.locator("#output-find")
    find.fill("needle")
    expect(told).to_have_text("0 found")

    find.press("Enter")  # from the end on: it begins anew
    expect(text).to_contain_text("Needle one")
    expect(told).to_have_text("1 of 2")
    expect(text).not_to_contain_text("the end")
    find.press("Enter")
    expect(told).to_have_text("2 of 2")
    find.press("Enter")
    expect(told).to_have_text("1 of 1")
    expect(text).to_contain_text("needle two")
    expect(text).not_to_contain_text("needle amid")
    find.press("Shift+Enter")
    expect(told).to_have_text("2 of 2")
    expect(text).to_contain_text("Needle one")
    expect(find).to_be_focused()

    page.get_by_role("button", name="Show the end of the output").click()
    expect(text).to_contain_text("the end")
    for place in ("2 of 2", "1 of 2", "1 of 1"):  # each once, though pieces lie otherwise from the end on
        find.press("Shift+Enter")
        expect(told).to_have_text(place)

    find.fill("no such thing")
    find.press("Enter")
    expect(told).to_have_text("0 found in all of the output")
    page.get_by_role("button", name="Show the end of the output").click()
    expect(text).to_contain_text("the end")
    expect(page.locator("#output-end")).to_be_hidden()


def test_while_a_found_part_is_shown_it_is_told_how_the_output_stands_and_that_it_is_gone(chromium, panel):
    by = panel.by
    claim = by.start("long", command="git log")
    sink = by.write_live(claim)
    sink.write(b"needle\n" + b"hay\n" * 40_000)
    with (
        contextlib.closing(chromium.new_context()) as context,
        visiting(context, panel, "/tasks/long", refused="404") as page,
    ):
        text, state = page.locator("#output-text"), page.locator("#output-state")
        expect(state).to_have_text("Being written: 160,007 bytes so far.")
        find = page.locator("#output-find")
        find.fill("needle")
        find.press("Enter")
        expect(text).to_contain_text("needle")

        sink.write(b"more\n")

        expect(state).to_have_text("Being written: 160,012 bytes so far.")
        expect(page.locator("#output-searched-told")).to_contain_text("of 160,012 bytes")
        by.end(claim, sink, Verdict(decision="REJECT", confidence=0.9, issues=["too short"]))
        by.reject(claim, ["too short"])
        expect(state).to_have_text("160,012 bytes.")
        expect(page.locator("#output-of")).to_contain_text("1: rejected")
        expect(text).to_contain_text("needle")
        expect(text).not_to_contain_text("more")

        for stored in panel.home.outputs.glob("??/*"):
            stored.unlink()
        find.press("Enter")
        expect(page.locator("#output-found")).to_have_text("There is no such thing.")


#: Notes every text that is told of a search.
TELLINGS = """() => {
  const told = document.getElementById("output-found");
  window.tellings = [];
  const note = () => tellings.push(told.textContent);
  new MutationObserver(note).observe(told, { childList: true, characterData: true, subtree: true });
}"""
#: What the strong highlight is on; false: it is on nothing.
HERE = "CSS.highlights.has('here') && [...CSS.highlights.get('here')].map(String).join()"


def ended(panel, text):
    """A task that ended with that output."""
    claim = panel.by.start("long", command="git log")
    sink = panel.by.write_live(claim)
    sink.write(text.encode())
    panel.by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))


def test_what_was_found_stays_told_while_more_comes_until_somebody_searches_anew(page, panel):
    claim = panel.by.start("long", command="git log")
    sink = panel.by.write_live(claim)
    sink.write(b"early\n" + b"hay\n" * 20_000 + b"needle\nneedle\n")
    page.goto(f"{panel.url}/tasks/long")
    text, told, find = (page.locator(f"#output-{name}") for name in ("text", "found", "find"))
    expect(text).to_contain_text("needle")
    since, state = page.locator("#output-since"), page.locator("#output-state")
    page.evaluate(TELLINGS)

    find.fill("needle")
    find.press("Enter")
    for number in range(3):
        sink.write(b"a needle\n")
        expect(since).to_have_text(f"{3 + number} by now")
    assert page.evaluate("tellings") == ["2 found", "1 of 2"]
    assert page.evaluate(HERE) == "needle"
    find.press("Enter")
    expect(told).to_have_text("2 of 5")
    expect(since).to_be_empty()

    find.fill("nowhere")
    find.press("Enter")
    expect(told).to_have_text("0 found in all of the output")
    before = page.evaluate("tellings.length")
    sink.write(b"more\n")
    expect(state).to_contain_text("80,052 bytes so far")
    expect(page.locator("#output-searched")).to_be_hidden()
    sink.write(b"nowhere\n")
    expect(since).to_have_text("1 by now")
    assert page.evaluate(f"tellings.slice({before})") == []

    page.get_by_role("button", name="Show earlier output").click()
    expect(text).to_contain_text("early")
    expect(told).to_have_text("1 found")
    sink.discard()


def test_the_hit_that_was_gone_to_stays_so_where_earlier_output_comes_in_front_of_it(page, panel):
    ended(panel, "a needle\n" + "hay\n" * 20_000 + "the needle\n")
    page.goto(f"{panel.url}/tasks/long")
    told, find = page.locator("#output-found"), page.locator("#output-find")
    expect(page.locator("#output-text")).to_contain_text("the needle")
    find.fill("needle")
    find.press("Shift+Enter")
    expect(told).to_have_text("1 of 1")

    page.get_by_role("button", name="Show earlier output").click()

    expect(told).to_have_text("2 of 2")
    assert page.evaluate(HERE) == "needle"


def test_an_output_that_was_all_looked_through_is_not_said_to_be_looked_through_in_part(page, panel):
    ended(panel, "hay\n" * 40_000 + "needle\n")
    page.goto(f"{panel.url}/tasks/long")
    told, find = page.locator("#output-found"), page.locator("#output-find")
    searched = page.locator("#output-searched")
    expect(page.locator("#output-text")).to_contain_text("needle")
    find.fill("needle")
    expect(searched).to_be_visible()
    find.press("Enter")
    expect(told).to_have_text("1 of 1")
    assert page.evaluate(HERE) == "needle"

    find.fill("zzzz")
    expect(searched).to_be_visible()
    assert page.evaluate(HERE) is False
    find.press("Enter")

    expect(told).to_have_text("0 found in all of the output")
    expect(searched).to_be_hidden()
    find.fill("zzz")
    expect(searched).to_be_visible()


def test_a_search_under_way_goes_on_where_the_same_is_asked_for_again(page, panel):
    ended(panel, "needle\n" + "hay\n" * 40_000)
    page.goto(f"{panel.url}/tasks/long")
    expect(page.locator("#output-text")).to_contain_text("hay")
    told, find = page.locator("#output-found"), page.locator("#output-find")
    asked: list[str] = []
    held: list[Any] = []
    page.on("request", lambda request: asked.append(request.url) if "/output/find?" in request.url else None)
    page.route("**/output/find?*", lambda route: route.continue_() if held else held.append(route))
    find.fill("needle")
    with page.expect_request("**/output/find?*"):
        find.press("Enter")
    expect(told).to_have_text("Looking through the rest of the output.")

    find.press("Enter")
    held[0].continue_()

    expect(told).to_have_text("1 of 1")
    assert len(asked) == 2, "from the end on, and from the beginning"
    page.unroute_all(behavior="wait")


def test_the_page_takes_the_same_letters_for_alike_as_the_panel_and_none_moves_what_is_behind_it(page):
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    letters = "".join(each for each in every if unicodedata.category(each) not in UNSENT)

    alike = page.evaluate(
        "async (letters) => (await import('/static/output_folding.js')).folded(letters)", letters
    )

    assert alike == folded(letters)
    assert [
        each for each in letters if len(folded(each).encode("utf-16-le")) != len(each.encode("utf-16-le"))
    ] == []
