"""The panel's JSON API over a real store."""

from __future__ import annotations

import html
import json
import re

import pytest

from errors import OverBudget
from road.holding import Holding
from store import budgets
from store.budgets import Account, BudgetLimits, Reservation
from store.records import Question
from supervisor.daemon import lock_home
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures
from tests.unit.panel.furnish import HOSTILE


def ids(answer):
    return [task["id"] for task in answer.json["tasks"]]


def test_tasks_come_newest_first_page_by_page(browser, by):
    by.add(*[f"task-{number}" for number in range(5)])

    first = browser.get("/api/v1/tasks?limit=2")
    second = browser.get(f"/api/v1/tasks?limit=2&after={first.json['next']}")
    third = browser.get(f"/api/v1/tasks?limit=2&after={second.json['next']}")

    assert [ids(page) for page in (first, second, third)] == [
        ["task-4", "task-3"],
        ["task-2", "task-1"],
        ["task-0"],
    ]
    assert third.json["next"] is None


def test_a_task_added_between_two_pages_moves_nothing(browser, by):
    by.add("a", "b", "c")
    first = browser.get("/api/v1/tasks?limit=1")
    by.add("d")

    assert ids(browser.get(f"/api/v1/tasks?limit=5&after={first.json['next']}")) == ["b", "a"]


def test_oldest_first_follows_what_is_added(browser, by):
    by.add("a", "b", "c")
    first = browser.get("/api/v1/tasks?order=oldest&limit=2")

    assert ids(first) == ["a", "b"]
    assert ids(browser.get(f"/api/v1/tasks?order=oldest&after={first.json['next']}")) == ["c"]


def test_tasks_are_chosen_by_status(browser, by, store):
    by.add("waits")
    by.start("runs")
    by.approve("done")
    store.cancel("waits", "cli")

    assert ids(browser.get("/api/v1/tasks?status=in_progress,approved")) == ["done", "runs"]
    assert ids(browser.get("/api/v1/tasks?status=cancelled&status=failed")) == ["waits"]


@pytest.mark.parametrize(
    "query",
    [
        "status=running",
        "status=%3Cscript%3E",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=1e3",
        "limit=%D9%A3",
        "after=x",
        "after=99999999999999999999",
        "after=9223372036854775808",
        "order=random",
        "staus=failed",
        "status=%00",
        "status=%ff",
    ],
)
def test_a_wrong_parameter_is_refused_by_name(browser, query):
    answer = browser.get(f"/api/v1/tasks?{query}")

    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_request"


def test_a_waiting_task_says_why(browser, by):
    by.add("parent")
    by.add("child", depends_on=["parent", "nobody"])

    child = browser.get("/api/v1/tasks/child").json

    assert child["status"] == "pending"
    assert child["waiting_for"] == "parent to be approved; nobody, which does not exist"


def test_a_task_is_shown_with_its_text_attempts_and_events(browser, by):
    by.approve("x", "all good", command="git log", tags=["docs"])

    task = browser.get("/api/v1/tasks/x").json

    assert task["task"]["command"] == "git log"
    assert (task["status"], task["result"], task["mode"]) == ("approved", "all good", "local")
    assert [attempt["became"] for attempt in task["attempt_list"]] == ["approved"]
    assert [event["status"] for event in task["events"] if event["status"]] == [
        "queued",
        "in_progress",
        "completed",
        "pending_review",
        "approved",
    ]
    assert task["events_next"] is None


@pytest.mark.parametrize(
    "name", ["nobody", "a/b", "..%2f..%2fetc%2fpasswd", "%00", "x" * 5000, "%f0%9f%90%9d", "%ff"]
)
def test_a_task_that_does_not_exist_is_404(browser, name):
    for answer in (browser.get(f"/api/v1/tasks/{name}"), browser.post(f"/api/v1/tasks/{name}/retry")):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_cancel_and_retry(browser, by, store):
    by.add("x")

    cancelled = browser.post("/api/v1/tasks/x/cancel", {"reason": "not needed"})
    assert cancelled.json["message"] == "x is cancelled."
    assert (cancelled.json["task"]["status"], cancelled.json["task"]["reason"]) == ("cancelled", "not needed")
    assert browser.post("/api/v1/tasks/x/cancel").status_code == 409

    assert browser.post("/api/v1/tasks/x/retry").json["task"]["status"] == "pending"
    assert browser.post("/api/v1/tasks/x/retry").status_code == 409


def test_cancelling_a_running_task_says_that_it_is_being_stopped(browser, by, home):
    by.start("x")

    with lock_home(home):
        answer = browser.post("/api/v1/tasks/x/cancel").json

    assert answer["message"] == "x is being stopped."
    assert answer["task"]["waiting_for"] == "being stopped"
    assert "cancel" not in answer["task"]["actions"]


def test_approve_and_reject_answer_what_waits(browser, by, store):
    by.ask("good", "Send it?")
    by.ask("bad", "Send it?", prompt="Write.", max_attempts=3)

    assert browser.post("/api/v1/tasks/good/approve").json["task"]["status"] == "approved"
    rejected = browser.post("/api/v1/tasks/bad/reject", {"reason": "Too long."})

    assert rejected.json["task"]["status"] == "pending"
    assert browser.get("/api/v1/tasks/bad").json["feedback"] == ["Too long."]


