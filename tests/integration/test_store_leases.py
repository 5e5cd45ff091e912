"""Leases: kept by heartbeats, lost with their process, and what an interruption means."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import host_platform
from errors import AlreadyAnswered, InvalidRequest, TransitionNotAllowed
from host_platform import ProcessId
from outcome import Verdict
from store import answering, claims, ledger, recording
from store.answering import Answer
from store.records import Question, TaskRef
from testing.tasks import new_task
from tests.conformance.store_suite import approve, outcome_of
from tests.integration.lease_steps import claim_one, interrupt, kinds, someone, state, submit

# -- who is gone ---------------------------------------------------------------------------------------------


def test_heartbeats_keep_a_lease_alive_for_as_long_as_they_come(store, clock, who):
    claim = claim_one(store, who)
    for _ in range(100):
        clock.advance(store.settings.lease_s - 1)
        assert store.find_abandoned() == []
        assert store.heartbeat(who, [claim.ref]) == []
    clock.advance(store.settings.lease_s)
    assert store.find_abandoned() == []
    clock.advance(0.5)
    assert [one.row["id"] for one in store.find_abandoned()] == ["a"]


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_wall_clock_that_jumps_ends_no_lease_and_prolongs_none(store, clock, who, jump):
    claim = claim_one(store, who)
    clock.jump(jump)
    assert store.find_abandoned() == []
    assert store.heartbeat(who, [claim.ref]) == []
    clock.advance(store.settings.lease_s + 1)
    assert len(store.find_abandoned()) == 1


def test_a_process_that_has_ended_holds_nothing_although_its_lease_lasts(store, who):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = ProcessId(host_platform.boot_id(), process.pid, host_platform.process_start(process.pid))
    claim_one(store, someone(store, owner))
    assert store.find_abandoned() == []
    process.communicate()
    assert [one.row["id"] for one in store.find_abandoned()] == ["a"]


@pytest.mark.parametrize("changes", [{"boot": "an earlier start of the machine"}, {"start": 1}])
def test_another_process_with_the_same_number_is_not_the_owner(store, changes):
    me = host_platform.this_process()
    owner = ProcessId(**({"boot": me.boot, "pid": me.pid, "start": me.start} | changes))
    claim_one(store, someone(store, owner))
    assert [one.row["id"] for one in store.find_abandoned()] == ["a"]


def test_only_the_owner_can_renew(store, who):
    claim = claim_one(store, who)
    stranger = someone(store, ProcessId("boot", 1, 1))
    assert store.heartbeat(stranger, [claim.ref]) == [claim.ref]
    assert store.heartbeat(who, []) == []
    assert store.heartbeat(who, [TaskRef("nobody", 1), claim.ref]) == [TaskRef("nobody", 1)]


def test_what_is_known_of_an_execution_decides_who_goes_on(store, who):
    for name in ("unstarted", "running", "lost", "ended"):
        claim = claim_one(store, someone(store, ProcessId("gone", 1, 1)), id=name)
        if name != "unstarted":
            swarm = str(host_platform.this_process()) if name == "running" else "gone/1/1"
            store.start_cycle(claim.ref, swarm)
        if name == "ended":
            store.record_outcome(outcome_of(claim))
    assert {one.row["id"]: one.execution for one in store.find_abandoned()} == {
        name: name for name in ("unstarted", "running", "lost", "ended")
    }


def test_an_abandoned_task_is_taken_over_by_one_only_and_keeps_its_lease(store, who):
    claim = claim_one(store, someone(store, ProcessId("gone", 1, 1)))
    (found,) = store.find_abandoned()
    first = store.write(lambda tx: claims.adopt(tx, who, found.row))
    assert first.ref == claim.ref
    assert store.write(lambda tx: claims.adopt(tx, who, found.row)) is None
    assert store.find_abandoned() == []
    approve(store, first)
    assert state(store) == "approved"


# -- what an interruption means ------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed_only", [0, 1, 7])
def test_an_idempotent_task_runs_again_until_its_interruptions_are_used_up(store, who, claimed_only):
    """With those that were claimed and never begun, of which any number may lie in between."""
    submit(store, new_task(id="a"))
    begins = [True, True, *[False] * claimed_only, True]
    for number, has_begun in enumerate(begins):
        (claim,) = store.claim(who, 1)
        assert (claim.attempt, claim.interruptions) == (number + 1, number)
        if has_begun:
            store.start_cycle(claim.ref, "swarm")
        interrupt(store, claim, "idempotent", limit=3)
    row = store.reader.task("a")
    assert (row["state"], row["code"]) == ("failed", "worker_lost")
    assert f"for the {len(begins)}. time" in row["reason"]
    assert kinds(store).count("task.interrupted") == len(begins) - 1


def test_a_retry_by_a_person_forgets_the_interruptions_that_were(store, who):
    submit(store, new_task(id="a"))
    for _ in range(2):
        for number in range(3):
            (claim,) = store.claim(who, 1)
            assert claim.interruptions == number
            store.start_cycle(claim.ref, "swarm")
            interrupt(store, claim, "idempotent", limit=3)
        assert state(store) == "failed"
        store.retry("a", "me")


def test_a_late_word_under_an_interrupted_lease_is_dropped_with_an_event(store, who):
    claim = claim_one(store, who)
    interrupt(store, claim, "idempotent")
    approve(store, claim)
    interrupt(store, claim, "unsafe")
    assert state(store) == "ready"
    assert kinds(store)[-2:] == ["task.result_dropped"] * 2


def test_an_unsafe_task_stops_and_asks(store, who):
    claim = claim_one(store, who, depends_on=[])
    submit(store, new_task(id="child", depends_on=["a"]))
    interrupt(store, claim, "unsafe")
    row = store.reader.task("a")
    assert row["state"] == "review"
    assert store.claim(who, 5) == []
    (decision,) = store.reader.decisions()
    assert json.loads(decision["options"]) == ["again", "done", "failed"]
    assert "Run it again, count it as done, or count it as failed?" in store.reader.waiting_for(row)


@pytest.mark.parametrize(
    ("choice", "after", "child"),
    [("again", "ready", "blocked"), ("done", "approved", "ready"), ("failed", "failed", "failed")],
)
def test_each_answer_about_an_interrupted_task_does_what_it_says_once(store, who, choice, after, child):
    claim = claim_one(store, who)
    submit(store, new_task(id="child", depends_on=["a"]))
    interrupt(store, claim, "unsafe")
    (decision,) = store.reader.decisions()
    with pytest.raises(InvalidRequest, match="choose one of again, done, failed"):
        store.answer(Answer(decision["id"], "maybe", "me"))
    store.answer(Answer(decision["id"], choice, "me", "because"))
    assert (state(store), state(store, "child")) == (after, child)
    assert store.reader.decisions() == []
    for again in ("again", "done", "failed"):
        with pytest.raises(AlreadyAnswered, match="by me"):
            store.answer(Answer(decision["id"], again, "you"))
    assert (state(store), state(store, "child")) == (after, child)
    assert kinds(store).count("decision.answered") == 1


@pytest.mark.parametrize(("say", "after"), [("approve", "approved"), ("reject", "failed")])
def test_yes_counts_an_interrupted_task_as_done_and_no_as_failed(store, who, say, after):
    interrupt(store, claim_one(store, who), "unsafe")
    getattr(store, say)("a", "me")
    assert state(store) == after
    with pytest.raises(TransitionNotAllowed, match="does not wait for a decision"):
        getattr(store, say)("a", "me")


def test_an_interruption_uses_up_no_attempt_that_may_be_judged(store, who):
    submit(store, new_task(id="a", prompt="x", max_attempts=2))
    (claim,) = store.claim(who, 1)
    interrupt(store, claim, "idempotent", limit=9)
    (claim,) = store.claim(who, 1)
    row = store.reader.task("a")
    assert (row["attempts"], row["interruptions"]) == (2, 1)


# -- a cancellation that was asked for is never lost ---------------------------------------------------------


def test_cancelling_a_running_task_asks_and_the_worker_ends_it(store, who):
    claim = claim_one(store, who)
    assert store.cancel("a", "me") == "stopping"
    assert store.reader.waiting_for(store.reader.task("a")) == "being stopped"
    assert [row["id"] for row in store.reader.all("running_to_cancel")] == ["a"]
    assert store.write(lambda tx: recording.cancel_running(tx, claim.ref, "me"))
    assert state(store) == "cancelled"


@pytest.mark.parametrize("how", ["handed back", "interrupted", "unsafe", "rejected", "held"])
def test_a_task_that_would_go_on_ends_cancelled_when_a_person_has_asked_for_it(store, who, how):
    claim = claim_one(store, who)
    submit(store, new_task(id="child", depends_on=["a"]))
    store.cancel("a", "me")
    if how == "handed back":
        store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    elif how in {"interrupted", "unsafe"}:
        interrupt(store, claim, "idempotent" if how == "interrupted" else "unsafe")
    else:

        def conclude(tx) -> None:
            verdict = Verdict(decision="REJECT", confidence=0.9, issues=["bad"])
            row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
            assert row is not None
            if how == "rejected":
                recording.requeue(tx, row, "rejected", rejected=True, feedback=["bad"])
            else:
                question = Question("review", "good?", ("approve", "reject"), {})
                assert recording.hold(tx, row, question) is None

        store.write(conclude)
    assert (state(store), state(store, "child")) == ("cancelled", "failed")
    assert store.reader.decisions() == []
    assert store.claim(who, 5) == []


def test_a_task_that_was_done_before_the_cancellation_reached_it_stays_done(store, who):
    claim = claim_one(store, who)
    store.cancel("a", "me")
    approve(store, claim)
    assert state(store) == "approved"


def test_a_task_sent_back_after_a_cancellation_runs_to_its_end(store, who):
    claim = claim_one(store, who)
    store.cancel("a", "me")
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    store.retry("a", "me")
    (claim,) = store.claim(who, 1)
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    assert state(store) == "ready"


# -- decisions in general ------------------------------------------------------------------------------------


def hold(store, claim, **payload) -> None:
    def conclude(tx) -> None:
        verdict = Verdict(decision="APPROVE", confidence=0.95)
        row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
        assert row is not None
        question = Question("review", "good?", ("approve", "reject"), {"task": claim.id, **payload})
        recording.hold(tx, row, question)

    store.write(conclude)


def test_a_decision_binds_to_the_exact_bytes_it_shows(store, who):
    import hashlib

    hold(store, claim_one(store, who), output="häh")
    (decision,) = store.reader.decisions()
    assert decision["digest"] == hashlib.sha256(decision["payload"].encode()).hexdigest()
    assert json.loads(decision["payload"]) == {"task": "a", "output": "häh"}


def test_cancelling_a_held_task_withdraws_its_question(store, who):
    hold(store, claim_one(store, who))
    (decision,) = store.reader.decisions()
    store.cancel("a", "me")
    assert store.reader.decisions() == []
    with pytest.raises(AlreadyAnswered, match="nobody waits for its answer any more"):
        store.answer(Answer(decision["id"], "approve", "me"))
    assert state(store) == "cancelled"


def test_two_who_answer_at_once_are_not_both_heard(store, who):
    import concurrent.futures

    hold(store, claim_one(store, who))
    (decision,) = store.reader.decisions()

    def say(number: int) -> bool:
        try:
            store.answer(Answer(decision["id"], "approve" if number % 2 else "reject", f"p{number}"))
        except AlreadyAnswered:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(say, range(16))) == [False] * 15 + [True]
    assert kinds(store).count("decision.answered") == 1


def test_a_persons_no_goes_back_with_their_words_until_attempts_are_used_up(store, who):
    submit(store, new_task(id="a", prompt="x", review="human", max_attempts=2))
    (claim,) = store.claim(who, 1)
    hold(store, claim)
    assert "tried again" in store.reject("a", "me", "too long")
    (claim,) = store.claim(who, 1)
    assert (claim.feedback, claim.rejections, claim.attempt) == (["too long"], 1, 2)
    hold(store, claim)
    assert "no attempts left" in store.reject("a", "me")
    assert (state(store), store.reader.task("a")["code"]) == ("failed", "rejected")


def test_a_reward_is_granted_with_the_approval_and_exactly_once(store, who):
    grant = {
        "task_id": "a",
        "identity_id": "ada",
        "tokens_requested": 7,
        "tokens_awarded": 7,
        "budget_used": 1,
        "max_budget": 2,
        "confidence": 0.9,
        "reason": "worker_approved_under_budget:a",
    }
    hold(store, claim_one(store, who), grant=grant)
    assert list(store.reader.all("grants")) == []
    store.approve("a", "me")
    assert [row["tokens_awarded"] for row in store.reader.all("grants")] == [7]
    again = store.write(lambda tx: ledger.grant(tx, grant))
    assert (again["phase5_reward_applied"], again["phase5_reward_tokens_awarded"]) == (False, 0)
    assert again["phase5_reward_reason"] == "already_granted"
    assert len(store.reader.all("grants")) == 1


def test_every_kind_of_decision_has_a_yes_a_no_and_something_to_do():
    assert set(answering.YES_AND_NO) == set(answering._ACTIONS)
