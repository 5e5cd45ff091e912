"""Budgets through the whole daemon: what waits and asks, what a top-up lets go, and what a kill -9 costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime_contract import Status
from testing.model_server import ModelServer
from testing.running_daemon import RunningDaemon

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@pytest.fixture
def model():
    with ModelServer() as server:
        yield server


@pytest.fixture
def daemon(tmp_path, model):
    running = RunningDaemon(
        tmp_path / "home",
        SKEP_LLM_BASE_URL=model.url,
        SKEP_LLM_MODEL="m",
        SKEP_LLM_PRICE_INPUT="1",
        SKEP_LLM_PRICE_OUTPUT="10",
        SKEP_LLM_MAX_TOKENS="1000",
        SKEP_PROJECT_INTERVAL_S="0.1",
        SKEP_PROJECT_QUIET_S="0.02",
    )
    yield running
    running.kill_everything()


def budget(daemon: RunningDaemon) -> dict[str, dict[str, Any]]:
    told = json.loads(daemon.skep("budget", "--json").stdout)
    return {each["limit"]: each for each in told["limits"]}


def questions(daemon: RunningDaemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(daemon.skep("status", "--json").stdout)["decisions"]
    return found


def all_wait_for(limit: str):
    return lambda tasks: (
        tasks and all((task["waiting_for"] or "").startswith(f"budget {limit} ") for task in tasks.values())
    )


def test_tasks_that_a_day_cannot_pay_wait_ask_once_and_go_after_a_top_up(daemon, model) -> None:
    daemon.start("--no-panel", SKEP_BUDGET_DAY_USD="0.01")
    daemon.add_to_queue(*({"id": f"t{number}", "prompt": "hello"} for number in range(30)))

    tasks = daemon.wait_until(
        lambda tasks: len(tasks) == 30 and all_wait_for("day")(tasks), "everything waits for the day's budget"
    )

    assert {task["status"] for task in tasks.values()} == {Status.PENDING}
    assert model.requests == []
    (question,) = questions(daemon)
    assert question["kind"] == "budget"
    assert budget(daemon)["day"]["waiting"] == 30
    claims = [event for event in daemon.events() if event["event"] == "task.in_progress"]
    assert len(claims) <= 60, "who cannot be paid is not claimed again and again"
    answer = daemon.skep("budget", "add", "0.20")
    assert answer.returncode == 0, answer.stderr
    tasks = daemon.wait_for_ends(*tasks)
    assert {task["status"] for task in tasks.values()} == {Status.APPROVED}
    stands = budget(daemon)["day"]
    assert 0 < stands["spent_micros"] < 210_000
    assert (stands["reserved_micros"], stands["unsettled_micros"], stands["waiting"]) == (0, 0, 0)
    assert questions(daemon) == []


def test_the_answer_needed_pays_the_task_that_asked(daemon) -> None:
    daemon.start("--no-panel")
    daemon.add_to_queue({"id": "dear", "prompt": "hello", "max_budget": 0.001})
    daemon.wait_until(all_wait_for("task"), "the task waits for its own budget")

    shown = daemon.skep("show", "dear").stdout
    assert "budget task $0.001 reached" in shown
    assert daemon.skep("wait", "dear").returncode == 75
    assert daemon.skep("approve", "dear").returncode == 0

    assert daemon.wait_for_ends("dear")["dear"]["status"] == Status.APPROVED


def test_until_idle_ends_when_only_a_person_could_pay(daemon) -> None:
    daemon.add_to_queue({"id": "t", "prompt": "hello"})

    code = daemon.start("--until-idle", "--no-panel", SKEP_BUDGET_TOTAL_USD="0").wait_for_exit()

    assert code == 75, daemon.log()
    assert daemon.tasks()["t"]["waiting_for"].startswith(
        "budget total $0.00 reached (spent $0.00, needs $0.01"
    )


@pytest.mark.parametrize("point", ["cycle.running", "cycle.ended"])
def test_a_call_that_kill_9_cut_off_is_booked_at_its_worst_case_and_made_again(
    daemon, model, tmp_path, point: str
) -> None:
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:1@{tmp_path / 'fault'}")
    daemon.add_to_queue({"id": "t", "prompt": "hello"})

    assert daemon.wait_for_ends("t")["t"]["status"] == Status.APPROVED

    reserved = [event for event in daemon.events("t") if event["event"] == "budget.reserved"]
    settled = [event for event in daemon.events("t") if event["event"] == "budget.settled"]
    assert len(reserved) == len(settled) == 2
    first, second = settled
    assert (first["unsettled"], first["cost_micros"]) == (True, reserved[0]["reserved_micros"])
    assert "unsettled" not in second
    assert second["cost_micros"] < first["cost_micros"]
    stands = budget(daemon)["total"]
    assert stands["spent_micros"] == first["cost_micros"] + second["cost_micros"]
    assert (stands["unsettled_micros"], stands["reserved_micros"]) == (first["cost_micros"], 0)


def test_when_everything_is_killed_a_reservation_still_counts(daemon, model) -> None:
    model.answer = None
    daemon.start("--no-panel", SKEP_BUDGET_DAY_USD="0.02")
    daemon.add_to_queue({"id": "t", "prompt": "[[delay: 60]] hello"})
    model.wait_for_requests(1, 60)
    daemon.kill_everything()

    held = budget(daemon)["day"]["reserved_micros"]
    assert held > 10_000
    daemon.start("--no-panel", SKEP_BUDGET_DAY_USD="0.02")
    daemon.wait_until(all_wait_for("day"), "the second attempt cannot be paid beside the first")
    assert budget(daemon)["day"]["unsettled_micros"] == held


def test_a_rate_delays_tasks_without_claiming_them_and_spends_no_attempt(daemon, model) -> None:
    daemon.start("--no-panel", SKEP_RATE_REQUESTS='{"m": 60}')
    daemon.add_to_queue(*({"id": f"t{number:02}", "prompt": "hello"} for number in range(64)))
    model.wait_for_requests(60, 60)

    waiting = daemon.wait_until(
        lambda tasks: any("rate limit" in (task["waiting_for"] or "") for task in tasks.values()),
        "a task waits for the rate",
    )
    told = next(t["waiting_for"] for t in waiting.values() if "rate limit" in (t["waiting_for"] or ""))
    assert told.startswith("rate limit of m (60 requests a minute); next try at ")
    tasks = daemon.wait_for_ends(*waiting)

    assert {task["status"] for task in tasks.values()} == {Status.APPROVED}
    assert {task["attempts"] for task in tasks.values()} == {1}
    moments = sorted(request.at for request in model.requests)
    assert moments[63] - moments[0] >= 3.0
    claims = [event for event in daemon.events() if event["event"] == "task.in_progress"]
    assert len(claims) <= 64 + 16
