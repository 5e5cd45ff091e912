"""The end of the road: what the store says of a task once its attempt has been judged."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from attempts import AttemptPolicy
from outcome import Failure, Outcome
from road.judging import Judge
from store import claims, recording
from store.queue_file import apply
from store.records import Claim, Intake
from testing.tasks import new_task
from tests.conformance.store_suite import outcome_of
from tool_router import NO_ROUTE, Route, Tool

POLICY = AttemptPolicy(max_attempts=3, max_attempts_local=1, unreachable_retries=2)


@pytest.fixture
def judge(store, home) -> Judge:
    return Judge(
        lambda ref, work: store.write(work),
        lambda ref: b"stored: " + ref.encode(),
        home.workspace,
        POLICY,
    )


def claim_one(store, who, **fields: Any) -> Claim:
    fields = {"id": "a", "prompt": "x"} | fields
    store.submit(Intake(new=[new_task(**fields)]), "test")
    (claim,) = store.claim(who, 1)
    return claim


def conclude(judge: Judge, claim: Claim, route: Route = NO_ROUTE, **fields: Any) -> None:
    judge.conclude(claim, outcome_of(claim, **({"output": "an answer"} | fields)), route, random.Random(1))


def row_of(store, task_id: str = "a"):
    return store.reader.task(task_id)


def story(store, task_id: str = "a") -> list[str]:
    return [row["status"] for row in store.reader.events(task_id=task_id) if row["status"]]


def event(store, kind: str) -> dict[str, Any]:
    return json.loads([row for row in store.reader.events(task_id="a") if row["event"] == kind][-1]["data"])


def again(store, who, clock) -> Claim:
    """The next attempt, when its pause is over."""
    clock.advance(POLICY.retry_cap_s)
    store.promote_due()
    (claim,) = store.claim(who, 1)
    return claim


def test_the_golden_path_leaves_the_five_words(store, who, judge):
    conclude(judge, claim_one(store, who))
    assert story(store) == ["queued", "in_progress", "completed", "pending_review", "approved"]
    assert event(store, "task.approved")["reviewer"] == "critics"


def test_a_rejected_answer_is_tried_again_with_the_findings_until_its_attempts_are_used_up(
    store, who, judge, clock
):
    claim = claim_one(store, who, expect={"contains": ["42"]})
    for number in range(1, 4):
        assert (claim.attempt, claim.rejections) == (number, number - 1)
        assert claim.feedback == ([] if number == 1 else ["the answer does not contain '42'"])
        conclude(judge, claim)
        if number < 3:
            claim = again(store, who, clock)
    assert (row_of(store)["state"], row_of(store)["code"]) == ("failed", "rejected")
    assert row_of(store)["reason"] == "rejected after 3 attempts: the answer does not contain '42'"
    assert story(store).count("requeue") == 2


def test_feedback_outlives_an_interruption_and_a_hand_back(store, who, judge, clock):
    claim = claim_one(store, who, expect={"contains": ["42"]})
    conclude(judge, claim)
    claim = again(store, who, clock)
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    claim = again(store, who, clock)
    assert (claim.attempt, claim.feedback) == (2, ["the answer does not contain '42'"])
    store.write(lambda tx: recording.interrupted(tx, tx.one("get_task", id="a"), "idempotent", 3, "gone"))
    claim = again(store, who, clock)
    assert (claim.attempt, claim.interruptions, claim.feedback) == (
        3,
        1,
        ["the answer does not contain '42'"],
    )
    conclude(judge, claim)
    assert row_of(store)["state"] != "failed", "an interruption is nobody's verdict"


@pytest.mark.parametrize("review", ["auto", "none", "human"])
def test_a_failing_command_is_never_approved_and_never_held(store, who, judge, review):
    claim = claim_one(store, who, prompt=None, command="false", review=review)
    failure = Failure(code="exit", message="exit code 1")
    conclude(judge, claim, status="failed", exit_code=1, output="boom", failure=failure)
    assert row_of(store)["state"] == "failed"
    assert "exit code 1: boom" in row_of(store)["reason"]


def test_a_task_for_a_person_is_held_and_their_answer_counts(store, who, judge):
    conclude(judge, claim_one(store, who, review="human"), output_ref="abc")
    (decision,) = store.reader.decisions()
    assert row_of(store)["state"] == "review"
    assert json.loads(decision["payload"])["output_ref"] == "abc"
    assert store.approve("a", "me") == "a is approved."
    assert event(store, "task.approved")["reviewer"] == "me"


def test_what_a_critic_cannot_judge_is_held_with_its_trouble(store, who, judge):
    conclude(judge, claim_one(store, who, expect={"files": ["n" * 300]}))
    assert "it is too long" in store.reader.waiting_for(row_of(store))


def test_a_question_holds_the_hash_of_a_long_answer_or_all_of_one_that_has_none(store, who, judge):
    conclude(judge, claim_one(store, who, id="a", review="human"), output="word " * 1_000)
    conclude(
        judge, claim_one(store, who, id="b", review="human"),
        output="word " * 200, output_ref="abc", output_bytes=9_000,
    )  # fmt: skip

    whole, head = (json.loads(store.reader.one("open_decision_of", id=name)["payload"]) for name in "ab")
    assert whole["output"] == "word " * 1_000
    assert (head["output_ref"], head["output"][:1_000]) == ("abc", "word " * 200)
    assert head["output"].endswith("[not all of it: output_ref is the SHA-256 of the whole]")


def test_the_whole_stored_output_is_judged_not_the_part_that_is_shown(store, who, judge):
    conclude(judge, claim_one(store, who, expect={"contains": ["stored: abc"]}), output_ref="abc", output="x")
    assert row_of(store)["state"] == "approved"


def test_the_route_leaves_its_receipt(store, who, judge):
    route = Route("exact", Tool(name="lint", description="x"), 1.0, "context", reason="the prompt names it")
    conclude(judge, claim_one(store, who), route)
    told = event(store, "task.completed")
    assert (told["tool_route"], told["tool_name"], told["tool_confidence"]) == ("exact", "lint", 1.0)
    assert (told["tool_outcome"], told["tool_reason"]) == ("context", "the prompt names it")
    assert told["tool_saved_tokens"] == 0


# -- failures of the outside ---------------------------------------------------------------------------------


def failed(judge: Judge, claim: Claim, code: str = "model_busy", **fields: Any) -> None:
    failure = Failure(code=code, message="try later", **({"retryable": True} | fields))
    conclude(judge, claim, status="failed", output=None, failure=failure)


def test_what_the_outside_asked_for_counts_as_no_attempt_however_often(store, who, judge, clock):
    claim = claim_one(store, who)
    for _ in range(20):
        failed(judge, claim, counts=False)
        assert row_of(store)["state"] == "delayed"
        claim = again(store, who, clock)
        assert claim.attempt == 1
    assert claim.retries == 20
    conclude(judge, claim)
    assert (row_of(store)["state"], row_of(store)["attempts"]) == ("approved", 1)


def test_the_servers_own_time_is_waited_for_and_told(store, who, judge, clock):
    failed(judge, claim_one(store, who), counts=False, retry_after_s=7)
    assert row_of(store)["not_before"] == clock.now() + 7
    assert store.reader.waiting_for(row_of(store)).startswith("try later; next try at ")


@pytest.mark.parametrize("named", [{}, {"retry_after_s": 0.0}, {"retry_after_s": 0.99}])
def test_the_wait_doubles_from_try_to_try_with_jitter_and_a_bound(store, who, judge, clock, named):
    claim, waits = claim_one(store, who), []
    for _ in range(9):
        failed(judge, claim, counts=False, **named)
        waits.append(row_of(store)["not_before"] - clock.now())
        claim = again(store, who, clock)
    for number, wait in enumerate(waits):
        full = min(POLICY.retry_cap_s, POLICY.retry_base_s * 2**number)
        assert full / 2 <= round(wait, 3) <= full


def test_a_failure_that_counts_uses_up_attempts(store, who, judge, clock):
    claim = claim_one(store, who)
    for number in range(1, 4):
        assert claim.attempt == number
        failed(judge, claim, "model_failed")
        if number < 3:
            claim = again(store, who, clock)
    assert (row_of(store)["state"], row_of(store)["code"]) == ("failed", "model_failed")
    assert row_of(store)["reason"] == "try later"


def test_an_endpoint_that_nobody_answers_at_is_given_up_after_its_retries(store, who, judge, clock):
    claim = claim_one(store, who)
    for _ in range(POLICY.unreachable_retries):
        failed(judge, claim, "model_unreachable", counts=False)
        claim = again(store, who, clock)
    failed(judge, claim, "model_unreachable", counts=False)
    assert (row_of(store)["state"], row_of(store)["code"]) == ("failed", "model_unreachable")


def test_what_may_not_be_tried_again_is_not(store, who, judge):
    failed(judge, claim_one(store, who), "model_refused", retryable=False)
    assert (row_of(store)["state"], row_of(store)["code"]) == ("failed", "model_refused")


def test_a_late_outcome_is_dropped_with_an_event(store, who, judge):
    claim = claim_one(store, who)
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "test"))
    conclude(judge, claim)
    failed(judge, claim)
    assert row_of(store)["state"] == "ready"
    kinds = [row["event"] for row in store.reader.events(task_id="a")]
    assert kinds.count("task.result_dropped") == 2


# -- rewards -------------------------------------------------------------------------------------------------


def grants(store) -> list[tuple[str, int]]:
    return [(row["identity_id"], row["tokens_awarded"]) for row in store.reader.all("grants")]


def test_an_approved_task_under_its_budget_pays_its_identity_once(store, who, judge):
    claim = claim_one(store, who, identity_id="ada", max_budget=0.1)
    conclude(judge, claim, cost_micros=0)
    conclude(judge, claim, cost_micros=0)
    assert grants(store) == [("ada", 10)]
    told = event(store, "task.approved")
    assert (told["phase5_reward_applied"], told["phase5_reward_tokens_awarded"]) == (True, 10)
    assert told["phase5_reward_reason"] == "worker_approved_under_budget:a"


@pytest.mark.parametrize(
    ("fields", "outcome", "why"),
    [
        ({"max_budget": 0.1}, {"cost_micros": None}, "unbudgeted"),
        ({"max_budget": None}, {"cost_micros": 1}, "unbudgeted"),
        ({"max_budget": 0.1}, {"cost_micros": 100_000}, "not_under_budget"),
        ({"max_budget": 0.1, "review": "none"}, {"cost_micros": 1}, "review_not_approved"),
    ],
)
def test_an_approved_task_that_earned_nothing_says_why(store, who, judge, fields, outcome, why):
    conclude(judge, claim_one(store, who, identity_id="ada", **fields), **outcome)
    assert row_of(store)["state"] == "approved"
    assert grants(store) == []
    assert event(store, "task.approved")["phase5_reward_reason"] == why


def test_a_task_that_failed_earns_nothing(store, who, judge):
    claim = claim_one(
        store, who, identity_id="ada", max_budget=0.1, max_attempts=1, expect={"contains": ["42"]}
    )
    conclude(judge, claim, cost_micros=0)
    assert row_of(store)["state"] == "failed"
    assert grants(store) == []


def test_a_held_task_pays_when_the_person_says_yes_and_not_before(store, who, judge):
    conclude(judge, claim_one(store, who, identity_id="ada", max_budget=0.1, review="human"), cost_micros=0)
    assert grants(store) == []
    store.approve("a", "me")
    assert grants(store) == [("ada", 10)]


def test_an_outcome_that_was_cancelled_or_blocked_is_no_result_to_approve(store, who, judge):
    for status in ("cancelled", "safety_blocked"):
        claim = claim_one(store, who, id=status, max_attempts=1)
        outcome = Outcome.model_validate(outcome_of(claim).model_dump() | {"status": status})
        judge.conclude(claim, outcome, NO_ROUTE, random.Random(1))
        assert row_of(store, status)["state"] == "failed"


def edit(store, **fields: Any) -> None:
    doc, version = json.loads(row_of(store)["doc"]), row_of(store)["version"]
    rules = apply.Rules(store.settings.limits, store.limits)
    store.write(lambda tx: apply.edit_task(tx, "a", version, doc | fields, "cli", rules))


def test_a_good_answer_to_words_that_were_changed_meanwhile_is_not_approved_the_new_ones_run(
    store, who, judge, clock
):
    claim = claim_one(store, who)
    edit(store, prompt="y")

    conclude(judge, claim)

    assert (row_of(store)["state"], row_of(store)["attempts"]) == ("ready", 0)
    assert event(store, "task.requeue")["code"] == "edited"
    claim = again(store, who, clock)
    assert claim.task.prompt == "y"
    conclude(judge, claim)
    assert row_of(store)["state"] == "approved"


def test_a_command_that_must_not_run_twice_asks_when_it_was_changed_while_it_ran(store, who, judge):
    claim = claim_one(store, who, prompt=None, command="touch b", effect="unsafe")
    edit(store, command="touch c")

    conclude(judge, claim, mode="local", exit_code=0)

    assert row_of(store)["state"] == "review"
    assert "the result of those before, and the new ones have not run" in store.reader.waiting_for(
        row_of(store)
    )


@pytest.mark.parametrize(
    "brought",
    [
        {"exit_code": 1, "output": "boom"},
        {"failure": Failure(code="model_refused", message="too long")},
        {"failure": Failure(code="model_failed", message="half an answer", retryable=True)},
        {"timed_out": True, "failure": Failure(code="timeout", message="too slow")},
    ],
    ids=["exit code", "refused", "counts", "too slow"],
)
@pytest.mark.parametrize("effect", ["idempotent", "unsafe"])
def test_words_that_were_changed_while_the_last_attempt_failed_run_next_and_once_for_each_change(
    store, who, judge, clock, brought, effect
):
    fields = {"status": "failed", "mode": "local"} | brought
    claim = claim_one(store, who, prompt=None, command="false", effect=effect, max_attempts=1)
    for number in range(2):
        edit(store, command=f"true {number}")
        conclude(judge, claim, **fields)
        assert row_of(store)["state"] == "ready"
        told = event(store, "task.requeue")
        assert told["code"] == "edited"
        assert told["reason"].startswith(
            "its words were changed while it ran; it runs again with the new ones"
        )
        claim = again(store, who, clock)
        assert (claim.task.command, claim.attempt) == (f"true {number}", 1)

    conclude(judge, claim, **fields)
    assert row_of(store)["state"] == "failed", "nothing was changed while this one ran"


def test_a_rejected_attempt_of_old_words_takes_none_from_the_new_ones(store, who, judge, clock):
    claim = claim_one(store, who, expect={"contains": ["42"]}, max_attempts=2)
    edit(store, prompt="y")
    conclude(judge, claim)

    for number in (1, 2):
        claim = again(store, who, clock)
        assert (claim.task.prompt, claim.attempt, claim.rejections) == ("y", number, number - 1)
        conclude(judge, claim)
    assert row_of(store)["state"] == "failed"


@pytest.mark.parametrize("is_adopted", [False, True], ids=["", "adopted"])
@pytest.mark.parametrize("is_yes", [True, False], ids=["yes", "no"])
def test_a_person_s_word_on_a_result_of_old_words_does_what_the_question_says(
    store, who, judge, clock, is_adopted, is_yes
):
    claim = claim_one(store, who, prompt=None, command="touch b", effect="unsafe", review="human")
    edit(store, command="touch c")
    if is_adopted:
        claim = store.write(lambda tx: claims.adopt(tx, who, tx.one("get_task", id="a")))
    conclude(judge, claim, mode="local", exit_code=0)
    assert "Approving counts it as done; rejecting runs the new ones." in store.reader.waiting_for(
        row_of(store)
    )

    if is_yes:
        assert store.approve("a", "me") == "a is approved."
        return
    assert store.reject("a", "me", "no") == "a is requeued with your feedback: the words that it has now run."
    claim = again(store, who, clock)
    assert (claim.task.command, claim.attempt) == ("touch c", 1)
    conclude(judge, claim, mode="local", exit_code=0)
    assert "rejected and has no attempts left" in store.reject("a", "me", "no")


def test_words_that_were_changed_in_review_run_when_the_last_attempt_is_rejected(store, who, judge, clock):
    claim = claim_one(store, who, prompt=None, command="touch b", review="human", max_attempts=1)
    conclude(judge, claim, mode="local", exit_code=0)
    edit(store, command="touch c")

    store.reject("a", "me", "no")
    assert again(store, who, clock).task.command == "touch c"


def test_words_that_were_changed_while_the_gateway_refused_the_old_ones_are_looked_at_next(store, who, clock):
    claim = claim_one(store, who)
    edit(store, prompt="y")
    store.write(lambda tx: recording.block(tx, claim.ref, "refused", {}))
    claim = again(store, who, clock)
    assert claim.task.prompt == "y"

    store.write(lambda tx: recording.block(tx, claim.ref, "refused", {}))
    assert row_of(store)["state"] == "safety_blocked"


def test_words_that_were_changed_while_the_old_ones_ended_their_process_run_once(store, who, clock):
    claim_one(store, who)
    lost(store)
    again(store, who, clock)
    lost(store)
    for number in range(2):
        again(store, who, clock)
        edit(store, prompt=f"y{number}")
        lost(store)
        assert row_of(store)["state"] == "ready"
    again(store, who, clock)
    lost(store)
    assert (row_of(store)["state"], row_of(store)["code"]) == ("failed", "worker_lost")


def lost(store) -> None:
    store.write(
        lambda tx: recording.interrupted(tx, tx.one("get_task", id="a"), "idempotent", 3, "gone", counts=True)
    )


def test_an_edit_of_what_is_not_asked_lets_the_answer_be_approved(store, who, judge):
    claim = claim_one(store, who)
    edit(store, priority=3, tags=["x"])

    conclude(judge, claim)

    assert row_of(store)["state"] == "approved"


@pytest.mark.parametrize(
    ("fields", "state", "told"),
    [
        ({}, "review", "3 workers have ended since it ran"),
        (
            {"exit_code": 7, "mode": "local", "status": "failed"},
            "failed",
            "the command ended with exit code 7; 3 workers have",
        ),
    ],
    ids=["a result", "a failure"],
)
def test_what_three_workers_ended_on_is_looked_at_by_none_and_says_what_is_known(
    store, home, who, fields, state, told
) -> None:
    judge = Judge(lambda ref, work: store.write(work), unread, home.workspace, POLICY, ends_amid=lambda *_: 3)
    claim = claim_one(store, who, **({"command": "false", "prompt": None} if fields else {}))
    judge.conclude(claim, outcome_of(claim, output_ref="0" * 64, **fields), NO_ROUTE, random.Random(1))

    assert row_of(store)["state"] == state
    assert told in str([dict(row) for row in store.reader.events(task_id="a")])


def unread(ref: str) -> bytes:
    raise AssertionError("it was looked at")
