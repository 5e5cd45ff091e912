"""Runs in the panel over a real store: the list, a run's page, what waits for a person."""

from __future__ import annotations

import re

import pytest

import host_platform
from panel import run_usage, run_views
from panel.graph_views import MOST_DRAWN
from store import decisions
from store.claims import Claimant
from store.records import Question
from testing.durable_runs import DurableRuns
from tests.integration.only_text import check_only_text
from tests.integration.panel_runs import *  # noqa: F403  the fixtures
from tests.integration.panel_runs import ids, told
from tests.integration.test_panel_page import HOSTILE_TEXTS, Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish_runs import ANSWERS, compare_request


def test_the_empty_page_teaches_a_workflow_that_can_be_started(browser):
    page = Seen(browser.get("/runs"))
    (example,) = re.findall(r"workflow:.*limerick\?", page.text, re.DOTALL)

    assert "skep run start first.yaml" in page.text
    assert "Start it here" in page.text
    assert browser.post("/api/v1/runs/check", {"text": example}).json["ok"]


def test_a_run_in_the_list_tells_state_progress_tokens_money_and_deadline(browser, compared, work):
    work.start(**compare_request(id="compare-2"))
    found = told(browser, "")

    assert ids(found) == ["compare-2", "compare-1"]
    first, second = found["runs"]
    assert (second["state"], second["open_tasks"], second["task_count"]) == ("completed", 0, 4)
    assert second["tokens"] > 1_000
    assert (second["cost_micros"], second["budget_micros"]) == (14_500, 50_000)
    assert (first["state"], first["open_tasks"], first["deadline"] is not None) == ("running", 4, True)
    page = Seen(browser.get("/runs")).text
    for words in (
        "compare-1",
        "completed",
        "4 of 4",
        f"{second['tokens']:,}",
        "$0.0145",
        "of $0.05",
        "Abort",
    ):
        assert words in page


def test_runs_are_found_by_state_and_by_words_of_their_id_or_name(browser, compared, work):
    work.start(id="other", name="Nightly Report", tasks=[{"id": "a", "prompt": "x"}])

    assert ids(told(browser, "?state=completed")) == ["compare-1"]
    assert ids(told(browser, "?state=running,failed")) == ["other"]
    assert ids(told(browser, "?q=nightly")) == ["other"]
    assert ids(told(browser, "?q=COMPARE")) == ["compare-1"]
    assert ids(told(browser, "?q=100%25")) == []
    page = browser.get("/runs?q=nightly&state=running")
    assert "other" in page.text
    assert "compare-1" not in Seen(page).text
    assert browser.get("/api/v1/runs?state=sleeping").status_code == 400
    assert browser.get("/api/v1/runs?stat=running").status_code == 400


def test_the_list_goes_on_where_the_page_before_ended(browser, work):
    for number in range(5):
        work.start(id=f"r-{number}", tasks=[{"id": "a", "prompt": "x"}])
    first = told(browser, "?limit=2")
    second = told(browser, f"?limit=2&before={first['next']}")
    third = told(browser, f"?limit=2&before={second['next']}")

    assert [ids(each) for each in (first, second, third)] == [["r-4", "r-3"], ["r-2", "r-1"], ["r-0"]]
    assert third["next"] is None


def test_of_many_runs_so_many_are_looked_at_and_then_more_where_it_is_asked_for(browser, work, monkeypatch):
    monkeypatch.setattr(run_views, "REACH", 3)
    for number in range(5):
        work.start(
            id=f"r-{number}", name="odd" if number == 0 else "even", tasks=[{"id": "a", "prompt": "x"}]
        )
    found = told(browser, "?q=odd")

    assert (ids(found), found["is_short"]) == ([], True)
    assert "Look further" in browser.get("/runs?q=odd").text
    assert ids(told(browser, f"?q=odd&before={found['next']}")) == ["r-0"]


