"""Runs started, steered, forked and compared from the panel, over a real store."""

from __future__ import annotations

import json

import pytest

from tests.integration.panel_runs import *  # noqa: F403  the fixtures
from tests.integration.panel_runs import COMPARE, know, told
from tests.integration.test_panel_page import Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish_runs import ANSWERS


def test_what_is_wrong_with_a_document_is_told_with_line_and_column(browser):
    text = "workflow:\n  name: w\n  steps:\n    - id: a\n      prompt: x\n      depends_on: [b]\n"
    found = browser.post("/api/v1/runs/check", {"text": text}).json

    assert found["ok"] is False
    (problem,) = found["problems"]
    assert (problem["rule"], problem["line"], problem["column"]) == ("dependency_not_found", 6, 20)
    broken = browser.post("/api/v1/runs/check", {"text": "workflow: [\n"}).json["problems"][0]
    assert (broken["rule"], broken["line"]) == ("unreadable", 2)
    deep = browser.post("/api/v1/runs/check", {"text": "[" * 20_000}).json["problems"][0]
    assert (deep["line"], deep["column"]) == (1, 33)
    assert "nested more than 32 deep" in deep["message"]
    request = '{"tasks": [{"id": "a", "prompt": "x"},\n {"id": "b", "prompt": "{{deps.a.output}}"}]}'
    place = browser.post("/api/v1/runs/check", {"text": request}).json["problems"][0]
    assert (place["path"], place["line"]) == ("tasks[1].prompt", 2)
    refused = browser.post("/api/v1/runs/document", {"text": text})
    assert (refused.status_code, refused.json["problems"][0]["line"]) == (400, 6)


@pytest.mark.parametrize("text", [COMPARE, '{"id": "own", "tasks": [{"id": "a", "prompt": "x"}]}'])
def test_a_bad_id_beside_a_document_is_told_at_its_own_field(browser, text):
    (problem,) = browser.post("/api/v1/runs/check", {"text": text, "id": "a b/"}).json["problems"]
    refused = browser.post("/api/v1/runs/document", {"text": text, "id": "a b/"})

    assert (problem["path"], problem["line"], problem["column"]) == ("id", None, None)
    assert "begins with a letter or a digit" in problem["message"]
    assert (refused.status_code, refused.json["problems"]) == (400, [problem])
    own = '{"id": "a b/", "tasks": [{"id": "a", "prompt": "x"}]}'
    (there,) = browser.post("/api/v1/runs/check", {"text": own}).json["problems"]
    assert (there["path"], there["line"]) == ("id", 1)


def test_a_rule_of_the_daemon_is_pointed_at_in_the_words_of_the_workflow(browser):
    text = "workflow:\n  name: w\n  policy: {mode: batch}\n  steps:\n    - {id: a, prompt: x}\n"
    (problem,) = browser.post("/api/v1/runs/check", {"text": text}).json["problems"]

    assert (problem["rule"], problem["line"], problem["column"]) == ("not_supported", 3, 18)


