"""What holds for every page of the panel: to eyes, keyboard and screen reader, and against hostile text."""

from __future__ import annotations

import contextlib

import pytest

from panel.navigation import PAGES
from settings import Home
from tests.unit.panel.furnish import (
    HOSTILE,
    REVERSED,
    furnish,
    furnish_money,
    furnish_pages_of_tasks,
    furnish_run,
)
from tests.unit.panel.furnish_rooms import furnish_rooms
from tests.unit.panel.furnish_runs import RunFurnisher, furnish_runs
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import RunningPanel

sync_api = pytest.importorskip("playwright.sync_api")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

#: Pages that are reached from others.
DEEPER = [
    "/add",
    "/tasks/write-notes",
    "/tasks/board-report",
    "/tasks/nasty-asked",
    "/tasks/nasty-failed",
    "/tasks/nasty-long",
    "/log/processes",
    "/inbox?show=answered",
    "/graph?task=publish-0.2",
    "/budget?by=tag&days=7",
    "/start-run",
    "/runs/compare-08ffd993",
    "/runs/report-on-a-repository-41c9",
    "/runs/nasty",
    "/run/diff/compare-08ffd993/compare-5c1e77a0",
]
PATHS = [*(f"/{page.name}" if page.name != "overview" else "/" for page in PAGES), *DEEPER]
#: Pages that show an example where nothing is yet.
EMPTY = ["/", "/graph", "/runs"]
LONG_LINE = "x" * 3_000_000
NASTY = (
    f"{HOSTILE} {REVERSED} \x1b[31mred\x1b[0m \x07 <img src=x onerror=\"document.title='owned'\"> "
    "{{191*7001}}"
)
#: What axe-core calls these is what keeps people out.
GRAVE = {"serious", "critical"}
#: And this makes it hard to find one's way.
WANTED = {"landmark-unique"}