def test_one_run_tells_how_it_stands_and_its_tasks_page_by_page(browser, compared):
    run = told(browser, "/compare-1")

    assert run["health"]["sentence"] == "Completed: 4 of 4 completed, for $0.0145."
    assert run["counts"] == {
        "pending": 0, "ready": 0, "running": 0, "pending_review": 0, "asks_you": 0, "completed": 4,
        "failed": 0, "skipped": 0,
    }  # fmt: skip
    first = told(browser, "/compare-1/tasks?limit=3")
    second = told(browser, f"/compare-1/tasks?limit=3&after={first['next']}")
    assert [task["id"] for page in (first, second) for task in page["tasks"]] == [
        "against", "experience", "for", "verdict"
    ]  # fmt: skip
    assert (second["next"], second["tasks"][0]["task_id"]) == (None, "compare-1:verdict")
    assert second["tasks"][0]["output"] == ANSWERS["verdict"]


def test_the_ledger_says_what_a_task_was_told_and_what_was_left_out(browser, compared):
    ledger = told(browser, "/compare-1/tasks/verdict")["context"]

    assert [(line["task"], line.get("placed")) for line in ledger["told"]] == [
        ("for", True),
        ("experience", None),
        ("memory tone", None),
    ]
    assert [line["task"] for line in ledger["dropped"]] == ["against"]
    page = Seen(browser.get("/runs/compare-1")).text
    part = page[page.index("Context ledger") :]
    for line in [*ledger["told"], *ledger["dropped"]]:
        assert line["output_ref"][:12] in part
    assert "by keep_last_n" in part


