"""Runs as a person meets them in a real Chromium: started by the form, watched, forked, compared."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from settings import Home
from tests.unit.panel.furnish_runs import ANSWERS, RunFurnisher
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import RunningPanel, visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]
COMPARE = (Path(__file__).parents[2] / "examples" / "workflows" / "compare.yaml").read_text("utf-8")


@pytest.fixture
def panel(tmp_path):
    with RunningPanel(Home(tmp_path)) as running:
        yield running


@pytest.fixture
def page(chromium, panel):
    with (
        contextlib.closing(chromium.new_context()) as context,
        visiting(context, panel, "/runs") as page,
    ):
        yield page


def test_a_run_is_started_by_the_form_watched_forked_and_compared(page, panel):
    page.locator("#to-start").click()
    page.locator("#text").fill(COMPARE.replace("needs: any", "needs: some"))
    expect(page.locator("#problems")).to_contain_text("Line 24, column 14")
    expect(page.locator("#go")).to_be_disabled()
    page.locator("#problems button").click()
    assert page.evaluate("getSelection().toString()").startswith("some")

    page.locator("#text").fill(COMPARE)
    expect(page.locator("#verdict")).to_have_text("It can be started.")
    expect(page.locator("#told-of")).to_contain_text("At most $0.50")
    check_a_bad_id_is_told_at_its_field(page)
    page.locator("#run-id").fill("mine")
    page.reload()
    expect(page.locator("#text")).to_have_value(COMPARE)
    expect(page.locator("#run-id")).to_have_value("mine")
    expect(page.locator("#go")).to_be_enabled()
    page.locator("#go").click()
    page.wait_for_url("**/runs/mine")

    work = RunFurnisher(panel.store, panel.home)
    for claim in work.claim():
        work.end(claim, ANSWERS[claim.id.partition(":")[2]])
    expect(page.locator("#run-health")).to_contain_text("3 of 4 completed")
    work.go(ANSWERS.__getitem__)
    expect(page.locator("#run-health .sentence")).to_contain_text("Completed: 4 of 4 completed")
    expect(page.locator('tr[data-ledger="verdict"]')).to_contain_text("experience")
    expect(page.locator("#burn canvas")).to_be_visible()
    expect(page.locator("#burn-told")).to_contain_text("of $0.50")

    check_the_fork_form_keeps_what_is_written(page)
    page.locator("#fork-task").fill("verdict")
    expect(page.locator("#fork-told")).to_contain_text("1 done anew, 3 kept.")
    expect(page.locator("#fork-prompt")).to_have_value(
        "".join(COMPARE.partition("Weigh")[1:]).replace("        ", "")
    )
    check_an_emptied_prompt_is_refused(page)
    page.locator("#fork-prompt").fill("Weigh them in one line.")
    expect(page.locator("#fork-go")).to_be_enabled()
    page.locator("#fork-go").click()
    page.wait_for_url(lambda url: "/runs/run-" in url)
    work.go(lambda name: "Keep one.")
    expect(page.locator("#run-health .sentence")).to_contain_text("Completed")
    page.locator("#diff-of-fork").click()
    differs = page.locator('article[data-task="verdict"]')
    expect(differs).to_contain_text("Keep one.")
    expect(differs).to_contain_text(ANSWERS["verdict"])


def check_an_emptied_prompt_is_refused(page):
    page.locator("#fork-prompt").fill("  ")
    expect(page.locator("#fork-told")).to_contain_text("Its prompt is empty.")
    expect(page.locator("#fork-go")).to_be_disabled()


def check_a_bad_id_is_told_at_its_field(page):
    """It stands nowhere in the document, so nothing of that is pointed at."""
    page.locator("#run-id").fill("not mine")
    expect(page.locator("#run-id-told")).to_contain_text("It begins with a letter")
    expect(page.locator("#problems")).to_be_hidden()
    page.locator("#run-id").fill("fine")
    expect(page.locator("#run-id-told")).to_be_hidden()


def check_the_fork_form_keeps_what_is_written(page):
    """What is written belongs to the step that is named, is asked about never, and outlives a reload."""
    page.on("dialog", lambda dialog: pytest.fail(f"it asks amid typing: {dialog.message}"))
    task, prompt, model = (page.locator(f"#fork-{name}") for name in ("task", "prompt", "model"))
    task.fill("for")
    expect(page.locator("#fork-told")).to_contain_text(re.compile(r"\d done anew, \d kept. It costs at most"))
    own = prompt.input_value()
    prompt.fill("Mine.")
    model.fill("other-model")
    task.press_sequentially("x")
    task.fill("")
    task.press_sequentially("ag", delay=500)  # so slowly that half a name is looked at
    task.press_sequentially("ainst", delay=60)
    expect(page.locator("#fork-told")).to_contain_text(re.compile(r"\d done anew"))
    expect(prompt).not_to_have_value(re.compile("^(Mine.)?$"))
    expect(model).not_to_have_value("other-model")
    prompt.fill("Yours.")
    page.reload()
    expect(task).to_have_value("against")
    expect(prompt).to_have_value("Yours.")
    task.fill("for")
    expect(prompt).to_have_value("Mine.")
    expect(model).to_have_value("other-model")
    prompt.fill("")
    model.fill("")
    task.fill("against")
    prompt.fill("")
    task.fill("for")
    expect(prompt).to_have_value(own)


@pytest.mark.parametrize("body", ["<p>Nothing of the panel's", '{"ok": tr', "null", "{}"])
def test_an_answer_to_the_fork_form_that_cannot_be_read_is_told_and_asked_for_again(page, panel, body):
    RunFurnisher(panel.store, panel.home).start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    page.goto(f"{panel.url}/runs/r")
    form, told = page.locator("#fork"), page.locator("#fork-told")
    asks, starts = (f"**{form.get_attribute(name)}" for name in ("data-asks", "data-starts"))
    for path in (asks, starts):
        page.route(path, lambda route: route.fulfill(body=body, content_type="application/json"))

    page.locator("#fork-task").fill("a")
    expect(told).to_have_text("The panel's answer cannot be read.")
    expect(page.locator("#fork-go")).to_be_disabled()
    page.unroute(asks)
    page.locator("#fork-prompt").fill("y")
    expect(told).to_contain_text("1 done anew, 0 kept.")

    page.locator("#fork-go").click()
    expect(told).to_have_text("The panel's answer cannot be read.")
    expect(page.locator("#fork-prompt")).to_have_value("y")
    page.unroute(starts)
    page.locator("#fork-prompt").fill("z")
    page.locator("#fork-go").click()
    page.wait_for_url("**/runs/run-*")


def test_a_run_is_aborted_after_a_question_and_resumed(page, panel):
    RunFurnisher(panel.store, panel.home).start(id="r", tasks=[{"id": "a", "prompt": "x"}])

    page.locator("#abort-r").click()
    expect(page.locator("#ask-what")).to_contain_text("Abort r?")
    page.locator("#ask-yes").click()
    expect(page.locator('tr[data-run="r"]')).to_contain_text("aborted")
    page.locator('tr[data-run="r"] a.id').click()
    page.locator("#resume").click()
    page.locator("#ask-yes").click()
    expect(page.locator("#run-health")).to_have_attribute("data-state", "running")


def test_a_file_that_is_chosen_is_checked_as_if_it_were_written(page, tmp_path):
    file = tmp_path / "run.json"
    file.write_text('{"name": "brought", "tasks": [{"id": "a", "prompt": "x"}]}')
    page.locator("#to-start").click()
    page.locator("#file").set_input_files(file)

    expect(page.locator("#told-of")).to_contain_text("brought")
    expect(page.locator("#go")).to_be_enabled()


def test_a_file_that_is_chosen_while_the_scripts_of_the_page_are_loading_is_taken_once_they_are_there(
    page, panel, tmp_path
):
    file = tmp_path / "run.json"
    file.write_text('{"name": "brought", "tasks": [{"id": "a", "prompt": "x"}]}')
    held: list = []
    page.route("**/start_run.js", lambda route: held.insert(0, route))
    page.goto(f"{panel.url}/start-run", wait_until="commit")
    page.locator("#file").set_input_files(file)
    while not held:
        page.evaluate("0")

    held[0].continue_()

    expect(page.locator("#told-of")).to_contain_text("brought")


def test_the_picture_is_made_smaller_and_walked_by_the_keyboard(page, panel):
    chain = {"a": [], "b": ["a"], "c": ["b"]}
    tasks = [{"id": name, "prompt": "x", "deps": deps} for name, deps in chain.items()]
    RunFurnisher(panel.store, panel.home).start(id="r", tasks=tasks)
    page.goto(f"{panel.url}/graph?run=r")
    size, reached = page.locator("#graph-size"), page.locator('#graph a[tabindex="0"]')

    page.locator("#graph-smaller").click()
    expect(size).to_have_text("77 %")
    for _ in range(3):
        page.locator("#graph-smaller").click()
    expect(page.locator("#graph")).to_have_class("graph far")
    page.locator("#graph-fit").click()
    expect(page.locator("#graph-fit")).to_have_attribute("aria-pressed", "true")
    page.locator("#graph-way").click()
    expect(page.locator('[data-task="r:a"]')).to_be_focused()
    page.keyboard.press("-")
    expect(size).not_to_have_text("100 %")
    page.keyboard.press("0")
    expect(size).to_have_text("100 %")
    expect(reached).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-task="r:b"]')).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/r%3Ab")
