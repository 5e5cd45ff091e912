"""A plan is entered whole or not at all; a task and its parts end together and come back together."""

from __future__ import annotations

import pytest

from outcome import Verdict
from runtime_contract import Limits
from store import planning, recording
from store.queue_file.apply import Rules, edit_task
from store.reading import event_of
from store.records import Intake
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail, outcome_of, status, submit
from tests.integration.planning_rig import split


@pytest.fixture
def planned(store, who):
    """Task p in three parts: 2 and 3 wait for 1."""
    submit(store, new_task(id="p", prompt="ask", max_attempts=2))
    (claim,) = store.claim(who, 1)
    assert split(store, claim, (), (0,), (0,))
    return claim


def claim_of(store, who, task_id):
    """A claim of one task; whatever else was ready is given back."""
    claims = {claim.id: claim for claim in store.claim(who, 10)}
    for name, claim in claims.items():
        if name != task_id:
            store.write(lambda tx, claim=claim: recording.hand_back(tx, claim.ref, "not this one"))
    return claims[task_id]


def states(store, *names):
    return [status(store, name) for name in names]


def told(store, task_id):
    return [event_of(row) for row in store.reader.events(task_id=task_id)]


def finish(store, who, *names):
    for name in names:
        approve(store, claim_of(store, who, name))


def test_the_task_waits_for_its_parts_and_no_attempt_is_spent(store, who, planned):
    row = store.reader.task("p")
    assert (row["state"], row["attempts"], row["waiting_on"], row["owner"]) == ("blocked", 0, 3, None)
    assert store.reader.waiting_for(row) == "its subtasks p.1, p.2, p.3 to be approved"
    assert [claim.id for claim in store.claim(who, 10)] == ["p.1"]


def test_its_history_tells_of_the_plan_and_of_every_start_and_end_of_a_part(store, who, planned):
    finish(store, who, "p.1")
    events = told(store, "p")
    assert [event["event"] for event in events] == [
        "task.queued", "task.in_progress", "task.planned", "task.subtask_started", "task.subtask_completed",
    ]  # fmt: skip
    assert events[2]["phase4_subtasks"] == ["p.1", "p.2", "p.3"]
    assert events[2]["phase4_intent"] == {"goal": "goal of p"}
    assert (events[3]["subtask_id"], events[3]["focus"]) == ("p.1", "part p.1")
    assert events[4]["result_summary"] == "done"


def test_it_is_claimed_again_when_all_parts_are_approved_and_knows_that_it_was_split(store, who, planned):
    finish(store, who, "p.1", "p.2", "p.3")
    (claim,) = store.claim(who, 10)
    assert (claim.id, claim.attempt, claim.is_planned, claim.plan_parent) == ("p", 1, True, None)
    approve(store, claim)
    assert status(store, "p") == "approved"


def test_whoever_waits_for_it_waits_for_its_own_end(store, who, planned):
    submit(store, new_task(id="after", depends_on=["p"]))
    finish(store, who, "p.1", "p.2", "p.3")
    assert status(store, "after") == "blocked"
    finish(store, who, "p")
    assert status(store, "after") == "ready"


def test_a_superseded_claim_plans_nothing(store, who):
    submit(store, new_task(id="p", prompt="ask"))
    (claim,) = store.claim(who, 1)
    store.write(lambda tx: recording.hand_back(tx, claim.ref, "gone"))
    assert not split(store, claim, (), ())
    assert store.reader.task("p.1") is None
    (again,) = store.claim(who, 1)
    assert split(store, again, (), ())
    assert not split(store, again, (), ())
    assert len(list(store.reader.tasks())) == 3


def test_a_task_cancelled_while_it_was_planned_is_not_split(store, who):
    submit(store, new_task(id="p", prompt="ask"))
    (claim,) = store.claim(who, 1)
    store.cancel("p", "ada")
    assert not split(store, claim, (), ())
    assert (status(store, "p"), store.reader.task("p.1")) == ("cancelled", None)


