"""The list of tasks and the form for new ones as a person uses them, in a real Chromium."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.unit.panel.furnish import HOSTILE, furnish
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(context, panel):
    with visiting(context, panel, refused="422") as page:
        yield page


def row(page, task_id):
    return page.locator(f'tr[data-task="{task_id}"]')


def test_a_task_is_added_through_the_form_by_keyboard(page, panel):
    page.goto(f"{panel.url}/tasks")
    page.locator("#to-new").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add tasks")).to_be_visible()
    page.locator("#f-prompt").focus()
    page.keyboard.type("Research bees, then write a summary and a poem from it")

    expect(page.locator("#verdict")).to_have_text("It can be added.")
    expect(page.locator("#told-of")).to_contain_text("Split into 3")
    page.keyboard.press("Tab")
    page.keyboard.type("no spaces")
    expect(page.locator("#e-id")).to_contain_text("must match")
    expect(page.locator("#f-id")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("bees")
    page.keyboard.press("Tab")
    page.keyboard.type("5")
    expect(page.locator("#json")).to_contain_text('"priority": 5')
    expect(page.locator("#e-id")).to_be_hidden()
    assert panel.state("bees") == "missing"
    page.keyboard.press("Control+Enter")

    expect(page.locator("#told")).to_have_text("bees is in the queue.")
    assert panel.store.reader.task("bees")["priority"] == 5
    expect(page.locator("#f-prompt")).to_be_focused()


def test_a_command_that_would_not_run_is_told_before_it_is_added(page, panel):
    page.goto(f"{panel.url}/add")
    page.get_by_role("radio", name="a command", exact=True).check()
    page.get_by_role("textbox", name="Command").fill(f"rm -rf / {HOSTILE}")

    expect(page.locator("#verdict")).to_have_text("It can be added, and would not run.")
    expect(page.locator("#told-of")).to_contain_text("It would not run:")
    page.get_by_role("button", name="Add it anyway").click()
    expect(page.locator("#told")).to_contain_text("is in the queue")


@pytest.mark.parametrize(("path", "field"), [("/add", "#f-prompt"), ("/tasks/notes", "#edit-text")])
def test_what_is_half_written_outlives_a_new_start_of_the_panel(chromium, panel, path, field):
    panel.by.add("notes", prompt="Write the notes.")
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(panel.link)
        page.wait_for_selector("#live")
        page.goto(f"{panel.url}{path}")
        page.locator(field).fill('{"id": "notes", "prompt": "half')

        panel.app.config["SECRET_KEY"] = b"of the next start"
        expect(page.locator("#login-anew")).to_have_text(
            "The panel was started anew, so everybody is logged out."
        )
        expect(page.locator("#login-draft")).to_be_visible()
        page.get_by_label("Or paste the link here").fill(panel.link)
        page.get_by_role("button", name="Log in").click()

        expect(page.locator(field)).to_have_value('{"id": "notes", "prompt": "half')
        page.locator(field).fill('{"id": "notes", "prompt": "whole"}')
        page.get_by_role("button", name="Add the task" if path == "/add" else "Save the edit").click()
        expect(page.locator("#told")).not_to_be_empty()
        assert (
            page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('skep-draft'))") == []
        )


def test_many_are_dropped_looked_at_and_added(page, panel):
    page.goto(f"{panel.url}/add")
    page.get_by_role("tab", name="Many").click()
    lines = [json.dumps({"id": f"t{number}", "prompt": "x"}) for number in range(3)]
    text = "\n".join([*lines, '{"prompt": ""}'])
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "tasks.jsonl"));
            document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}));
        }""",
        text,
    )

    expect(page.locator("#verdict")).to_have_text("3 can be added, 1 cannot.")
    expect(page.locator("#told-of")).to_contain_text("prompt: is missing or empty")
    page.get_by_role("button", name="Add 3 tasks").click()

    expect(page.locator("#told")).to_have_text("3 tasks added, 1 refused.")
    expect(page.locator("#text")).to_have_value('{"prompt": ""}')
    assert [panel.state(f"t{number}") for number in range(3)] == ["ready"] * 3


