"""The panel's list of tools, as a page and as JSON."""

from __future__ import annotations

import pytest

from commands.place import Place
from commands.route import router_of
from store import tool_uses
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import HOSTILE

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


# -- filters, the live part and the route ------------------------------------------------------------------


def test_filters_choose_by_kind_and_word(browser, by, store, tools):
    used(by, store, "thrown-away", "approved")

    assert "checklist" not in browser.get("/tools/live?kind=run").text
    assert "count-lines" not in browser.get("/tools/live?text=LEFT to").text
    assert "checklist" in browser.get("/tools/live?text=LEFT to").text
    assert "thrown-away" in browser.get("/tools/live?kind=gone").text
    assert "No tool fits." in browser.get("/tools?text=nonsense").text
    assert browser.get("/tools?kind=x").status_code == 400


def test_the_list_changes_with_uses_and_files_and_else_costs_nothing(browser, by, store, home, tools):
    tag = browser.get("/tools/live").headers["ETag"]
    assert browser.get("/tools/live", headers={"If-None-Match": tag}).status_code == 304

    used(by, store, "count-lines", "approved")
    after = browser.get("/tools/live", headers={"If-None-Match": tag})
    assert after.status_code == 200
    (home.root / "config/tools.toml").write_text("", "utf-8")

    assert browser.get("/tools/live", headers={"If-None-Match": after.headers["ETag"]}).status_code == 200
    assert "checklist" not in browser.get("/tools").text


@pytest.mark.parametrize(
    "text", ["count lines", "run count-lines", "what is left to do?", "Write a poem about rain.", HOSTILE]
)
def test_the_route_is_that_of_the_command_line(browser, home, tools, text):
    told = browser.post("/api/v1/tools/route", {"text": text}).json

    assert told == router_of(Place(home)).route(text).as_json()


def test_a_request_that_cannot_be_routed_says_why(browser, home, tools):
    for body in ({}, {"text": ""}, {"text": 1}, {"text": "x" * 200_001}, {"words": "x"}):
        assert browser.post("/api/v1/tools/route", body).status_code == 400
    (home.root / "config/tools.toml").write_text("[[tool]", "utf-8")

    answer = browser.post("/api/v1/tools/route", {"text": "x"})
    assert (answer.status_code, "config/tools.toml" in answer.json["detail"]) == (409, True)
