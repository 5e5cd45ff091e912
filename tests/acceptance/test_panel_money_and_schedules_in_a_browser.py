"""Money, schedules and the graph as a person meets them, in a real Chromium."""

from __future__ import annotations

import re

import pytest

from store import budgets
from tests.unit.panel.furnish import furnish_money, furnish_run
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from tests.unit.panel.in_a_browser import visiting

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(context, panel):
    with visiting(context, panel, refused=" 400 ") as page:
        yield page


def test_a_budget_is_topped_up_and_its_limit_set_and_cleared(page, panel):
    furnish_money(panel.store)
    page.goto(f"{panel.url}/budget")
    day = page.locator('tr[data-limit="day"]')
    expect(day).to_contain_text("$5.00")

    day.get_by_role("button", name="Top up day").click()
    dialog = page.locator("#money-add")
    expect(dialog.get_by_label("Amount in dollars")).to_be_focused()
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("dollars over 0")
    dialog.get_by_label("Amount in dollars").fill("2.50")
    expect(dialog).to_contain_text("skep budget add 2.50 --limit day")
    page.keyboard.press("Enter")

    expect(dialog).to_be_hidden()
    expect(page.locator("#told")).to_have_text("The budget day has $2.50 more.")
    expect(day).to_contain_text("$7.50")
    expect(day.get_by_role("button", name="Top up day")).to_be_focused()

    day.get_by_role("button", name="Set day").click()
    dialog = page.locator("#money-set")
    dialog.get_by_label("Amount in dollars").fill("20")
    dialog.get_by_label("Why?").fill("release <b>week</b>")
    dialog.get_by_role("button", name="Set the limit").click()
    expect(day).to_contain_text("$22.50")
    expect(day).to_contain_text("release <b>week</b>")

    day.get_by_role("button", name="Clear day").click()
    page.locator("#ask").get_by_role("button", name="Clear").click()
    expect(day).to_contain_text("settings: budget_day_usd")
    assert set(budgets.overrides(panel.store.reader)) == {"total"}


def test_a_schedule_is_followed_run_skipped_and_stopped(page, panel):
    panel.by.add("nightly", every="0 3 * * *", prompt="Write the report.")
    page.goto(f"{panel.url}/schedules")
    card = page.locator('[data-schedule="nightly"]')
    expect(card).to_contain_text("every day at 03:00")
    expect(card.locator(".times li")).to_have_count(5)

    card.get_by_role("button", name="Run now nightly").click()
    expect(page.locator("#told")).to_contain_text("is in the queue")
    expect(card.locator(".last")).to_contain_text(re.compile(r"nightly\.\d{8}T\d{6}Z"))

    first = card.locator(".times li").first.locator("time").first
    skipped = first.get_attribute("datetime")
    card.get_by_role("button", name="Skip the next nightly").click()
    page.locator("#ask").get_by_role("button", name="Skip the next").click()
    expect(page.locator("#told")).to_contain_text("skips")
    expect(first).not_to_have_attribute("datetime", skipped)

    card.get_by_role("button", name="Stop nightly").click()
    page.locator("#ask").get_by_label("Why?").fill("enough")
    page.locator("#ask").get_by_role("button", name="Stop").click()
    expect(card).to_have_count(0)
    assert panel.state("nightly") == "cancelled"
    assert panel.store.reader.task("nightly")["reason"] == "enough"


def test_the_graph_follows_the_states_and_leads_on_by_keyboard(page, panel):
    furnish_run(panel.store)
    page.goto(f"{panel.url}/graph?run=release-0.2")
    node = page.locator('a[data-task="publish-0.2"]')
    expect(node).to_have_attribute("aria-label", "publish-0.2: pending, on the longest way")
    assert node.get_attribute("href") == "/tasks/publish-0.2"
    node.focus()
    page.evaluate("window.isTheSamePage = true")

    panel.store.cancel("publish-0.2", "cli")

    expect(node).to_have_attribute("aria-label", "publish-0.2: cancelled")
    expect(node).to_be_focused()
    assert page.evaluate("window.isTheSamePage") is True

    page.get_by_text("The same as a list").click()
    page.get_by_role("link", name="Graph around write-summary").click()
    expect(page).to_have_url(f"{panel.url}/graph?task=write-summary")
    expect(page.locator("#graph-summary")).to_contain_text("Around write-summary")
    expect(page.locator('a[data-task="translate-de"]')).to_have_count(0)
    page.get_by_label("Its id").fill("release-0.2")
    page.get_by_label("Graph of a task or a run").select_option("run")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(f"{panel.url}/graph?run=release-0.2")