def test_a_task_begins_as_one_that_there_is(page, panel):
    panel.by.add("old", prompt="Tell of bees.", tags=["docs"], reward=3)
    page.goto(f"{panel.url}/add?like=old")

    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("Tell of bees.")
    expect(page.locator("#f-tags")).to_have_value("docs")
    expect(page.locator("#json")).to_contain_text('"reward": 3')
    expect(page.locator("#json")).not_to_contain_text('"id"')


def test_what_is_selected_is_cancelled_together_after_a_question(page, panel):
    panel.by.add("a", "b", "c")
    page.goto(f"{panel.url}/tasks")
    page.get_by_label("Select a", exact=True).check()
    page.get_by_label("Select b", exact=True).check()
    panel.by.add("d")  # the table is drawn anew, and the selection stays
    expect(row(page, "d")).to_be_visible()
    expect(page.locator("#bulk-count")).to_have_text("2 selected.")

    page.locator("#bulk-cancel").click()
    dialog = page.locator("#bulk-ask")
    expect(dialog).to_contain_text("Cancel 2 tasks? 2 wait and will not run.")
    dialog.get_by_label("Why?").fill("not needed")
    dialog.get_by_role("button", name="Leave it").click()
    assert panel.state("a") == "ready"

    page.locator("#bulk-cancel").click()
    expect(dialog.get_by_label("Why?")).to_have_value("not needed")
    dialog.get_by_role("button", name="Cancel").click()

    expect(page.locator("#bulk-sum")).to_have_text("2 tasks cancelled.")
    expect(row(page, "a").locator(".status")).to_have_text("cancelled")
    assert [panel.state(name) for name in "abcd"] == ["cancelled", "cancelled", "ready", "ready"]
    assert panel.store.reader.task("a")["reason"] == "not needed"


def test_everything_that_fits_the_filter_is_steered_by_keyboard(page, panel):
    panel.by.add(*[f"t{number:02}" for number in range(60)], tags=["docs"])
    panel.by.add("other")
    page.goto(f"{panel.url}/tasks?tag=docs")
    page.locator("#pick-all").focus()
    page.keyboard.press("Space")
    expect(page.locator("#bulk-count")).to_have_text("50 selected.")
    page.locator("#bulk-all").focus()
    page.keyboard.press("Enter")
    page.locator("#bulk-priority").fill("7")
    page.locator("#bulk-set").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bulk-what")).to_contain_text("Change the priority of 60 tasks?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#bulk-sum")).to_have_text("60 tasks changed.")
    rows = panel.store.reader.all("list_tasks", after=0, states=None, limit=100)
    assert {each["id"] for each in rows if each["priority"] != 7} == {"other"}


def test_what_is_looked_for_stands_in_the_address(page, panel):
    furnish(panel.store)
    page.goto(f"{panel.url}/tasks")
    page.get_by_label("Words or an id").fill("classify ticket")
    page.keyboard.press("Enter")

    page.wait_for_url("**/tasks?q=classify+ticket")
    expect(page.locator("tr[data-task]")).to_have_count(4)
    page.get_by_label("Order").select_option("oldest")
    page.wait_for_url("**order=oldest*")
    expect(page.locator("tr[data-task]").first).to_have_attribute("data-task", "classify-01")
    page.locator("#find-all").click()
    page.wait_for_url("**/tasks")


@pytest.mark.parametrize("width", [320, 1024])
@pytest.mark.parametrize("path", ["/tasks?order=priority", "/add"])
def test_nothing_is_wider_than_the_window(page, panel, width, path):
    furnish(panel.store)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{panel.url}{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


#: The words of why tasks wait that stand in two lines.
TORN_REASONS = """() => [...document.querySelectorAll("td.remark bdi")].flatMap((reason) =>
  [...reason.firstChild.data.matchAll(/\\w+/g)].filter((word) => {
    const range = new Range();
    range.setStart(reason.firstChild, word.index);
    range.setEnd(reason.firstChild, word.index + word[0].length);
    return new Set([...range.getClientRects()].map((line) => line.top)).size > 1;
  }).map((word) => word[0]))"""


def test_why_a_task_waits_is_broken_between_its_words_alone(page, panel):
    panel.by.requeue("ask", "no model configured: set SKEP_LLM_BASE_URL, or start Ollama", wait_s=60)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{panel.url}/tasks")
    expect(row(page, "ask").locator(".remark bdi")).to_contain_text("SKEP_LLM_BASE_URL")

    assert page.evaluate(TORN_REASONS) == []
