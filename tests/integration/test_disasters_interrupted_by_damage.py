"""What ran or was being judged when the database broke: its effect decides, never chance."""

from __future__ import annotations

import json

import pytest

from store import agreements, recording
from store.records import Question
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    if home.store is not None:
        home.close()


def break_and_recover(home: WorkedHome, **options):
    if home.store is not None:
        home.close()
    home.overwrite(0, bytes(100))
    recovered = home.recover(**options)
    assert recovered is not None
    home.open()
    return recovered


@pytest.mark.parametrize("backup_when", ["never", "before the claim", "while it runs"])
@pytest.mark.parametrize("log_is_there", [True, False], ids=["with the log", "without the log"])
def test_a_running_task_runs_again_if_idempotent_and_waits_for_a_person_if_unsafe(
    worked: WorkedHome, backup_when: str, log_is_there: bool
) -> None:
    worked.add("safe", command="true", effect="idempotent")
    worked.add("risky", command="true", effect="unsafe")
    worked.show()
    if backup_when == "before the claim":
        worked.back_up()
    worked.claim("safe", "risky")
    worked.show()
    if backup_when == "while it runs":
        worked.back_up()
    worked.close()
    if not log_is_there:
        worked.home.log_file.unlink()
    recovered = break_and_recover(worked)
    assert worked.states() == {"safe": "ready", "risky": "review"}
    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["safe"]
    worked.opened.approve("risky", "tester")
    assert worked.states()["risky"] == "approved"
    assert worked.verify().ok


@pytest.mark.parametrize("backup_when", ["never", "before the question", "while it is open"])
def test_a_command_that_waits_for_leave_never_counts_as_one_that_ran(
    worked: WorkedHome, backup_when: str
) -> None:
    worked.add("held", command="true")
    worked.show()
    if backup_when == "before the question":
        worked.back_up()
    (claim,) = worked.claim("held")
    asked = Question(agreements.KIND, "May held run?", agreements.OPTIONS, {"approved": "a digest"})
    worked.opened.write(lambda tx: agreements.hold(tx, claim.ref, asked))
    worked.show()
    if backup_when == "while it is open":
        worked.back_up()
    recovered = break_and_recover(worked)

    row = worked.opened.reader.task("held")
    assert row is not None
    kinds = {each["kind"] for each in worked.opened.reader.decisions()}
    if backup_when == "while it is open":
        assert (row["state"], kinds) == ("review", {"recovery", "execution"})
    else:
        assert (row["state"], kinds) == ("ready", {"recovery"}), "the road asks again, with today's bytes"
    assert row["attempts"] == 0
    worked.accept(recovered)
    assert worked.verify().ok


def test_the_callers_word_on_effect_counts(worked: WorkedHome) -> None:
    worked.add("a", "b", command="true")
    worked.claim("a", "b")
    worked.show()
    break_and_recover(worked, effect_of=lambda task: "unsafe" if task.id == "b" else "idempotent")
    assert worked.states() == {"a": "ready", "b": "review"}


def test_an_attempt_that_ends_its_process_again_and_again_still_stops(worked: WorkedHome) -> None:
    worked.add("a", effect="idempotent", max_attempts=2)
    for state in ("ready", "failed"):
        worked.claim("a")
        worked.show()
        recovered = break_and_recover(worked)
        assert worked.states() == {"a": state}
        worked.accept(recovered)


def test_a_task_a_person_was_stopping_ends_as_cancelled(worked: WorkedHome) -> None:
    worked.add("a", effect="idempotent")
    worked.claim("a")
    worked.opened.cancel("a", "tester")
    worked.show()
    break_and_recover(worked)
    assert worked.states() == {"a": "cancelled"}


def test_attempts_leases_and_feedback_go_on_where_they_were(worked: WorkedHome) -> None:
    worked.add("a", prompt="think", max_attempts=5)
    (claim,) = worked.claim("a")
    worked.show()
    worked.back_up()
    worked.conclude(claim, "requeue")
    (claim,) = worked.claim("a")
    worked.conclude(claim, "requeue")
    before = worked.opened.reader.task("a")
    worked.show()
    recovered = break_and_recover(worked)
    after = worked.opened.reader.task("a")
    assert before is not None
    assert after is not None
    names = ("state", "attempts", "interruptions", "rejections", "retries", "lease", "feedback", "reason")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    worked.accept(recovered)
    (claim,) = worked.claim("a")
    assert (claim.attempt, claim.ref.lease, claim.feedback) == (3, 3, ["bad"])
    assert [row["became"] for row in worked.opened.reader.attempts(claim.seq)] == [
        "rejected",
        "rejected",
        None,
    ]