def test_a_task_edited_while_it_was_planned_is_read_again(store, who):
    submit(store, new_task(id="p", prompt="ask"))
    (claim,) = store.claim(who, 1)
    edit(store, "p", prompt="another ask")
    assert not split(store, claim, (), ())
    row = store.reader.task("p")
    assert (row["state"], row["attempts"]) == ("ready", 0)


def test_what_an_edit_while_it_was_planned_makes_it_wait_for_counts_too(store, who):
    submit(store, new_task(id="p", prompt="ask"), new_task(id="dead"))
    fail(store, claim_of(store, who, "dead"))
    claim = claim_of(store, who, "p")
    edit(store, "p", depends_on=["dead"])
    assert split(store, claim, (), ())
    assert states(store, "p", "p.1", "p.2") == ["failed", "cancelled", "cancelled"]


def test_ids_that_somebody_has_are_left_alone(store, who):
    submit(store, new_task(id="p", prompt="ask"), new_task(id="p.2", not_before="2040-01-01"))
    (claim,) = store.claim(who, 1)
    assert split(store, claim, (), (0,))
    assert status(store, "p.again.1") == "ready"
    assert store.reader.task("p.2")["plan_parent"] is None
    assert store.reader.task("p.1") is None


def test_a_failed_part_cancels_what_has_not_started_and_fails_the_task_by_name(store, who):
    submit(store, new_task(id="p", prompt="ask"), new_task(id="after", depends_on=["p"]))
    assert split(store, claim_of(store, who, "p"), (), (), (), (0,), (3,))
    first, second = store.claim(who, 2)
    fail(store, first)
    assert states(store, "p", "p.1", "p.2", "p.3", "p.4", "p.5") == [
        "failed", "failed", "running", "cancelled", "cancelled", "cancelled",
    ]  # fmt: skip
    row = store.reader.task("p")
    assert row["code"] == "subtask_failed"
    assert row["reason"].startswith("its subtask p.1 ended failed (bad); `skep retry p`")
    assert store.reader.task("p.4")["code"] == "plan_ended"
    assert status(store, "after") == "failed"
    approve(store, second)
    assert status(store, "p.2") == "approved"


def test_a_part_that_runs_on_is_not_tried_again_for_a_task_that_has_ended(store, who):
    submit(store, new_task(id="p", prompt="ask"))
    assert split(store, claim_of(store, who, "p"), (), ())
    one, other = store.claim(who, 2)
    fail(store, one)
    store.write(lambda tx: recording.hand_back(tx, other.ref, "the worker stopped"))
    assert (status(store, "p.2"), store.reader.task("p.2")["code"]) == ("cancelled", "plan_ended")