#: Words of the tables, but for ids and texts of others, that stand in two lines.
BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("table.sheet :is(th, td)")) {
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
      const node = words.currentNode;
      if (node.parentElement.closest(":not(.prose) > bdi, code, pre, thead .visually-hidden")) continue;
      for (const found of node.data.matchAll(/\\p{Letter}+/gu)) {
        const range = new Range();
        range.setStart(node, found.index);
        range.setEnd(node, found.index + found[0].length);
        if (new Set([...range.getClientRects()].map((line) => line.top)).size > 1) broken.push(found[0]);
      }
    }
  }
  return broken;
}"""

#: What is pressed and is lower than 24 pixels (w3.org/TR/WCAG22/#target-size-minimum), but for links in
#: sentences. A box to tick is pressed with its label.
LOW_TARGETS = """() => {
  const pressed = document.querySelectorAll("main :is(button, summary, select, input, nav a)");
  return [...pressed]
    .map((each) => (each.matches("[type=checkbox], [type=radio]") && each.closest("label")) || each)
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && box.height < 23.9)
    .map(([html, box]) => `${html}: ${box.height}`);
}"""


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    with RunningPanel(Home(tmp_path_factory.mktemp("home"))) as running:
        furnish_runs(running.store, running.home)
        _furnish_nasty_run(running)
        furnish_run(running.store)
        furnish_money(running.store)
        furnish(running.store)
        furnish_rooms(running.store, running.home)
        by = running.by
        furnish_pages_of_tasks(by)
        by.ask("nasty-asked", NASTY, NASTY, prompt=NASTY, tags=["nasty"])
        by.approve("nasty-done", NASTY + LONG_LINE, prompt=NASTY)
        by.fail("nasty-failed", NASTY, prompt=NASTY)
        by.fail("nasty-long", NASTY, command="ls -l " + "docs/queue.md " * 60)
        by.refuse(f"nasty {NASTY}", NASTY, NASTY)
        yield running


def _furnish_nasty_run(running):
    work = RunFurnisher(running.store, running.home)
    tasks = [
        {"id": name, "prompt": NASTY, "deps": deps} for name, deps in (("a", []), ("b", ["a"]), ("c", []))
    ]
    policy = {"on_failure": "continue"}
    work.start(id="nasty", called=NASTY, memory={"key": NASTY}, policy=policy, tasks=tasks)
    for claim in work.claim():
        if claim.id == "nasty:a":
            work.end(claim, NASTY)
        elif claim.id == "nasty:c":
            work.fail(claim, NASTY)


@pytest.fixture(scope="module")
def looking(chromium, panel):
    """A browser that is logged in."""
    with contextlib.closing(chromium.new_context(color_scheme="light")) as context:
        page = context.new_page()
        page.goto(panel.link)
        page.wait_for_selector("#live")
        yield page


def visit(page, panel, path):
    page.set_viewport_size({"width": 1280, "height": 900})
    answer = page.goto(f"{panel.url}{path}")
    assert answer.status == 200, path
    page.wait_for_selector("#main")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_grave_is_found_by_axe_by_day_and_by_night(looking, panel, path):
    visit(looking, panel, path)
    axe = axe_playwright.Axe()

    by_day = axe.run(looking).response["violations"]
    looking.emulate_media(color_scheme="dark")
    looking.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    # Nothing but the colours differs.
    by_night = axe.run(
        looking, options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
    ).response["violations"]
    looking.emulate_media(color_scheme="light")

    assert [
        (each["id"], each["help"], each["nodes"][0]["html"][:200], each["nodes"][0]["failureSummary"])
        for each in [*by_day, *by_night]
        if each["impact"] in GRAVE or each["id"] in WANTED
    ] == []


def test_nothing_grave_is_found_by_axe_where_nothing_is_yet(chromium, tmp_path):
    with RunningPanel(Home(tmp_path)) as empty, contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(empty.link)
        page.wait_for_selector("#live")
        found = [
            (path, width, each["id"], each["nodes"][0]["html"][:200])
            for path in EMPTY
            for width in (1280, 390)
            for each in _violations_at(page, empty, path, width)
            if each["impact"] in GRAVE or each["id"] in WANTED
        ]

    assert found == []


def _violations_at(page, panel, path, width):
    visit(page, panel, path)
    page.set_viewport_size({"width": width, "height": 844})
    # What the width changes is what scrolls and what is where.
    options = {"resultTypes": ["violations"]} | (
        {"runOnly": ["scrollable-region-focusable"]} if width == 1280 else {}
    )
    return axe_playwright.Axe().run(page, options=options).response["violations"]


def test_the_keyboard_reaches_what_scrolls_on_a_phone(looking, panel):
    visit(looking, panel, "/tasks/nasty-long")
    looking.set_viewport_size({"width": 390, "height": 844})

    rule = {"runOnly": ["scrollable-region-focusable"], "resultTypes": ["violations"]}
    assert axe_playwright.Axe().run(looking, options=rule).response["violations"] == []


@pytest.mark.parametrize("path", ["/safety", "/runs"])
def test_words_of_a_table_stay_whole_on_a_phone(looking, panel, path):
    visit(looking, panel, path)
    looking.set_viewport_size({"width": 390, "height": 900})

    assert looking.evaluate(BROKEN_WORDS) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_is_pressed_is_less_than_24_pixels_high_on_a_phone(looking, panel, path):
    visit(looking, panel, path)
    looking.set_viewport_size({"width": 390, "height": 844})
    looking.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")

    assert looking.evaluate(LOW_TARGETS) == []


@pytest.mark.parametrize("path", PATHS)
def test_hostile_text_is_only_text_and_nothing_is_wider_than_the_window(looking, panel, path):
    complaints = []
    looking.on("pageerror", lambda error: complaints.append(str(error)))
    looking.on("dialog", lambda dialog: complaints.append(dialog.message))
    visit(looking, panel, path)

    assert "owned" not in looking.title()
    assert looking.evaluate("document.querySelectorAll('img[onerror], main script').length") == 0
    text = looking.evaluate("document.body.innerText")
    assert not set("\x1b\x07\u202e") & set(text)
    assert "1337191" not in text
    for width in (1280, 390, 320):
        looking.set_viewport_size({"width": width, "height": 900})
        assert looking.evaluate("document.documentElement.scrollWidth") <= width, width
    assert complaints == []


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_walked_with_the_keyboard_and_the_focus_is_seen(looking, panel, path):
    visit(looking, panel, path)
    looking.evaluate("document.body.focus()")
    seen = []
    for _ in range(40):
        looking.keyboard.press("Tab")
        seen.append(
            looking.evaluate(
                """() => {
                    const at = document.activeElement, style = getComputedStyle(at);
                    const box = at.getBoundingClientRect();
                    return {
                        what: at.id || at.textContent.trim().slice(0, 40) || at.tagName,
                        isOnPage: at !== document.body,
                        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                        hasSize: box.width > 0 && box.height > 0,
                    };
                }"""
            )
        )
        if not seen[-1]["isOnPage"]:
            break
    at = [each for each in seen if each["isOnPage"]]

    assert [each["what"] for each in at if not (each["isSeen"] and each["hasSize"])] == []
    reached = {each["what"] for each in at}
    assert {f"to-{page.name}" for page in PAGES} <= reached
