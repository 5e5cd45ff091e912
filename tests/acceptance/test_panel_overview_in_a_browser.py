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


#: The height of the line that the words of each part named stand on.
BASELINES = """(parts) => [...document.querySelectorAll(parts)].map((part) => {
    const mark = document.createElement("span");
    mark.style.cssText = "display: inline-block; width: 0; height: 0";
    part.append(mark);
    const { bottom } = mark.getBoundingClientRect();
    mark.remove();
    return bottom;
})"""


@pytest.mark.parametrize("row", [".switch", ".steering"])
def test_command_lines_stand_on_the_line_of_the_buttons_beside_them(page, panel, row):
    page.set_viewport_size({"width": 1440, "height": 900})

    lines = page.evaluate(BASELINES, f"{row} :is(button:not(.copy), summary)")

    assert len(lines) >= 2
    assert max(lines) - min(lines) < 1, lines


@pytest.mark.parametrize("model", ["m", "claude-sonnet-4-5-20250929", "meta-llama/Llama-3.3-70B-Instruct"])
@pytest.mark.parametrize("reached", [True, None, False])
def test_the_word_of_how_a_model_stands_is_beside_its_dot_however_long_its_name(page, panel, model, reached):
    page.set_viewport_size({"width": 1280, "height": 800})
    fact = {"ready": True, "model": model, "endpoint": "http://x/v1", "reason": "no", "reached": reached}
    panel.store.set_fact("model_status", fact, "daemon.model")
    expect(page.locator("#models b")).to_have_text(model)

    dot, word = page.locator("#models .dot").bounding_box(), page.locator("#models .word").bounding_box()

    assert 0 < word["x"] - (dot["x"] + dot["width"]) < 12
    assert word["y"] <= dot["y"] < word["y"] + word["height"]
    name = page.locator("#models b").evaluate("(name) => [name.scrollWidth, name.clientWidth]")
    assert name[0] <= name[1] + 1


def test_charts_are_drawn_and_their_figures_can_be_read(page, panel):
    expect(page.locator("#throughput canvas")).to_be_visible()
    expect(page.locator("#latency canvas")).to_be_visible()
    expect(page.locator("#charts-told")).to_contain_text("2 approved, 3 failed, 1 cancelled.")
    page.get_by_label("How far back").select_option("1h")
    expect(page.locator("#charts-told")).to_contain_text("In the last 1 hour")
    page.get_by_text("The figures as a table").click()
    expect(page.locator("#figures-rows tr").first).to_be_visible()


@pytest.mark.parametrize("body", ['{"at": [1', "{}", "null", '{"span": "1h"}'])
def test_figures_that_cannot_be_read_are_asked_for_again(page, panel, body):
    """The tag of what was not read to its end is not told to the server, which would send it no more."""
    expect(page.locator("#charts-told")).to_contain_text("In the last")
    asked: list[str | None] = []

    def break_off_the_first(route):
        asked.append(route.request.headers.get("if-none-match"))
        if len(asked) == 1:
            route.fulfill(body=body, headers={"ETag": '"broken-off"', "Content-Type": "application/json"})
        else:
            route.continue_()

    page.route("**/api/v1/series?*", break_off_the_first)
    page.get_by_label("How far back").select_option("1h")
    page.wait_for_function("document.getElementById('span').value === '1h'")
    page.get_by_label("How far back").select_option("24h")
    page.get_by_label("How far back").select_option("1h")
    expect(page.locator("#charts-told")).to_contain_text("In the last 1 hour")
    assert '"broken-off"' not in asked


#: `reads`: the last reading for each span. Who waits for one goes on once it was drawn, if it is.
KEEP_READS = """() => {
    const read = readJson;
    window.reads = {};
    window.readJson = (path, tag) => {
        const found = read(path, tag);
        window.reads[path.split("=")[1]] = found;
        return found;
    };
}"""


def test_figures_of_a_span_that_is_chosen_no_more_are_not_drawn_when_they_come_late(page, panel):
    told, span = page.locator("#charts-told"), page.get_by_label("How far back")
    expect(told).to_contain_text("In the last 24 hours: 2 approved")
    held: list = []
    page.route("**/api/v1/series?span=24h", lambda route: held.insert(0, route))
    page.evaluate(KEEP_READS)
    span.select_option("6h")
    span.select_option("24h")
    while not held:
        page.evaluate("0")
    span.select_option("1h")
    page.evaluate("() => reads['1h']")
    expect(told).to_contain_text("In the last 1 hour: 2 approved")

    answer = held[0].fetch()
    figures = answer.json()
    figures["approved"][0] += 97
    held[0].fulfill(response=answer, json=figures)

    assert page.evaluate("() => reads['24h'].then((found) => found.said.span)") == "24h"
    assert "In the last 1 hour: 2 approved" in told.text_content()


#: `turned`: the colours of the system have changed, and what the page does about it is done.
KEEP_TURN = """() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    window.turned = new Promise((resolve) => dark.addEventListener("change", resolve, { once: true }));
}"""


def test_figures_that_are_drawn_anew_are_told_by_their_own_span(page, panel):
    """The colours of the system change while the figures of another span are under way."""
    told = page.locator("#charts-told")
    expect(told).to_contain_text("In the last 24 hours")
    page.route("**/api/v1/series?span=1h", lambda route: None)
    with page.expect_request("**/api/v1/series?span=1h"):
        page.get_by_label("How far back").select_option("1h")
    page.evaluate(KEEP_TURN)
    page.emulate_media(color_scheme="dark")

    page.evaluate("() => turned")
    expect(told).to_contain_text("In the last 24 hours")


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