@pytest.mark.parametrize("backup_when", ["never", "before it was asked", "after it was asked"])
def test_a_result_that_waited_for_a_person_waits_again(worked: WorkedHome, backup_when: str) -> None:
    worked.add("a")
    if backup_when == "before it was asked":
        worked.back_up()
    (claim,) = worked.claim("a")
    worked.conclude(claim, "held")
    if backup_when == "after it was asked":
        worked.back_up()
    worked.show()
    recovered = break_and_recover(worked)
    row = worked.opened.reader.task("a")
    assert row is not None
    assert worked.opened.reader.waiting_for(row) == "a person: Is a good?"
    assert json.loads(row["result"])["result"] == "did a"
    worked.accept(recovered)
    assert worked.claim() == []
    worked.opened.approve("a", "tester")
    assert worked.states() == {"a": "approved"}


def test_a_question_answered_after_the_backup_is_not_asked_again(worked: WorkedHome) -> None:
    worked.add("a")
    (claim,) = worked.claim("a")
    worked.conclude(claim, "held")
    worked.back_up()
    worked.opened.approve("a", "tester", "fine")
    worked.show()
    break_and_recover(worked)
    assert worked.states() == {"a": "approved"}
    assert [row["kind"] for row in worked.opened.reader.decisions()] == ["recovery"]


def test_tokens_are_granted_once_for_a_task_whatever_was_lost(worked: WorkedHome) -> None:
    grant = {
        "task_id": "a",
        "identity_id": "ada",
        "tokens_requested": 9,
        "tokens_awarded": 9,
        "budget_used": 10,
        "max_budget": 1_000_000,
        "confidence": 0.9,
        "reason": "worker_approved_under_budget:a",
    }
    worked.add("a", prompt="x", identity_id="ada", max_budget=1)
    worked.back_up()
    (claim,) = worked.claim("a")

    def approve(tx):
        row = tx.one("get_task", id=claim.id)
        recording.approve(tx, row, "critics", dict(grant), review_confidence=0.9, cost_micros=10)

    worked.opened.write(lambda tx: tx.all("to_review", seq=claim.seq, result=None))
    worked.opened.write(approve)
    before = [dict(row) for row in worked.opened.reader.all("grants")]
    worked.show()
    break_and_recover(worked)
    assert [dict(row) for row in worked.opened.reader.all("grants")] == before


def test_a_dependant_is_released_by_what_the_log_says_and_fails_by_what_it_says(worked: WorkedHome) -> None:
    worked.add("good")
    worked.add("bad", max_attempts=1)
    worked.add("after-good", depends_on=["good"])
    worked.add("after-bad", depends_on=["bad"])
    worked.add("after-nobody", depends_on=["nobody"])
    worked.back_up()
    good, bad = worked.claim("good", "bad")
    worked.conclude(good)
    worked.conclude(bad, "failed")
    worked.show()
    recovered = break_and_recover(worked)
    assert worked.states() == {
        "good": "approved",
        "bad": "failed",
        "after-good": "ready",
        "after-bad": "failed",
        "after-nobody": "blocked",
    }
    worked.accept(recovered)
    assert [claim.id for claim in worked.claim()] == ["after-good"]
    worked.opened.retry("bad", "tester")
    assert worked.states()["after-bad"] == "blocked"


def test_a_firing_of_a_schedule_is_not_made_twice(worked: WorkedHome) -> None:
    worked.add("tick", every="0 * * * *")
    worked.back_up()
    worked.clock.advance(3600)
    assert worked.opened.promote_due() == 1
    (claim,) = worked.claim()
    worked.conclude(claim)
    worked.show()
    recovered = break_and_recover(worked)
    assert worked.states()[claim.id] == "approved"
    assert worked.opened.promote_due() == 0
    worked.accept(recovered)
    assert worked.claim() == []
