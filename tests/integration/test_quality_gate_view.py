"""quality_gate_queue.json shows what the store says, and what somebody writes into it means nothing."""

from __future__ import annotations

import json

import pytest

from outcome import Verdict
from road.quality_view import QualityView
from store import recording
from store.records import Intake, Question
from testing.tasks import new_task
from tests.conformance.store_suite import approve, fail, outcome_of


@pytest.fixture
def view(home, store):
    return QualityView(home, store, 200)


def shown(home):
    return json.loads(home.quality_file.read_text())["changes"]


def submit(store, who, **task):
    store.submit(Intake(new=[new_task(**({"prompt": "x"} | task))]), "test")
    return store.claim(who, 1)


def hold(store, claim):
    """Leave a result to a person."""

    def judge(tx):
        verdict = Verdict(decision="HELD", confidence=0.0)
        row = recording.begin_review(tx, claim.ref, outcome_of(claim), verdict, {})
        assert row is not None
        recording.hold(tx, row, Question("review", "Good?", ("approve", "reject"), {}))

    store.write(judge)


def test_a_result_goes_through_its_gates_as_the_tasks_that_test_it_do(home, store, who, view):
    (claim,) = submit(store, who, id="change", prompt="Write the parser.")
    approve(store, claim)
    view.look()
    assert (shown(home)["change"]["status"], shown(home)["change"]["title"]) == (
        "needs_qa",
        "Write the parser.",
    )
    for gate, status in (
        ("unit", "needs_integration"),
        ("integration", "needs_e2e"),
        ("e2e", "ready_for_merge"),
    ):
        (claim,) = submit(store, who, id=f"t-{gate}", depends_on=["change"], tags=[f"gate:{gate}"])
        if gate == "unit":
            view.look()
            assert shown(home)["change"]["status"] == "qa_in_progress"
            assert shown(home)["change"]["qa"]["assigned_to"] == "worker-test"
        approve(store, claim)
        view.look()
        assert shown(home)["change"]["status"] == status
    assert list(shown(home)) == ["change"], "a test run is no change of its own"


def test_what_waits_for_its_vote_and_what_failed_a_gate_are_told(home, store, who, view):
    hold(store, *submit(store, who, id="waits"))
    approve(store, *submit(store, who, id="broken"))
    fail(store, *submit(store, who, id="t", depends_on=["broken"], tags=["gate:unit"]))
    view.look()
    assert {name: each["status"] for name, each in shown(home).items()} == {
        "waits": "pending_vote",
        "broken": "blocked",
    }


def test_the_file_is_never_read_and_is_put_right(home, store, who, view):
    approve(store, *submit(store, who, id="a"))
    home.quality_file.write_text('{"changes": {"a": {"status": "ready_for_merge"}}}')
    view.look()
    assert shown(home)["a"]["status"] == "needs_qa"


def test_it_is_not_written_where_nothing_changed_or_it_is_off(home, store, who, view):
    view.look()
    assert not home.quality_file.exists(), "nothing was judged yet"
    approve(store, *submit(store, who, id="a"))
    QualityView(home, store, 0).look()
    assert not home.quality_file.exists()
    view.look()
    before = home.quality_file.stat()
    view.look()
    assert home.quality_file.stat().st_ino == before.st_ino


def test_only_the_newest_results_are_shown(home, store, who):
    for number in range(4):
        approve(store, *submit(store, who, id=f"t{number}"))
    few = QualityView(home, store, 2)
    few.look()
    assert len(shown(home)) == 2