def test_tasks_are_found_by_their_state_in_the_words_of_runs(browser, work):
    tasks = [{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x", "deps": ["a"]}]
    tasks += [{"id": "c", "prompt": "x", "deps": ["b"]}]
    work.start(id="r", policy={"on_failure": "continue"}, tasks=tasks)
    work.go(lambda name: "fine", fails="b")

    for state, names in {"completed": ["a"], "failed": ["b"], "skipped": ["c"], "running": []}.items():
        assert [each["id"] for each in told(browser, f"/r/tasks?state={state}")["tasks"]] == names, state
    assert told(browser, "/r")["counts"]["skipped"] == 1
    assert told(browser, "/r")["health"]["sentence"].startswith("Failed: task b:")
    assert browser.get("/api/v1/runs/r/tasks?state=approved").status_code == 400


def test_a_task_says_why_it_waits_and_leads_back_to_its_run(browser, work, running_worker):
    work.start(
        id="r", policy={"max_parallelism": 1}, tasks=[{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x"}]
    )
    work.claim()

    waits = told(browser, "/r/tasks")["tasks"][1]["waiting_for"]
    assert waits == "a slot of its run (1 of its tasks at once: max_parallelism)"
    page = browser.get("/runs/r")
    assert waits in Seen(page).text
    assert told(browser, "/r")["health"]["sentence"] == "Working: 0 of 2 completed."
    task = browser.get("/tasks/r:a")
    assert ("a", {"id": "to-run", "href": "/runs/r"}) in Seen(task).tags


def test_the_graph_names_tasks_within_their_run_and_in_its_words(browser, compared):
    page = browser.get("/run/graph/compare-1").text

    assert '<text class="name" x="12" y="18">verdict</text>' in page
    assert "completed" in page
    assert 'href="/tasks/compare-1%3Averdict"' in page


def test_a_run_of_more_tasks_than_can_be_drawn_is_drawn_in_groups_when_the_page_is_there(browser, work):
    tasks = [{"id": f"t{number}", "prompt": "x"} for number in range(MOST_DRAWN + 1)]
    work.start(id="large", tasks=[*tasks, {"id": "end", "prompt": "x", "deps": ["t0"]}])

    page = browser.get("/runs/large").text
    assert 'hx-trigger="load, skep:refresh"' in page
    assert "<svg id=" not in page
    assert "These are more tasks than a picture can show." in browser.get("/run/graph/large").text


def test_spending_is_told_over_time_against_the_limit(browser, compared):
    burn = told(browser, "/compare-1/spending")

    assert burn["spent_micros"] == sorted(burn["spent_micros"])
    assert (burn["spent_micros"][0], burn["spent_micros"][-1]) == (0, 14_500)
    assert burn["at"] == sorted(burn["at"])
    assert len(burn["at"]) == len(burn["spent_micros"]) == len(burn["tokens"])
    assert [mark["micros"] for mark in burn["marks"]] == [25_000, 40_000, 50_000]
    assert burn["sentence"].startswith("$0.0145 of $0.05 (29 %) spent; ")


def test_a_large_run_is_counted_beside_the_requests(browser, compared, app, monkeypatch):
    monkeypatch.setattr(run_usage, "LARGE", 3)
    before = told(browser, "/compare-1/spending")
    app.extensions["skep-panel"].run_usage.close()  # waits for the count

    assert before["spent_micros"][-1] == 14_500
    assert told(browser, "/compare-1")["tokens"] > 1_000
    assert told(browser, "/compare-1")["counts"]["completed"] == 4
    assert len(told(browser, "/compare-1/spending")["at"]) > 2


def test_the_timeline_has_a_bar_for_each_task_that_began(browser, compared):
    bars = told(browser, "/compare-1/timeline")["bars"]

    assert [bar["id"] for bar in bars][-1] == "verdict"
    assert all(bar["start_s"] <= bar["end_s"] for bar in bars)
    assert browser.get("/run/timeline/compare-1").text.count('class="bar completed"') == 4


def test_the_request_starts_the_same_again(browser, compared):
    answer = browser.get("/api/v1/runs/compare-1/request")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="compare-1.json"'
    again = browser.post("/api/v1/runs", answer.json)
    assert again.status_code == 200, again.text
    assert again.json["run"]["task_count"] == 4
    assert again.json["run"]["budget_micros"] == 50_000


def test_a_question_about_a_task_of_the_run_is_answered_on_its_page(browser, work):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    (claim,) = work.claim()
    work.ask(claim, "An answer.")
    (asked,) = told(browser, "/r")["decisions"]

    page = browser.get("/run/head/r").text
    assert asked["question"].replace("r:", "") in page
    assert f"/api/v1/decisions/{asked['id']}/answer" in page
    given = {"answer": "approve", "digest": asked["digest"]}
    assert browser.post(f"/api/v1/decisions/{asked['id']}/answer", given).status_code == 200
    assert told(browser, "/r")["state"] == "completed"


def test_a_result_of_the_run_is_shown_before_it_is_answered_as_in_the_inbox(browser, work):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    (claim,) = work.claim()
    work.ask(claim, "An answer <nobody> has seen.")
    (asked,) = told(browser, "/r")["decisions"]
    (card,) = browser.get("/api/v1/decisions").json["decisions"]
    page = Seen(browser.get("/run/head/r"))

    assert asked == card
    assert asked["about"] == "An answer <nobody> has seen."
    for words in (asked["about"], asked["digest"], asked["bytes"], "Requeue with feedback"):
        assert words in page.text
    assert {f"{word} r:a" for word in ("Approve", "Requeue with feedback", "Reject")} <= set(page.buttons())
    shown = {found["data-about-from"] for _, found in page.tags if "data-about-from" in found}
    assert shown == {f"about-{asked['id']}"}


def test_table_filter_headline_graph_and_timeline_call_a_held_task_the_same(browser, work, running_worker):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    (claim,) = work.claim()
    work.ask(claim, "An answer.")

    assert told(browser, "/r")["counts"]["pending_review"] == 1
    assert "0 running, 1 pending review" in told(browser, "/r")["health"]["detail"]
    assert [each["state"] for each in told(browser, "/r/tasks?state=pending_review")["tasks"]] == [
        "pending_review"
    ]
    assert told(browser, "/r/tasks?state=running")["tasks"] == []
    assert [each["state"] for each in told(browser, "/r/timeline")["bars"]] == ["pending_review"]
    for part in ("tasks", "graph"):
        assert "pending review" in Seen(browser.get(f"/run/{part}/r")).text
    assert "pending review" in Seen(browser.get("/tasks")).text


def test_a_question_of_the_run_is_no_result_to_review_and_is_named_so_everywhere(
    browser, work, running_worker
):
    work.start(id="r", tasks=[{"id": "q", "ask": "Ship it?"}])
    assert work.claim() == []

    counts = told(browser, "/r")["counts"]
    assert (counts["asks_you"], counts["pending_review"]) == (1, 0)
    assert "0 running, 1 asks you" in told(browser, "/r")["health"]["detail"]
    (task,) = told(browser, "/r/tasks?state=asks_you")["tasks"]
    assert (task["id"], task["state"]) == ("q", "asks_you")
    assert told(browser, "/r/tasks?state=pending_review")["tasks"] == []
    for page in ("/run/tasks/r", "/run/graph/r", "/tasks", "/tasks/r:q"):
        assert "asks you" in Seen(browser.get(page)).text, page


def test_a_question_about_the_money_of_the_run_is_answered_on_its_page(browser, work, store):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    work.start(id="other", tasks=[{"id": "a", "prompt": "x"}])
    about = {"limit": "run:r", "needed_micros": 5, "more_micros": 10}
    asks = Question("budget", "The run needs $0.10 more.", ("needed", "more", "no"), about)
    store.write(lambda tx: decisions.ask(tx, asks, None, status=None))

    assert [each["question"] for each in told(browser, "/r")["decisions"]] == [asks.question]
    assert told(browser, "/other")["decisions"] == []
    assert "Add what is needed" in browser.get("/run/head/r").text


def test_an_idle_page_costs_empty_answers(browser, compared):
    for part in ("head", "graph", "tasks", "timeline"):
        first = browser.get(f"/run/{part}/compare-1")
        again = browser.get(f"/run/{part}/compare-1", {"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.text) == (200, 304, ""), part


def test_what_a_run_that_ended_shows_is_not_drawn_anew_for_what_others_do(browser, compared, by):
    tag = browser.get("/run/graph/compare-1").headers["ETag"]
    by.add("something-else")

    assert browser.get("/run/graph/compare-1", {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_in_a_run_is_only_text(browser, work, text):
    clean = text.encode("utf-8", "replace").decode()
    tasks = [{"id": "a", "prompt": clean or "x"}, {"id": "b", "prompt": f"{clean} b", "deps": ["a"]}]
    work.start(
        id="nasty", called=clean[:200], memory={"key": clean}, tasks=[*tasks, {"id": "c", "prompt": "c"}]
    )
    first = work.claim()
    for claim in first:
        if claim.id == "nasty:a":
            work.end(claim, clean)
    work.fork("nasty", task="b", id="other", prompt=clean)
    for claim in work.claim():
        if claim.id.endswith("b"):
            work.fail(claim, clean)

    for path in ("/runs", "/runs/nasty", "/run/diff/nasty/other", "/run/head/nasty", "/run/tasks/nasty"):
        page = browser.get(path)
        assert page.status_code == 200, path
        check_only_text(page)


def test_strangers_and_foreign_pages_are_kept_out(browser, stranger, compared):
    assert stranger.get("/api/v1/runs").status_code == 401
    assert stranger.get("/runs/compare-1").status_code == 401
    assert browser.post("/api/v1/runs/compare-1/resume", headers={"X-CSRF-Token": None}).status_code == 403


@pytest.mark.parametrize("path", ["/runs/none", "/run/head/none", "/run/diff/compare-1/none"])
def test_a_run_that_is_not_there_is_answered_with_a_page_that_says_so(browser, compared, path):
    answer = browser.get(path, headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "none" in answer.text


def test_a_run_within_a_run_leads_to_the_one_above_and_back(browser, store, home):
    who = Claimant("worker-1", host_platform.this_process(), 3600.0)
    rig = DurableRuns(store, who, lambda name: f"ok:{name}")
    rig.read_outputs(home.outputs)
    inner = {"name": "inner", "steps": [{"id": "x", "prompt": "Write"}]}
    above = rig.start(tasks=[{"id": "sub", "run": {"workflow": inner}}])
    rig.go(above)
    below = rig.shown(above)["tasks"]["sub"]["child"]

    assert f'done by the run <a href="/runs/{below}">' in browser.get(f"/runs/{above}").text
    assert f'Part of</dt><dd><a href="/runs/{above}">' in browser.get(f"/runs/{below}").text