def test_an_answer_is_bound_to_the_question_that_was_shown(browser, by):
    decision = by.ask("x", "Send it?", prompt="Write.", max_attempts=3)
    by.ask("y", "Send it?")
    browser.post("/api/v1/tasks/x/reject", {"decision": decision})

    late = browser.post("/api/v1/tasks/x/approve", {"decision": decision})
    foreign = browser.post("/api/v1/tasks/y/approve", {"decision": decision})

    assert (late.status_code, late.json["code"]) == (409, "already_answered")
    assert foreign.status_code == 404


def test_what_does_not_wait_cannot_be_approved(browser, by):
    by.add("x")

    answer = browser.post("/api/v1/tasks/x/approve")

    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")


def test_a_question_is_answered_with_one_of_its_options(browser, by, store):
    by.interrupt("x")
    (asked,) = browser.get("/api/v1/decisions").json["decisions"]
    assert (asked["task_id"], asked["options"]) == ("x", ["again", "done", "failed"])

    path = f"/api/v1/decisions/{asked['id']}/answer"
    assert browser.post(path, {"answer": "maybe"}).status_code == 400
    assert browser.post(path, {}).status_code == 400
    assert browser.post(path, {"answer": "again"}).json["message"] == "x runs again."
    assert browser.post(path, {"answer": "again"}).status_code == 409
    assert browser.post("/api/v1/decisions/nothing/answer", {"answer": "x"}).status_code == 404


def test_a_command_that_waits_for_leave_is_shown_word_for_word(browser, by, store):
    by.ask_leave("x", ("/opt/agent", "--", "two words\nand a line"), profile="agent", prompt="two words")
    (asked,) = browser.get("/api/v1/decisions").json["decisions"]
    page = browser.get("/tasks").text
    shown = [json.loads(html.unescape(each)) for each in re.findall('data-about="([^"]*)"', page)]

    assert (asked["kind"], asked["options"]) == ("execution", ["run", "refuse"])
    assert asked["about"].endswith('\n\nPATH=/opt:/usr/bin\n\n"/opt/agent"\n"--"\n"two words\\nand a line"')
    assert 'environment_keys: ["AGENT_KEY"]' in asked["about"]
    assert "network: true" in asked["about"]
    assert "Let it run" in page
    assert {each["about_parts"][0]["text"] for each in shown} == {asked["about"]}
    answer = browser.post(f"/api/v1/decisions/{asked['id']}/answer", {"answer": "run"})
    assert answer.json["message"] == "x runs."
    assert store.reader.task("x")["state"] == "ready"


def test_the_status_tells_counts_gate_model_and_a_sentence(browser, by, store, running_worker):
    by.add("x")
    reason = "no model configured: set SKEP_LLM_API_KEY or start Ollama"
    store.set_fact("model_status", {"ready": False, "reason": reason}, "daemon.model", reason=reason)
    store.pause("cli", "lunch")

    told = browser.get("/api/v1/status").json

    assert told["counts"]["pending"] == 1
    assert told["gate"] == {
        "paused": "paused by cli: lunch",
        "cause": "pause",
        "closed_modes": {"llm": reason},
    }
    assert (told["kill_switch"]["on"], told["circuit_breaker"]) == (False, None)
    assert told["model"]["reason"] == reason
    assert told["worker_runs"] is True
    assert re.fullmatch(r"Paused: \d\d:\d\d, by cli\.", told["health"]["sentence"])
    assert told["health"]["detail"].startswith("Lunch. What runs goes on.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"reason": 1}',
        b'{"reason": ["x"]}',
        b'{"reason": NaN}',
        b'{"reason": "a", "reason": "b"}',
        b'{"resaon": "a"}',
        b'{"reason": "\\ud800"}',
        b'{"reason": "' + b"x" * 100_000 + b'"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
        b"\xff\xfe",
        b'{"reason": "\\u0000"}',
        b'{"reason": "' + HOSTILE.replace('"', "'").encode() + b'"}',
        b'{"reason": "' + b"x" * (2 * 1024 * 1024) + b'"}',
    ],
    ids=lambda body: str(len(body)),
)
def test_no_body_breaks_anything(browser, by, store, body):
    by.add("x")
    by.ask("y", "Send it?", prompt="Write.", max_attempts=3)
    for path in ("/api/v1/tasks/x/cancel", "/api/v1/tasks/y/reject", "/api/v1/decisions/z/answer", "/login"):
        answer = browser.post(path, data=body, content_type="application/json")
        assert answer.status_code < 500, (path, answer.text)
        assert answer.is_json or answer.mimetype == "application/problem+json"


def test_the_description_of_the_api_names_every_route_and_no_other(browser, app):
    described = {
        (path, method.upper())
        for path, item in browser.get("/api/v1/openapi.json").json["paths"].items()
        for method in item
    }
    routes = {
        (re.sub(r"<(?:path:)?(\w+)>", r"{\1}", str(rule)), method)
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1")
        for method in rule.methods - {"OPTIONS", "HEAD"}
    }
    assert described == routes


