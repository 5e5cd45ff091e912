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
from store import answering, claims, intake, ledger, recording
from store.answering import Answer
from store.claims import Claimant
from store.lanes import ConcurrencyLimits
from store.records import Intake, Question, TaskRef
from testing.tasks import new_task
from tests.conformance.store_suite import approve, outcome_of

WHAT = "its worker worker-test ended"


def submit(store, *tasks) -> None:
    store.submit(Intake(new=list(tasks)), "test")


def claim_one(store, who, **fields):
    submit(store, new_task(**({"id": "a"} | fields)))
    (claim,) = store.claim(who, 1)
    return claim


def state(store, task_id: str = "a") -> str:
    return store.reader.task(task_id)["state"]


def kinds(store, task_id: str = "a") -> list[str]:
    return [row["event"] for row in store.reader.events(task_id=task_id)]


def interrupt(store, claim, effect: str, limit: int = 3) -> None:
    def work(tx) -> None:
        row = claims.held(tx, claim.ref, "an interruption")
        if row is not None:
            recording.interrupted(tx, row, effect, limit, WHAT)

    store.write(work)


def someone(store, pid: ProcessId, name: str = "worker-2") -> Claimant:
    return Claimant(name, pid, store.settings.lease_s)


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


def test_a_task_that_is_only_claimed_whenever_its_process_ends_is_tried_alone_after_ten_times_as_many(
    store, who
):
    submit(store, *[new_task(id=name) for name in ("a", "b")])
    for _ in range(20):
        claimed = store.claim(who, 9)
        assert [claim.id for claim in claimed] == ["a", "b"]
        for claim in claimed:
            interrupt(store, claim, "idempotent", limit=2)
    (claim,) = store.claim(who, 9)
    interrupt(store, claim, "idempotent", limit=2)
    assert (state(store), store.reader.task("a")["code"]) == ("failed", "worker_lost")
    approve(store, claim_alone(store, who, "b"))


def test_a_task_whose_limit_was_lowered_below_what_it_had_is_tried_alone_before_it_fails(store, who):
    submit(store, *[new_task(id=name) for name in ("a", "b")])
    for limit in (6, 6, 2):
        claimed = store.claim(who, 9)
        assert [claim.id for claim in claimed] == ["a", "b"]
        for claim in claimed:
            store.start_cycle(claim.ref, "swarm")
            interrupt(store, claim, "idempotent", limit=limit)
    approve(store, claim_alone(store, who, "a"))
    interrupt(store, claim_alone(store, who, "b"), "idempotent", limit=2)
    assert [state(store, name) for name in ("a", "b")] == ["approved", "failed"]


def interrupt_together(store, who, times: int) -> None:
    """Everything that is ready is claimed and begun, then its process ends."""
    for _ in range(times):
        for claim in store.claim(who, 9):
            store.start_cycle(claim.ref, "swarm")
            interrupt(store, claim, "idempotent")


def claim_alone(store, who, expected: str):
    """The next task to be claimed, beside which nothing else is."""
    (claim,) = store.claim(who, 9)
    assert (claim.id, store.claim(who, 9)) == (expected, [])
    store.start_cycle(claim.ref, "swarm")
    return claim


def test_who_was_there_whenever_its_process_ended_is_tried_alone_at_last_so_that_the_innocent_pass(
    store, who
):
    submit(store, *[new_task(id=name) for name in ("before", "culprit", "behind")])
    interrupt_together(store, who, 2)
    *_, told = store.reader.events(task_id="before")
    assert "runs again, alone, which shows whether it is what ends the process" in told["data"]
    submit(store, new_task(id="other"))
    approve(store, claim_alone(store, who, "before"))
    culprit = claim_alone(store, who, "culprit")
    reader = store.reader
    assert reader.waiting_for(reader.task("other")) == "a task that runs alone to end"
    why = "a running task to end: it runs alone (its process has ended amid it before)"
    assert reader.waiting_for(reader.task("behind")) == why
    interrupt(store, culprit, "idempotent")
    approve(store, claim_alone(store, who, "behind"))
    states = [state(store, name) for name in ("before", "culprit", "behind")]
    assert states == ["approved", "failed", "approved"]
    assert store.reader.task("culprit")["code"] == "worker_lost"
    assert [claim.id for claim in store.claim(who, 9)] == ["other"]


