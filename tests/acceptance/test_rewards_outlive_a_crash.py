"""Tokens through the whole daemon: each grant and each payment once, wherever the plug is pulled."""

from __future__ import annotations

import contextlib
import json
import random
import time
from typing import Any

import pytest

from testing.model_server import ModelServer
from testing.running_daemon import RunningDaemon

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

#: After it the outcome is judged, and the grant made, again or for the first time.
POINTS = ("review.before_commit", "review.committed")


@pytest.fixture
def model():
    with ModelServer() as server:
        yield server


@pytest.fixture
def daemon(tmp_path, model):
    running = RunningDaemon(tmp_path / "home", SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m")
    assert running.skep("identities", "add", "ada", "--free-time", "Write a haiku.").returncode == 0
    yield running
    running.kill_everything()


def paid(number: int) -> dict[str, Any]:
    review = "human" if number % 4 == 3 else "auto"
    return {"id": f"t{number}", "prompt": "work", "identity_id": "ada", "max_budget": 0.1, "review": review}


def rewards(daemon: RunningDaemon) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(daemon.skep("rewards", "--json", "--limit", "1000").stdout)
    return told


def check_the_books(daemon: RunningDaemon, tasks: set[str]) -> None:
    """The ledger is the sum of the grants, each told once; and the view shows the same."""
    told = rewards(daemon)
    grants = [entry for entry in told["entries"] if entry["kind"] == "grant"]
    assert sorted(grant["subject"] for grant in grants) == sorted(tasks)
    (purse,) = told["identities"]
    assert purse["earned"] == sum(grant["tokens"] for grant in grants) == 10 * len(tasks)
    assert purse["balance"] == sum(entry["tokens"] for entry in told["entries"]) >= 0
    assert told["entries"][0]["balance"] == purse["balance"]
    approvals = [event for event in daemon.events() if event.get("phase5_reward_applied")]
    assert sorted(event["task_id"] for event in approvals) == sorted(tasks)
    view = wait_for_view(daemon, purse["balance"])
    assert {grant["task_id"] for grant in view["grants"].values()} == tasks
    assert all(name == f"{grant['task_id']}::ada" for name, grant in view["grants"].items())


def wait_for_view(daemon: RunningDaemon, balance: int) -> dict[str, Any]:
    path, deadline = daemon.root / ".swarm" / "phase5_reward_ledger.json", time.monotonic() + 30
    while True:
        with contextlib.suppress(FileNotFoundError, KeyError):
            view: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if view["totals"]["ada"]["balance"] == balance:
                return view
        assert time.monotonic() < deadline, "the view never showed it"
        time.sleep(0.05)


def say_yes(daemon: RunningDaemon, ids: list[str]) -> None:
    asked = set(ids)
    daemon.wait_until(
        lambda tasks: all(tasks[name]["status"] == "pending_review" for name in asked), "the questions"
    )
    assert daemon.skep("approve", *ids).returncode == 0


@pytest.mark.parametrize("point", POINTS)
def test_each_task_is_paid_once_wherever_a_process_dies(daemon, tmp_path, point) -> None:
    daemon.start("--no-panel", SKEP_FAULT=f"{point}:2@{tmp_path / 'died'}")
    daemon.add_to_queue(*map(paid, range(4)))
    daemon.wait_for_ends("t0", "t1", "t2")
    say_yes(daemon, ["t3"])
    assert (tmp_path / "died").exists()
    check_the_books(daemon, {"t0", "t1", "t2", "t3"})


def test_a_plug_that_is_pulled_again_and_again_loses_no_token_and_pays_none_twice(daemon) -> None:
    chance = random.Random(20261128)
    ids = {f"t{number}" for number in range(24)}
    daemon.start("--no-panel")
    daemon.add_to_queue(*map(paid, range(24)))
    for _ in range(4):
        time.sleep(chance.uniform(0.3, 1.0))
        daemon.kill_everything()
        daemon.start("--no-panel")
    asked = [f"t{number}" for number in range(3, 24, 4)]
    daemon.wait_for_ends(*ids - {*asked})
    say_yes(daemon, asked)
    check_the_books(daemon, ids)


@pytest.mark.parametrize("point", ["reward.before_commit", "reward.committed"])
def test_free_time_is_paid_once_wherever_the_leader_dies(daemon, tmp_path, point) -> None:
    fault = f"{point}:1@{tmp_path / 'died'}"
    daemon.start("--no-panel", SKEP_FREE_TIME="true", SKEP_FREE_TIME_PER_DAY="1", SKEP_FAULT=fault)
    daemon.add_to_queue(*({**paid(number), "review": "auto"} for number in range(3)))
    ended = daemon.wait_for_ends("t0", "t1", "t2", "free-ada-1")
    assert ended["free-ada-1"]["status"] == "approved"
    assert (tmp_path / "died").exists()
    payments = [entry for entry in rewards(daemon)["entries"] if entry["tokens"] < 0]
    assert [(each["kind"], each["subject"], each["tokens"]) for each in payments] == [
        ("free_time", "free-ada-1", -20)
    ]
    check_the_books(daemon, {"t0", "t1", "t2"})
    journal = json.loads(daemon.skep("journal", "--json").stdout)["entries"]
    assert [entry["written_by"] for entry in journal] == ["free-ada-1"]


def test_an_entry_of_a_journal_is_paid_once_wherever_its_writer_dies(daemon) -> None:
    daemon.start("--no-panel")
    daemon.add_to_queue(*({**paid(number), "review": "auto"} for number in range(2)))
    daemon.wait_for_ends("t0", "t1")
    for point in ("reward.before_commit", "reward.committed"):
        died = daemon.skep_process("journal", "write", "ada", "bees dance", SKEP_FAULT=point)
        assert died.returncode == -9
    again = daemon.skep("journal", "write", "ada", "bees dance")
    assert (again.returncode, again.stdout) == (
        0,
        "These words stand there already, as entry 1; nothing was paid.\n",
    )
    assert daemon.skep("journal", "write", "ada", "bees hum").stdout.endswith("ada has 0 tokens left.\n")
    broke = daemon.skep("journal", "write", "ada", "bees rest", "--json")
    assert broke.returncode == 1
    assert json.loads(broke.stdout)["error"]["code"] == "too_few_tokens"
    check_the_books(daemon, {"t0", "t1"})
