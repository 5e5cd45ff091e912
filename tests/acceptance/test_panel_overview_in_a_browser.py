"""The first page as a person steers from it: pause, the kill switch, workers and pace, the charts."""

from __future__ import annotations

import re

import pytest

from store.capacity import CAPACITY, Capacity
from tests.unit.panel.furnish import furnish
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(context, panel):
    furnish(panel.store)
    with visiting(context, panel) as page:
        yield page


def test_work_is_paused_with_a_reason_and_goes_on(page, panel):
    page.get_by_role("button", name="Pause").click()
    page.locator("#ask-reason").fill("the model is being changed")
    page.locator("#ask-yes").click()

    health = page.locator("#health")
    expect(health).to_contain_text(re.compile(r"Paused: \d\d:\d\d, by you\."))
    expect(health).to_contain_text("The model is being changed. What runs goes on.")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert panel.store.reader.gate().paused is None


def test_the_kill_switch_is_set_with_a_reason_and_cleared(page, panel):
    page.get_by_role("button", name="Kill switch", exact=True).click()
    page.locator("#ask-reason").fill("it rewrites the wrong files")
    page.locator("#ask-yes").click()

    health = page.locator("#health")
    expect(health).to_contain_text(re.compile(r"Stopped: kill switch, \d\d:\d\d, by you\."))
    assert panel.home.kill_switch.exists()
    page.get_by_role("button", name="Clear the kill switch").click()
    page.locator("#ask-yes").click()
    expect(health).not_to_contain_text("kill switch,")
    assert not panel.home.kill_switch.exists()


def test_workers_and_pace_are_changed_and_the_focus_stays(page, panel):
    more = page.get_by_role("button", name="More workers")
    more.focus()
    for count in (2, 3):
        page.keyboard.press("Enter")
        expect(page.locator("#workers-wanted")).to_have_text(str(count))
        expect(more).to_be_focused()
    page.get_by_role("button", name="Fewer tasks at once").click()
    expect(page.locator("#pace-wanted")).to_have_text("7")
    wanted = Capacity.of(panel.store.reader.fact(CAPACITY), panel.store.settings)
    assert (wanted.workers, wanted.pace) == (3, 7)

    page.get_by_role("button", name="Workers as in the settings").click()
    expect(page.locator("#workers-wanted")).to_have_text("1")


def test_charts_are_drawn_and_their_figures_can_be_read(page, panel):
    expect(page.locator("#throughput canvas")).to_be_visible()
    expect(page.locator("#latency canvas")).to_be_visible()
    expect(page.locator("#charts-told")).to_contain_text("2 approved, 3 failed, 1 cancelled.")
    page.get_by_label("How far back").select_option("1h")
    expect(page.locator("#charts-told")).to_contain_text("In the last 1 hour")
    page.get_by_text("The figures as a table").click()
    expect(page.locator("#figures-rows tr").first).to_be_visible()


def test_figures_whose_answer_breaks_off_are_asked_for_again(page, panel):
    """The tag of what was not read to its end is not told to the server, which would send it no more."""
    expect(page.locator("#charts-told")).to_contain_text("In the last")
    asked: list[str | None] = []

    def break_off_the_first(route):
        asked.append(route.request.headers.get("if-none-match"))
        if len(asked) == 1:
            route.fulfill(
                body='{"at": [1', headers={"ETag": '"broken-off"', "Content-Type": "application/json"}
            )
        else:
            route.continue_()

    page.route("**/api/v1/series?*", break_off_the_first)
    page.get_by_label("How far back").select_option("1h")
    page.wait_for_function("document.getElementById('span').value === '1h'")
    page.get_by_label("How far back").select_option("24h")
    page.get_by_label("How far back").select_option("1h")
    expect(page.locator("#charts-told")).to_contain_text("In the last 1 hour")
    assert '"broken-off"' not in asked


def test_what_changed_since_the_last_visit_is_told(page, panel):
    expect(page.locator("#changes")).to_be_hidden()
    page.goto(f"{panel.url}/tools")
    page.evaluate(
        """() => {
            localStorage.setItem("skep-last-visit", String(Math.floor(Date.now() / 1000) - 3600));
            sessionStorage.clear();
        }"""
    )
    page.goto(panel.url)

    expect(page.locator("#changes-sentence")).to_contain_text("2 approved, 2 failed, 1 blocked, 1 cancelled")
    expect(page.locator("#changes-list")).to_contain_text("count-lines failed: exit code 2")
