"""The page of tasks and its list: finding some of many."""

from __future__ import annotations

import pytest

from store import task_search
from tests.integration.panel_tasks import ADD, ids, shown
from tests.integration.test_panel_page import Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


@pytest.fixture
def a_few(by, store, clock):
    by.add("cheap", prompt="tell of bees", tags=["docs"], priority=5)
    clock.advance(1)
    by.add("look", command="git status", tags=["docs", "mail"])
    clock.advance(1)
    store.cancel("look", "cli")
    by.fail("bad", "exit code 1", prompt="tell of wasps")
    clock.advance(1)

    def spend(tx):
        tx.run("reserve", scope="task", named="bad", day="", micros=9)
        tx.run("book", scope="task", named="bad", day="", reserved=9, booked=1_250_000, unsettled=0)

    store.write(spend)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["bad", "look", "cheap"]),
        ("order=oldest", ["cheap", "look", "bad"]),
        ("order=cost", ["bad"]),
        ("order=ended", ["bad", "look"]),
        ("mode=local", ["look"]),
        ("tag=docs", ["look", "cheap"]),
        ("tag=docs&status=pending", ["cheap"]),
        ("source=queue_file&mode=llm&order=oldest", ["cheap", "bad"]),
        ("source=nowhere", []),
        ("q=bee", ["cheap"]),
        ("q=tell+of", ["bad", "cheap"]),
        ("q=tell&status=failed", ["bad"]),
        ("q=look", ["look"]),
    ],
)
def test_tasks_are_found_by_what_the_address_says_on_the_page_and_in_the_api(browser, a_few, query, found):
    assert ids(browser.get(f"{ADD}?{query}")) == found
    if "order=" in query or "status=" in query or not query:
        assert shown(browser.get(f"/tasks?{query}")) == found
    assert sorted(shown(browser.get(f"/list/live?{query}"))) == sorted(found)


def test_what_a_task_cost_its_tags_and_priority_stand_in_its_row(browser, a_few):
    seen = Seen(browser.get("/tasks"))

    assert "$1.25" in seen.text
    assert "priority 5" in seen.text
    assert "/tasks?tag=mail" in [found.get("href") for _, found in seen.tags]
    (task,) = browser.get(f"{ADD}?order=cost").json["tasks"]
    assert (task["cost_micros"], browser.get(f"{ADD}/bad").json["cost_micros"]) == (1_250_000, 1_250_000)
    assert browser.get(f"{ADD}/cheap").json["tags"] == ["docs"]


@pytest.mark.parametrize(
    "query",
    [
        "mode=both",
        "order=dearest",
        "q=x&order=cost",
        "after=x",
        "order=cost&after=5",
        f"tag={'x' * 300}",
        "who=me",
    ],
)
def test_a_wrong_filter_is_refused_and_says_what_may_be(browser, query):
    for path in ("/tasks", "/list/live", ADD):
        assert browser.get(f"{path}?{query}").status_code == 400


def test_pages_of_every_order_go_on_where_the_one_before_ended(browser, by):
    by.add(*[f"t{number}" for number in range(7)], tags=["docs"])
    for order in ("newest", "oldest", "priority"):
        found, path = [], f"{ADD}?limit=3&tag=docs&order={order}"
        while True:
            answer = browser.get(path)
            found += ids(answer)
            if answer.json["next"] is None:
                break
            path = f"{ADD}?limit=3&tag=docs&order={order}&after={answer.json['next']}"
        assert sorted(found) == [f"t{number}" for number in range(7)]
        assert len(found) == 7


def test_filters_stay_when_another_is_chosen_and_the_place_does_not(browser, by):
    by.add(*[f"t{number:02}" for number in range(60)], tags=["docs"])

    links = {
        found.get("id"): found.get("href")
        for _, found in Seen(browser.get("/tasks?tag=docs&mode=local")).tags
    }

    assert links["filter-failed"] == "/tasks?status=failed&mode=local&tag=docs"
    assert links["page-next"] == "/tasks?mode=local&tag=docs&after=11"
    links = {found.get("id"): found.get("href") for _, found in Seen(browser.get(links["page-next"])).tags}
    assert links["filter-all"] == links["page-first"] == "/tasks?mode=local&tag=docs"


def test_a_search_that_still_reads_says_so(browser, by, monkeypatch):
    monkeypatch.setattr(task_search, "_PATIENCE_S", 0)
    monkeypatch.setattr(task_search, "_CHUNK", 2)
    by.add(*[f"t{number}" for number in range(9)], prompt="bees")

    first = browser.get(f"{ADD}?q=bees").json
    assert (len(first["tasks"]), first["searched"]) == (2, pytest.approx(2 / 9))
    page = browser.get("/list/live?q=bees")
    assert 'id="still-reading"' in page.text
    again = browser.get("/list/live?q=bees", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 200
    assert browser.get(f"{ADD}?q=bees").json["searched"] == 1


def test_where_nothing_fits_the_page_says_so_and_shows_the_way_back(browser, a_few):
    for query, words in [
        ("status=in_progress", "No task is in progress right now."),
        ("tag=nothing", "No task fits."),
        ("q=nothing", "No task fits."),
    ]:
        assert words in Seen(browser.get(f"/list/live?{query}")).text