def test_a_retry_of_the_task_keeps_what_is_approved_and_tries_the_rest(store, who, planned):
    finish(store, who, "p.1")
    fail(store, claim_of(store, who, "p.2"))
    assert states(store, "p", "p.1", "p.2", "p.3") == ["failed", "approved", "failed", "cancelled"]
    store.retry("p", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["blocked", "approved", "ready", "ready"]
    assert store.reader.task("p")["waiting_on"] == 2
    finish(store, who, "p.2", "p.3", "p")
    assert status(store, "p") == "approved"


def test_a_retry_of_a_part_brings_back_the_whole(store, who, planned):
    fail(store, claim_of(store, who, "p.1"))
    assert states(store, "p", "p.1", "p.2", "p.3") == ["failed", "failed", "cancelled", "cancelled"]
    store.retry("p.1", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["blocked", "ready", "blocked", "blocked"]


def test_a_retry_after_a_rejected_synthesis_only_repeats_that(store, who, planned):
    finish(store, who, "p.1", "p.2", "p.3")
    fail(store, claim_of(store, who, "p"))
    store.retry("p", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["ready", "approved", "approved", "approved"]


def test_cancelling_the_task_cancels_what_waits_and_stops_what_runs(store, who, planned):
    finish(store, who, "p.1")
    running = claim_of(store, who, "p.2")
    store.cancel("p", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["cancelled", "approved", "running", "cancelled"]
    assert store.reader.task("p.2")["cancel_requested"] == 1
    store.write(lambda tx: recording.cancel_running(tx, running.ref, "ada"))
    assert states(store, "p", "p.2") == ["cancelled", "cancelled"]
    store.retry("p", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["blocked", "approved", "ready", "ready"]


def test_cancelling_a_part_fails_the_task_and_says_so(store, who, planned):
    store.cancel("p.3", "ada")
    assert states(store, "p", "p.1", "p.2", "p.3") == ["failed", "cancelled", "cancelled", "cancelled"]
    assert "its subtask p.3 ended cancelled (cancelled by ada)" in store.reader.task("p")["reason"]


def test_a_part_may_be_split_again_and_takes_the_whole_down_and_up_with_it(store, who, planned):
    assert split(store, claim_of(store, who, "p.1"), (), ())
    assert planning.depth_of(store.reader, "p") == 0
    assert planning.depth_of(store.reader, "p.1.2") == 2
    fail(store, claim_of(store, who, "p.1.1"))
    names = ("p", "p.1", "p.2", "p.1.1", "p.1.2")
    assert states(store, *names) == ["failed", "failed", "cancelled", "failed", "cancelled"]
    store.retry("p", "ada")
    assert states(store, *names) == ["blocked", "blocked", "blocked", "ready", "ready"]
    finish(store, who, "p.1.1", "p.1.2", "p.1", "p.2", "p.3", "p")
    assert status(store, "p") == "approved"


def edit(store, task_id, **fields):
    row = store.reader.task(task_id)
    doc = new_task(id=task_id, **({"prompt": "ask"} | fields)).doc
    return store.write(
        lambda tx: edit_task(tx, task_id, row["version"], doc, "ada", Rules(Limits(), store.limits))
    )


def test_an_edit_of_the_task_leaves_its_parts_and_what_it_waits_for(store, who, planned):
    result = edit(store, "p", prompt="a shorter ask", depends_on=[])
    assert "its subtasks stay as they are" in result.note
    assert store.reader.task("p")["waiting_on"] == 3
    submit(store, new_task(id="else", not_before="2040-01-01"))
    edit(store, "p", prompt="a shorter ask", depends_on=["else"])
    assert store.reader.task("p")["waiting_on"] == 4
    assert store.reader.waiting_for(store.reader.task("p")) == (
        "its subtasks p.1, p.2, p.3 to be approved; else to be approved"
    )
    edit(store, "p", prompt="a shorter ask")
    finish(store, who, "p.1", "p.2", "p.3")
    (claim,) = store.claim(who, 10)
    assert (claim.id, claim.task.prompt) == ("p", "a shorter ask")


def test_who_waited_for_an_id_before_there_was_a_plan_is_released_by_the_part(store, who):
    submit(store, new_task(id="early", depends_on=["p.1"]), new_task(id="p", prompt="ask"))
    assert split(store, claim_of(store, who, "p"), (), ())
    finish(store, who, "p.1")
    assert status(store, "early") == "ready"


def test_what_a_user_writes_of_a_parent_has_no_effect(store, who):
    entry = new_task(id="x", prompt="ask", phase4_parent_task="p")
    store.submit(Intake(new=[entry]), "test")
    assert store.reader.task("x")["plan_parent"] is None


def test_a_rejected_part_is_tried_again_as_any_task(store, who, planned):
    claim = claim_of(store, who, "p.1")

    def reject(tx):
        verdict = Verdict(decision="REJECT", confidence=0.9, issues=["bad"])
        row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
        assert row is not None
        recording.requeue(tx, row, "bad", feedback=["bad"], rejected=True)

    store.write(reject)
    assert states(store, "p", "p.1") == ["blocked", "ready"]
    finish(store, who, "p.1")
    assert states(store, "p.2", "p.3") == ["ready", "ready"]
