"""The panel's list of tools, as a page and as JSON."""

from __future__ import annotations

import pytest

from store import tool_uses
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures

TOOLS = """
[[tool]]
name = "count-lines"
description = "Counts <b>lines</b>; key sk-ant-REDACTED"
argv = ["wc", "-l", "x.txt"]

[[tool]]
name = "checklist"
description = "What is left to do."
"""


@pytest.fixture
def tools(home):
    (home.root / "config").mkdir(exist_ok=True)
    (home.root / "config/tools.toml").write_text(TOOLS.replace("REDACTED", "api03-" + "a1B2" * 12), "utf-8")


def used(by, store, tool, became):
    """An attempt of a task that was routed to a tool."""
    task = f"{tool}-{became}"
    by.start(task)
    row = store.reader.task(task)

    def conclude(tx):
        tool_uses.note(tx, row["seq"], row["lease"], tool, 70)
        tx.run("end_attempt", task=row["seq"], lease=row["lease"], became=became, findings=None, now=tx.now)

    store.write(conclude)


def test_every_tool_is_told_with_what_became_of_its_tasks(browser, by, store, tools):
    for became in ("approved", "rejected", "requeue"):
        used(by, store, "count-lines", became)
    used(by, store, "thrown-away", "approved")

    answer = browser.get("/api/v1/tools").json
    rows = {row["name"]: row for row in answer["tools"]}

    assert answer["trouble"] is None
    assert list(rows) == ["count-lines", "checklist", "thrown-away"]
    assert [row["kind"] for row in rows.values()] == ["run", "context", "gone"]
    counted = rows["count-lines"]
    assert (counted["hits"], counted["approvals"], counted["rejections"]) == (3, 1, 1)
    assert (counted["saved_tokens"], counted["standing"]) == (70, 0.833)
    assert "api03" not in counted["description"]


def test_the_page_shows_the_same_and_escapes_it(browser, tools):
    page = browser.get("/tools").text

    assert "count-lines" in page
    assert "&lt;b&gt;lines&lt;/b&gt;" in page
    assert 'href="/tools" aria-current="page"' in page


def test_files_that_cannot_be_read_are_told(browser, home, tools):
    (home.root / "config/tools.toml").write_text("[[tool]", "utf-8")

    assert "config/tools.toml" in browser.get("/api/v1/tools").json["trouble"]
    assert "config/tools.toml" in browser.get("/tools").text


def test_without_tools_the_page_says_how_to_get_one(browser):
    assert "skep tools keep" in browser.get("/tools").text


def test_nobody_sees_them_without_logging_in(stranger, tools):
    assert stranger.get("/api/v1/tools").status_code == 401
    assert "count-lines" not in stranger.get("/tools").text
