"""Phase 5: who did it, and what did they earn? Named in ``queue.json``, seen in every view."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from testing.model_server import ModelServer, Reply
from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.xdist_group("phase-5")

#: Every field of a grant, as the seed names it.
GRANTED = {
    "phase5_reward_applied", "phase5_reward_tokens_requested", "phase5_reward_tokens_awarded",
    "phase5_reward_identity", "phase5_reward_reason", "phase5_reward_granted_at",
    "phase5_reward_ledger_recorded",
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, model):
    running = RunningDaemon(tmp_path_factory.mktemp("home"), SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m")
    running.skep("identities", "add", "ada", "--hat", "documenter", "--trait", "patient")
    running.start("--no-panel")
    yield running
    running.stop()


def rewards(daemon: RunningDaemon) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(daemon.skep("rewards", "ada", "--json").stdout)
    return told


def test_a_task_runs_as_its_identity_and_its_reward_is_seen_everywhere(daemon, model):
    model.reply_with(Reply(text="a page on bees"))
    daemon.add_to_queue({"id": "page", "prompt": "Write a page.", "identity_id": "ada", "max_budget": 0.1})
    assert daemon.wait_for_ends("page")["page"]["status"] == "approved"
    assert "You work as ada, a documenter." in model.requests[-1].prompt
    assert "Your traits: patient." in model.requests[-1].prompt
    approved = daemon.events("page")[-1]
    assert approved.keys() >= GRANTED
    assert approved["phase5_reward_tokens_awarded"] == 10
    receipt = json.loads(daemon.skep("show", "page", "--tree", "--json").stdout)["tree"]["receipt"]
    assert (receipt["identity_id"], receipt["phase5_reward_tokens_awarded"]) == ("ada", 10)
    assert rewards(daemon)["identities"][0]["balance"] == 10
    view, deadline = daemon.root / ".swarm" / "phase5_reward_ledger.json", time.monotonic() + 30
    while not view.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert json.loads(view.read_text("utf-8"))["grants"]["page::ada"]["tokens_awarded"] == 10


def test_what_failed_had_no_budget_or_no_review_earns_nothing(daemon, model):
    before = rewards(daemon)["identities"]
    as_ada = {"identity_id": "ada"}
    daemon.add_to_queue(
        {"id": "fails", "command": "false", "max_budget": 0.1} | as_ada,
        {"id": "unbudgeted", "command": "true"} | as_ada,
        {"id": "unreviewed", "command": "true", "max_budget": 0.1, "review": "none"} | as_ada,
    )
    ended = daemon.wait_for_ends("fails", "unbudgeted", "unreviewed")
    assert ended["fails"]["status"] == "failed"
    told = rewards(daemon)
    assert told["identities"] == before
    refusals = {each["task_id"]: each["reason"] for each in told["refusals"]}
    assert refusals == {"unbudgeted": "unbudgeted", "unreviewed": "review_not_approved"}


def test_a_task_of_an_unknown_identity_waits_and_goes_when_there_is_one(daemon):
    daemon.add_to_queue({"id": "stranger", "command": "true", "identity_id": "bob"})
    tasks = daemon.wait_until(
        lambda tasks: (tasks.get("stranger", {}).get("waiting_for") or "").startswith("identity bob: "),
        "a wait",
    )
    assert "skep identities add bob" in tasks["stranger"]["waiting_for"]
    assert daemon.skep("wait", "stranger").returncode == 75
    assert daemon.skep("identities", "add", "bob").returncode == 0
    assert daemon.wait_for_ends("stranger")["stranger"]["status"] == "approved"
