"""The page of the graph over a real store: a picture of hundreds, groups of thousands, text as text."""

from __future__ import annotations

import pytest

from panel import graph_views
from panel.graph_picture import line_of
from panel.graph_views import MOST_DRAWN
from tests.integration.only_text import check_only_text
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import furnish_run, weave
from tests.unit.panel.furnish_runs import RunFurnisher


def graph(browser, query=""):
    answer = browser.get(f"/api/v1/graph{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_tasks_stand_in_layers_with_their_states_and_the_longest_way(browser, store):
    furnish_run(store)

    told = graph(browser)

    layers = {node["id"]: node["layer"] for node in told["nodes"]}
    assert (layers["collect-1"], layers["sort-changes"], layers["announce-0.2"]) == (0, 1, 5)
    statuses = {node["id"]: node["status"] for node in told["nodes"]}
    assert (statuses["sort-changes"], statuses["draft-notes"]) == ("approved", "in_progress")
    assert told["critical_path"][0] == "draft-notes"
    assert told["critical_path"][-2:] == ["publish-0.2", "announce-0.2"]
    assert told["critical_is_ahead"] is True
    assert {edge["critical"] for edge in told["edges"]} == {True, False}


def test_tasks_that_wait_for_nothing_are_not_drawn_in_the_queue_but_in_their_run(browser, by):
    by.add("alone", run_id="r")
    by.add("first", run_id="r")
    by.add("second", depends_on=["first"])

    assert {node["id"] for node in graph(browser)["nodes"]} == {"first", "second"}
    assert {node["id"] for node in graph(browser, "?run=r")["nodes"]} == {"alone", "first"}
    assert {node["id"] for node in graph(browser, "?task=alone")["nodes"]} == {"alone"}


def test_a_task_is_shown_with_all_that_leads_to_it_and_all_that_follows(browser, store):
    furnish_run(store)

    around = {node["id"] for node in graph(browser, "?task=write-summary")["nodes"]}

    assert around >= {"collect-2", "sort-changes", "check-links-0.2", "publish-0.2", "announce-0.2"}
    assert "translate-de" not in around


def test_within_a_run_a_task_has_its_id_there_and_the_whole_queue_says_what_it_is(browser, store, home):
    tasks = [{"id": "first", "prompt": "x"}, {"id": "second", "prompt": "x", "deps": ["first"]}]
    RunFurnisher(store, home).start(id="extract-invoices-b3", tasks=tasks)

    page = browser.get("/graph?run=extract-invoices-b3").text
    assert '<text class="name" x="12" y="18">first</text>' in page
    assert "<bdi>second</bdi></a>: " in page
    assert '<option value="" selected>the whole queue</option>' in browser.get("/graph").text


def test_a_dependency_that_does_not_exist_stands_there_as_missing(browser, by):
    by.add("waits", depends_on=["nobody"])

    assert {(node["id"], node["status"]) for node in graph(browser)["nodes"]} == {
        ("waits", "pending"),
        ("nobody", "missing"),
    }
    assert "missing" in Seen(browser.get("/graph")).text


def test_what_does_not_exist_is_counted_by_itself_and_on_no_way(browser, by):
    by.add("first", depends_on=["nobody"])

    told = graph(browser)
    words = " ".join(Seen(browser.get("/graph")).text.split())

    assert (told["tasks"], told["missing"], told["critical_path"]) == (1, 1, ["first"])
    assert told["statuses"] == {"missing": 1, "pending": 1}
    assert "1 task, 1 dependency, 2 layers. 1 more is waited for and does not exist." in words
    assert "Longest way" not in words
    by.add("second", depends_on=["first", "nobody-else"])
    assert "Longest way ahead (2 tasks): first → second" in " ".join(Seen(browser.get("/graph")).text.split())


def test_a_cycle_is_drawn_too(browser, by):
    by.add("a", depends_on=["b"])
    by.add("b", depends_on=["a"])

    assert {node["id"] for node in graph(browser)["nodes"]} == {"a", "b"}
    assert browser.get("/graph").status_code == 200


def test_five_hundred_are_drawn_and_more_are_told_in_groups_that_can_be_opened(browser, store):
    weave(store, MOST_DRAWN, run="r")
    drawn = graph(browser)
    assert (drawn["kind"], len(drawn["nodes"])) == ("tasks", MOST_DRAWN)
    assert Seen(browser.get("/graph")).text.count("longest way") > 0

    weave(store, MOST_DRAWN + 40, run="r")  # those there are known already
    grouped = graph(browser, "?run=r")
    assert grouped["kind"] == "groups"
    assert sum(node["count"] for node in grouped["nodes"]) == MOST_DRAWN + 40
    assert len(grouped["nodes"]) <= graph_views.MOST_BANDS * 8

    links = [
        found["href"]
        for tag, found in Seen(browser.get("/graph?run=r")).tags
        if tag == "a" and "href" in found
    ]
    opened = next(link for link in links if "layer=1" in link)
    listed = Seen(browser.get(opened))
    assert "Back to all groups" in listed.text
    assert [found for _, found in listed.tags if "task=w-" in found.get("href", "")]


def test_the_nearest_of_many_are_drawn_around_a_task(browser, store):
    weave(store, 3 * MOST_DRAWN)

    told = graph(browser, "?task=w-00700")

    assert (told["kind"], told["more"]) == ("tasks", True)
    assert len(told["nodes"]) <= MOST_DRAWN


def test_no_more_dependencies_are_read_than_can_be_told(browser, store, monkeypatch):
    monkeypatch.setattr(graph_views, "MOST_EDGES", 50)
    weave(store, 200)

    told = graph(browser)

    assert (told["dependencies"], told["more"]) == (50, True)
    assert "the newest" in Seen(browser.get("/graph")).text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?task=nobody", 404),
        ("?run=nobody", 404),
        ("?task=a&run=b", 400),
        ("?layer=1", 400),
        ("?status=pending", 400),
        ("?layer=1&status=what", 400),
        ("?layer=x&status=pending", 400),
        ("?what=1", 400),
    ],
)
def test_a_wrong_address_is_refused(browser, query, status):
    assert browser.get(f"/api/v1/graph{query}").status_code == status
    assert browser.get(f"/graph{query}").status_code == status