def test_the_description_refers_to_nothing_that_is_missing(browser):
    document = browser.get("/api/v1/openapi.json").json

    for part in json.dumps(document).split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in document["components"]["schemas"]


def test_a_question_about_no_task_is_told_and_answered(browser, store):
    from store import decisions

    question = Question(
        "removal", "12 tasks are gone from the file. Cancel them?", ("accept", "keep"), {"ids": []}
    )
    name = store.write(lambda tx: decisions.ask(tx, question))

    (asked,) = browser.get("/api/v1/decisions").json["decisions"]
    assert asked["task_id"] is None
    assert browser.post(f"/api/v1/decisions/{name}/answer", {"answer": "keep"}).status_code == 200


# -- budgets -----------------------------------------------------------------------------------------------


def spend_a_day(store):
    """Five dollars a day, all of them spent, and a task that waits for more."""
    dollar = 1_000_000
    account = Account.of_limit("day", store.clock.now())
    wanted = Reservation("c", None, None, "m", "another-boot/1/1", [account], 5 * dollar)
    store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(day=5 * dollar)))
    store.write(lambda tx: budgets.reserve(tx, wanted))
    store.write(lambda tx: budgets.book(tx, "c", 5 * dollar))


def hold(by, store, task_id, held_by="day"):
    claim = by.start(task_id, prompt="x", max_budget=0.01)
    held = OverBudget(held_by=held_by, waiting_for="budget day $5.00 reached", needs_micros=120_000)
    Holding(store).hold(claim.ref, held, is_known=True)


def test_limits_are_told_and_the_status_has_today(browser, by, store):
    spend_a_day(store)
    hold(by, store, "poor")

    day, total = browser.get("/api/v1/budget").json["limits"]

    assert (day["limit"], day["spent_micros"], day["left_micros"], day["waiting"]) == ("day", 5_000_000, 0, 1)
    assert (total["limit"], total["granted_micros"]) == ("total", None)
    assert browser.get("/api/v1/status").json["budget"]["day"]["spent_micros"] == 5_000_000


def test_a_question_about_a_budget_can_be_answered_and_lets_go(browser, by, store):
    spend_a_day(store)
    hold(by, store, "poor")
    (question,) = browser.get("/api/v1/decisions").json["decisions"]
    assert (question["kind"], question["options"]) == ("budget", ["needed", "more", "no"])

    answer = browser.post(f"/api/v1/decisions/{question['id']}/answer", {"answer": "needed"})
    Holding(store).look()

    assert answer.json["message"] == "The budget day has $0.12 more."
    assert browser.get("/api/v1/tasks/poor").json["waiting_for"] == "no daemon runs: `skep up` starts one"
    with lock_home(store.home):
        assert browser.get("/api/v1/tasks/poor").json["waiting_for"] == "a free slot"


def test_a_task_over_its_own_budget_carries_its_question(browser, by, store):
    hold(by, store, "dear", "task:dear")

    task = browser.get("/api/v1/tasks/dear").json

    assert (task["status"], task["decision"]["kind"]) == ("pending", "budget")


def test_any_amount_can_be_added(browser, store):
    spend_a_day(store)

    answer = browser.post("/api/v1/budget/add", {"amount": "2.50"})

    assert answer.json["message"] == "The budget day has $2.50 more."
    assert browser.get("/api/v1/budget").json["limits"][0]["left_micros"] == 2_500_000


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "nan"},
        {"amount": "Infinity"},
        {"amount": "1", "limit": "week"},
        {"amount": "1", "limit": "total"},
        {"amount": "1", "surprise": "x"},
    ],
)
def test_what_is_no_amount_or_no_limit_is_refused(browser, store, given):
    spend_a_day(store)

    assert browser.post("/api/v1/budget/add", given).status_code == 400


@pytest.mark.parametrize("body", [{"amount": 5}, {"amount": True}, {"amount": None}, {"amount": ["5"]}])
def test_an_amount_is_a_text(browser, store, body):
    spend_a_day(store)

    assert browser.post("/api/v1/budget/add", body).status_code == 400


def test_no_answer_of_the_api_holds_markup_whoever_wrote_it(browser, by):
    markup = "<div id=main hx-swap-oob=innerHTML>&lt;b&gt;</div>"
    by.ask("x", f"Good? {markup}", markup, prompt=markup)
    by.fail("y", markup, prompt=markup)
    answers = [
        browser.get("/api/v1/tasks"),
        browser.get("/api/v1/tasks/x"),
        browser.get("/api/v1/decisions"),
        browser.get("/api/v1/events"),
        browser.get(f"/api/v1/tasks/{markup}"),
        browser.post("/api/v1/tasks/x/approve"),
        browser.post("/api/v1/tasks/y/retry"),
        browser.post("/api/v1/tasks/x/cancel", {markup: "x"}),
    ]

    assert [answer.text for answer in answers if set("<>&") & set(answer.text)] == []
    assert answers[1].json["output"] == markup
