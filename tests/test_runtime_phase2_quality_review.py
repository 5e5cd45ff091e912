"""Phase 2: nothing counts as done before it has been judged, and a judgement has consequences."""

from __future__ import annotations

import json

import pytest

from runtime_contract import EVENT_STATUSES
from testing.model_server import ModelServer, Reply

pytestmark = pytest.mark.xdist_group("phase-2")


@pytest.fixture(scope="module")
def model():
    with ModelServer() as server:
        yield server


def test_the_vocabulary_has_the_review_lifecycle():
    assert {"pending_review", "approved", "requeue", "needs_qa"} <= EVENT_STATUSES


def test_an_accepted_answer_is_pending_review_and_then_approved(daemon, model):
    model.reply_with(Reply(text='{"answer": 42}'))
    daemon.add_to_queue({"id": "good", "prompt": "as JSON", "expect": {"format": "json"}})
    assert daemon.wait_for_ends("good")["good"]["status"] == "approved"
    judged = next(event for event in daemon.events("good") if event["status"] == "pending_review")
    assert judged["review_verdict"] == "APPROVE"
    assert judged["review_confidence"] == 0.95


def test_a_rejected_answer_goes_back_with_the_findings_in_the_next_prompt(daemon, model):
    before = len(model.requests)
    model.reply_with(Reply(text="no braces here"), Reply(text='{"answer": 42}'))
    daemon.add_to_queue({"id": "second-try", "prompt": "as JSON please", "expect": {"format": "json"}})
    assert daemon.wait_for_ends("second-try")["second-try"]["status"] == "approved"
    assert daemon.statuses("second-try").count("requeue") == 1
    first, second = (json.dumps(request.body) for request in model.requests[before:])
    assert "is not JSON" not in first
    assert "is not JSON" in second


def test_an_answer_cut_at_its_limit_says_so_and_is_held_to_what_is_expected_alone(daemon, model):
    cut = Reply(text='{"answer": 4', finish_reason="length")
    model.reply_with(cut)
    daemon.add_to_queue({"id": "cut", "prompt": "say something"})
    assert daemon.wait_for_ends("cut")["cut"]["status"] == "approved"
    assert daemon.tasks()["cut"]["result_summary"] == '{"answer": 4 (cut off at max_tokens)'

    model.reply_with(cut)
    daemon.add_to_queue(
        {"id": "held", "prompt": "say it as JSON", "expect": {"format": "json"}, "max_attempts": 1}
    )
    assert daemon.wait_for_ends("held")["held"]["status"] == "failed"


def test_an_answer_that_stays_wrong_fails_at_the_limit_and_says_what_was_found(daemon, model):
    model.reply_with(*(Reply(text="nothing of use") for _ in range(2)))
    daemon.add_to_queue(
        {"id": "never", "prompt": "say 42", "expect": {"contains": ["42"]}, "max_attempts": 2}
    )
    tasks = daemon.wait_for_ends("never")
    assert tasks["never"]["status"] == "failed"
    assert "after 2 attempts" in tasks["never"]["reason"]
    assert "'42'" in tasks["never"]["reason"]


@pytest.mark.parametrize(
    ("task", "finding"),
    [
        ({"command": "false"}, "exit code 1"),
        ({"command": "cat no-such-file"}, None),
        ({"command": "sleep 60", "timeout_s": 0.2}, "did not end within"),
        ({"command": "true", "expect": {"files": ["never-made.txt"]}}, "never-made.txt"),
        ({"command": "false", "review": "none"}, "exit code 1"),
    ],
)
def test_a_failing_command_is_never_approved(daemon, task, finding):
    name = f"fails-{abs(hash(json.dumps(task)))}"
    daemon.add_to_queue({"id": name} | task)
    ended = daemon.wait_for_ends(name)[name]
    assert ended["status"] in {"failed", "safety_blocked"}
    assert "approved" not in daemon.statuses(name)
    if finding is not None:
        assert finding in ended["reason"]


def test_an_empty_answer_is_rejected(daemon, model):
    model.reply_with(Reply(text=""), Reply(text="words"))
    daemon.add_to_queue({"id": "empty", "prompt": "speak"})
    assert daemon.wait_for_ends("empty")["empty"]["status"] == "approved"
    assert daemon.statuses("empty").count("requeue") == 1


def test_a_person_is_asked_where_the_task_says_so(daemon, model):
    model.reply_with(Reply(text="first draft"), Reply(text="second draft"))
    daemon.add_to_queue({"id": "asked", "prompt": "write", "review": "human"})
    daemon.wait_until(lambda tasks: tasks.get("asked", {}).get("status") == "pending_review", "a question")
    assert "a person" in daemon.tasks()["asked"]["waiting_for"]
    assert daemon.skep("wait", "asked", "--timeout", "30").returncode == 75
    assert daemon.skep("reject", "asked", "--reason", "more verve").returncode == 0
    daemon.wait_until(
        lambda tasks: tasks["asked"]["status"] == "pending_review" and tasks["asked"]["attempts"] == 2,
        "a second draft",
    )
    assert "more verve" in json.dumps(model.requests[-1].body)
    assert daemon.skep("approve", "asked").returncode == 0
    assert daemon.wait_for_ends("asked")["asked"]["status"] == "approved"


def test_an_approved_task_under_its_budget_earns_tokens_once(daemon, model):
    model.reply_with(Reply(text="cheap"))
    daemon.add_to_queue({"id": "paid", "prompt": "work", "identity_id": "ada", "max_budget": 0.10})
    daemon.wait_for_ends("paid")
    approved = daemon.events("paid")[-1]
    assert approved["phase5_reward_applied"] is True
    assert approved["phase5_reward_tokens_awarded"] == approved["phase5_reward_tokens_requested"] == 10
    assert approved["phase5_reward_identity"] == "ada"
    assert approved["phase5_reward_reason"] == "worker_approved_under_budget:paid"
    assert approved["phase5_reward_ledger_recorded"] is True


def test_a_task_without_a_budget_earns_nothing_and_says_why(daemon, model):
    model.reply_with(Reply(text="free"))
    daemon.add_to_queue({"id": "unpaid", "prompt": "work", "identity_id": "ada"})
    daemon.wait_for_ends("unpaid")
    approved = daemon.events("unpaid")[-1]
    assert approved["phase5_reward_applied"] is False
    assert approved["phase5_reward_reason"] == "unbudgeted"