def test_an_empty_graph_teaches_what_makes_one(browser, by):
    by.add("alone")

    assert "depends_on" in Seen(browser.get("/graph")).text


def test_the_picture_is_sent_again_only_when_something_in_it_changed(browser, by):
    by.add("a")
    by.add("b", depends_on=["a"])
    tag = browser.get("/graph/live").headers["ETag"]

    by.add("unrelated")
    assert browser.get("/graph/live", headers={"If-None-Match": tag}).status_code == 304

    by.start("c")
    by.approve("d")
    assert browser.get("/graph/live", headers={"If-None-Match": tag}).status_code == 304
    by.store.cancel("a", "cli")
    assert browser.get("/graph/live", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_of_unknown_origin_comes_out_as_text(browser, by, text):
    clean = text.encode("utf-8", "replace").decode()
    by.refuse(f"task {clean}", clean, clean)
    by.fail("bad", clean, prompt=clean)
    by.add("waits", depends_on=["bad"], run_id=clean)

    asked: tuple[dict[str, str], ...] = ({}, {"task": f"task {clean}"}, {"run": clean})
    for page in [browser.get("/graph", query_string=query) for query in asked]:
        check_only_text(page)


def test_an_edge_is_a_curve_between_layers_and_straight_through_them():
    assert line_of(((0, 0), (10, 20))) == "M0 0C5 0 5 20 10 20"
    assert line_of(((0, 0), (10, 20), (30, 20), (40, 0))) == "M0 0C5 0 5 20 10 20H30C35 20 35 0 40 0"


def test_in_the_whole_queue_a_task_of_a_run_bears_its_own_id_with_its_run_beneath(browser, store, home):
    tasks = [{"id": "first", "prompt": "x"}, {"id": "second", "prompt": "x", "deps": ["first"]}]
    tasks.append({"id": "aside", "prompt": "x", "deps": ["first"]})
    RunFurnisher(store, home).start(id="r1", tasks=tasks)

    page = browser.get("/graph").text

    assert '<text class="name" x="12" y="18">first</text>' in page
    assert '<text class="word" x="12" y="35">pending · r1</text>' in page
    assert '<a href="/tasks/r1%3Afirst" title="r1:first"><bdi>first</bdi></a> → ' in page


def test_of_a_long_way_its_beginning_and_its_end_are_told(browser, by):
    for number in range(9):
        by.add(f"step-{number}", depends_on=[f"step-{number - 1}"] if number else [])

    told = browser.get("/graph").text.partition('class="critical-path"')[2].partition("</p>")[0]

    assert [f"step-{number}" in told for number in range(9)] == [*[True] * 4, *[False] * 4, True]
    assert "4 more → " in told