def test_a_suspect_whose_result_was_judged_bad_has_its_next_try_alone_too(store, who):
    """It keeps the count, so beside another that ends the process it would fail for that one's sake."""
    submit(store, new_task(id="a", prompt="x"))
    interrupt_together(store, who, 2)
    claim = claim_alone(store, who, "a")
    store.record_outcome(outcome_of(claim))

    def reject(tx) -> None:
        row = claims.held(tx, claim.ref, "a verdict")
        assert row is not None
        recording.requeue(tx, row, "a critic", became="rejected")

    store.write(reject)
    submit(store, new_task(id="b", prompt="x"))
    claim_alone(store, who, "a")


def test_a_suspect_that_was_stopped_with_its_worker_has_its_next_try_alone_too(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    interrupt_together(store, who, 2)
    claim = claim_alone(store, who, "a")
    store.record_outcome(outcome_of(claim, status="cancelled"))
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    claim_alone(store, who, "a")


def test_a_task_that_swarm_never_began_though_it_was_sent_is_tried_alone_and_then_fails(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))

    def give_up(claim) -> None:
        def work(tx) -> None:
            row = claims.held(tx, claim.ref, "an interruption")
            assert row is not None
            recording.never_started(tx, row, "swarm ended 3 times")

        store.write(work)

    for claim in store.claim(who, 9):
        give_up(claim)
    (claim,) = store.claim(who, 9)
    assert (claim.id, store.claim(who, 9)) == ("a", [])
    give_up(claim)
    assert (state(store), store.reader.task("a")["code"]) == ("failed", "worker_lost")
    approve(store, claim_alone(store, who, "b"))


@pytest.mark.parametrize(
    "pass_by",
    [
        lambda store: store.write(lambda tx: intake.assign_lanes(tx, ConcurrencyLimits(models={"big": 1}))),
        lambda store: store.pause("me", None) or store.resume("me"),
    ],
    ids=["other limits", "a pause"],
)
def test_a_suspect_stays_one_over_what_says_nothing_of_it(store, who, pass_by):
    submit(store, new_task(id="a", prompt="x"), new_task(id="b", prompt="x"))
    interrupt_together(store, who, 2)
    pass_by(store)
    claim = claim_alone(store, who, "a")
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "the worker stops"))
    claim_alone(store, who, "a")


def test_a_suspect_that_a_person_sends_back_runs_beside_others(store, who):
    submit(store, new_task(id="a"))
    interrupt_together(store, who, 2)
    store.cancel("a", "me")
    store.retry("a", "me")
    submit(store, new_task(id="b"))
    assert {claim.id for claim in store.claim(who, 9)} == {"a", "b"}


def test_a_task_with_one_try_is_tried_alone_too_before_it_fails(store, who):
    submit(store, new_task(id="a"), new_task(id="b"))
    for claim in store.claim(who, 9):
        store.start_cycle(claim.ref, "swarm")
        interrupt(store, claim, "idempotent", limit=1)
    interrupt(store, claim_alone(store, who, "a"), "idempotent", limit=1)
    approve(store, claim_alone(store, who, "b"))
    assert [state(store, name) for name in ("a", "b")] == ["failed", "approved"]


def test_workers_that_stop_in_good_order_have_not_ended_on_a_result(store, who):
    claim = claim_one(store, someone(store, ProcessId("gone", 1, 1)))
    outcome = outcome_of(claim)
    store.record_outcome(outcome)

    def ends(*, in_order: bool) -> int:
        if in_order:
            store.write(lambda tx: claims.leave(tx, claim.ref))
        (found,) = store.find_abandoned()
        next_one = someone(store, ProcessId("gone", 1, 1))
        store.write(lambda tx: claims.adopt(tx, next_one, found.row))
        return claims.ends_since(store.reader, claim, outcome)

    assert [ends(in_order=each) for each in (True, True, False, True, False)] == [0, 0, 1, 1, 2]


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