def test_a_document_that_is_fine_says_what_it_would_start_and_cost(browser, store):
    found = browser.post("/api/v1/runs/check", {"text": COMPARE}).json

    assert (found["ok"], found["kind"], found["name"], found["tasks"]) == (True, "workflow", "compare", 4)
    assert list(found["inputs"]) == ["question"]
    assert found["cost"]["limit_micros"] == 500_000
    assert found["cost"]["text"].startswith("At most $0.50, which is the run's limit")
    know(store, "dear")
    text = json.dumps({"tasks": [{"id": "a", "prompt": "x", "model": "dear"}]})
    cost = browser.post("/api/v1/runs/check", {"text": text}).json["cost"]
    assert cost["worst_micros"] > 100 * 10
    assert cost["unknown"] == []
    plain = {"workflow": {"name": "w", "steps": [{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y"}]}}
    cost = browser.post("/api/v1/runs/check", {"text": json.dumps(plain)}).json["cost"]
    assert "counted as one task" not in cost["text"]


def test_a_command_that_would_not_run_is_told_before_the_run_is_started(browser):
    text = json.dumps({"tasks": [{"id": "a", "argv": ["rm", "-rf", "/"]}]})
    found = browser.post("/api/v1/runs/check", {"text": text}).json

    assert found["ok"] is True
    assert [each["task"] for each in found["blocked"]] == ["a"]


def test_a_document_is_started_with_inputs_and_an_id(browser):
    body = {"text": COMPARE, "inputs": {"question": "Tabs or spaces?"}, "id": "mine"}
    answer = browser.post("/api/v1/runs/document", body)

    assert (answer.status_code, answer.json["run"]["id"]) == (200, "mine")
    asked = told(browser, "/mine/tasks/for")["asked"]
    assert asked["inputs"] == {"question": "Tabs or spaces?"}
    assert browser.post("/api/v1/runs/document", body).status_code == 409


def test_the_same_request_under_the_same_key_starts_one_run(browser):
    body = {"tasks": [{"id": "a", "prompt": "x"}]}
    first, second = (browser.post("/api/v1/runs", body, {"Idempotency-Key": "k"}).json for _ in range(2))

    assert first["run"]["id"] == second["run"]["id"]
    assert browser.post("/api/v1/runs", {"tasks": [], "task": 1}).status_code == 400


def test_resumes_and_forks_under_the_same_key_are_done_once(browser, work):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}])
    browser.post("/api/v1/runs/r/abort")
    for address, body in (("resume", {}), ("fork", {"task": "a", "prompt": "z"})):
        key = {"Idempotency-Key": f"k-{address}"}
        first, second = (browser.post(f"/api/v1/runs/r/{address}", body, key) for _ in range(2))
        assert (first.status_code, first.json) == (second.status_code, second.json)
        assert first.status_code == 200
    other = browser.post("/api/v1/runs/r/fork", {"task": "a"}, {"Idempotency-Key": "k-fork"})
    assert (other.status_code, other.json["code"]) == (409, "key_used")
    assert len(told(browser, "/r")["forks"]) == 1


def test_a_run_is_aborted_and_resumed_as_at_the_command_line(browser, work):
    work.start(id="r", tasks=[{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "x", "deps": ["a"]}])
    page = Seen(browser.get("/runs/r"))
    assert "skep run abort r" in page.text

    aborted = browser.post("/api/v1/runs/r/abort")
    assert aborted.json["message"] == "r is aborted."
    assert "skep run resume r" in Seen(browser.get("/runs/r")).text
    assert browser.post("/api/v1/runs/r/abort").status_code == 200
    resumed = browser.post("/api/v1/runs/r/resume")
    assert resumed.json["message"] == "r is running, 2 of its tasks have not ended."
    assert browser.post("/api/v1/runs/r/resume").status_code == 409
    assert browser.post("/api/v1/runs/none/abort").status_code == 404


def test_a_run_of_which_everything_completed_says_so_when_it_is_resumed(browser, work):
    work.start(id="r", open=True, tasks=[{"id": "a", "prompt": "x"}])
    work.go(lambda name: "fine")
    browser.post("/api/v1/runs/r/abort")
    resumed = browser.post("/api/v1/runs/r/resume")
    assert resumed.json["message"] == "r is completed: all of its tasks had completed."


def test_an_open_run_is_closed(browser, work):
    work.start(id="r", open=True, tasks=[{"id": "a", "prompt": "x"}])
    work.go(lambda name: "fine")

    assert told(browser, "/r")["health"]["sentence"] == "Stopped: no worker runs, 1 of 1 completed."
    assert browser.post("/api/v1/runs/r/close").json["run"]["state"] == "completed"


def test_a_fork_says_what_it_keeps_and_both_runs_name_each_other(browser, compared):
    wanted = {"task": "verdict", "prompt": "In one line.", "id": "again"}
    check = browser.post("/api/v1/runs/compare-1/fork/check", wanted).json

    assert check["anew"] == {"count": 1, "tasks": ["verdict"]}
    assert check["reused"] == {"count": 3, "tasks": ["against", "experience", "for"]}
    answer = browser.post("/api/v1/runs/compare-1/fork", wanted)
    assert answer.json["message"] == "again is started: 1 task, 3 answers kept."
    assert told(browser, "/again")["forked_from"] == "compare-1"
    assert told(browser, "/compare-1")["forks"] == [{"id": "again", "state": "running"}]
    assert "/run/diff/compare-1/again" in browser.get("/runs/again").text
    assert "/run/diff/compare-1/again" in browser.get("/runs/compare-1").text
    refused = browser.post("/api/v1/runs/compare-1/fork/check", {"task": "nobody"}).json
    assert refused == {"ok": False, "problem": "The run 'compare-1' has no task 'nobody'.", "path": None}


def test_a_fork_tells_which_step_would_not_run_before_it_is_started(browser, compared):
    body = {"task": "verdict", "prompt": "Weigh \x1b[2J them."}
    checked = browser.post("/api/v1/runs/compare-1/fork/check", body).json

    assert checked["ok"]
    (blocked,) = checked["blocked"]
    assert blocked["task"] == "verdict"
    assert "U+001B" in blocked["reason"]
    fine = browser.post("/api/v1/runs/compare-1/fork/check", {"task": "verdict"}).json
    assert fine["blocked"] == []


def test_two_runs_are_told_side_by_side_with_what_each_cost(browser, compared, work):
    work.fork("compare-1", task="verdict", id="again", prompt="In one line.")
    work.go(lambda name: "Keep one.")
    found = told(browser, "/compare-1/diff/again")

    (differs,) = [task for task in found["tasks"] if not task["is_same"]]
    assert (differs["id"], differs["answers"]) == ("verdict", [ANSWERS["verdict"], "Keep one."])
    assert found["cost_micros"] == 3_100 - 14_500
    page = Seen(browser.get("/run/diff/compare-1/again")).text
    assert "1 of 4 tasks differ" in page
    assert "\N{MINUS SIGN}$0.0114" in page
    assert browser.get("/api/v1/runs/compare-1/diff/none").status_code == 404
