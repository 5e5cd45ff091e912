"""A plan outlives the database it stood in: nothing is split twice, and parts stay parts."""

from __future__ import annotations

import pytest

from road import plan_question
from store import plan_review, planning
from tests.integration.planning_rig import split
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    home.add("p", prompt="ask", tags=["x"])
    yield home
    if home.store is not None:
        home.close()


def plan(home: WorkedHome) -> None:
    """Split p in three, and finish the first part."""
    (claim,) = home.claim("p")
    assert split(home.opened, claim, (), (0,), (0,))
    (first,) = home.claim("p.1")
    home.conclude(first)
    home.show()


def break_and_rebuild(home: WorkedHome) -> None:
    home.close()
    home.overwrite(0, bytes(100))
    recovered = home.recover()
    assert recovered is not None
    home.open()
    home.accept(recovered)


@pytest.mark.parametrize("with_backup", [True, False], ids=["with a backup", "without a backup"])
def test_a_plan_is_rebuilt_from_the_log(worked: WorkedHome, with_backup: bool) -> None:
    worked.show()
    if with_backup:
        worked.back_up()
    plan(worked)
    before = worked.states()
    break_and_rebuild(worked)
    assert worked.states() == before == {"p": "blocked", "p.1": "approved", "p.2": "ready", "p.3": "ready"}
    assert planning.intent_of(worked.opened.reader, "p") == {"goal": "goal of p"}
    for claim in worked.claim("p.2", "p.3"):
        assert claim.plan_parent == "p"
        worked.conclude(claim)
    (claim,) = worked.claim("p")
    assert (claim.is_planned, claim.attempt) == (True, 1)
    assert worked.verify().ok


def test_without_a_log_the_queue_file_still_tells_whose_parts_they_are(worked: WorkedHome) -> None:
    plan(worked)
    worked.close()
    worked.home.log_file.unlink()
    worked.home.database.unlink()
    for path in worked.home.state.glob("state.db-*"):
        path.unlink()
    (worked.home.state / "backup.db").write_bytes(b"broken")
    recovered = worked.recover()
    assert recovered is not None
    worked.open()
    worked.accept(recovered)
    assert worked.states() == {"p": "blocked", "p.1": "approved", "p.2": "ready", "p.3": "ready"}
    row = worked.opened.reader.task("p")
    assert row is not None
    assert row["planned"] == 1


def test_a_plan_that_failed_and_came_back_is_rebuilt_as_it_stood(worked: WorkedHome) -> None:
    worked.show()
    worked.back_up()
    plan(worked)
    second, third = worked.claim("p.2", "p.3")
    worked.conclude(second, "failed")
    worked.conclude(third)
    worked.opened.retry("p", "ada")
    worked.show()
    before = worked.states()
    break_and_rebuild(worked)
    assert worked.states() == before == {"p": "blocked", "p.1": "approved", "p.2": "ready", "p.3": "approved"}


def ask_about_a_plan(home: WorkedHome) -> None:
    """Have a person asked whether p is split in two."""
    (claim,) = home.claim("p")
    documents = [{"id": f"p.{number}", "prompt": f"part {number}"} for number in (1, 2)]
    plan = {"intent": {"goal": "g"}, "score": 4, "features": ["list"], "reason": "score 4"}
    asked = plan_question.question(claim, plan, documents, ["part 1", "part 2"])
    assert home.opened.write(lambda tx: plan_review.hold(tx, claim.ref, asked))
    home.show()


def test_a_plan_that_a_person_let_in_is_rebuilt_from_the_log(worked: WorkedHome) -> None:
    ask_about_a_plan(worked)
    worked.opened.approve("p", "ann", None)
    worked.show()
    before = worked.states()
    break_and_rebuild(worked)
    assert worked.states() == before == {"p": "blocked", "p.1": "ready", "p.2": "ready"}
    assert planning.intent_of(worked.opened.reader, "p") == {"goal": "g"}


def test_a_plan_whose_bytes_are_lost_is_made_and_asked_anew(worked: WorkedHome) -> None:
    ask_about_a_plan(worked)
    break_and_rebuild(worked)
    assert worked.states() == {"p": "ready"}
    assert worked.opened.reader.one("open_decision_of", id="p") is None
