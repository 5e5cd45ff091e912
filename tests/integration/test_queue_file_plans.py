"""Subtasks in the queue file: ordinary tasks that say whose part they are, merged like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_platform import this_process
from runtime_contract import Status
from store import planning
from store.claims import Claimant
from tests.integration.planning_rig import plan_of
from tests.unit.queue_file.keeping import Keeping


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    """A home whose task p is split in three, 2 and 3 waiting for 1."""
    made = Keeping(tmp_path)
    made.keeper.start_up()
    made.keeper.project()
    made.put({"id": "p", "prompt": "ask", "mine": [1]})
    (claim,) = made.store.claim(Claimant("w", this_process(), 30), 1)
    plan = plan_of(claim, [(), (0,), (0,)])
    made.store.write(lambda tx: planning.enter_plan(tx, claim, plan, made.store.limits))
    made.round()
    yield made
    made.close()


def test_they_stand_under_tasks_and_name_the_task_they_are_a_part_of(keeping):
    assert keeping.entry("p.2") == {
        "id": "p.2",
        "prompt": "part p.2",
        "depends_on": ["p.1"],
        "status": "pending",
        "phase4_parent_task": "p",
        "waiting_for": "p.1 to be approved",
    }
    assert keeping.entry("p") == {
        "id": "p",
        "prompt": "ask",
        "mine": [1],
        "status": "pending",
        "waiting_for": "its subtasks p.1, p.2, p.3 to be approved",
    }


def test_an_editor_that_never_saw_them_cancels_none_of_them(keeping):
    old = {"tasks": [{"id": "p", "prompt": "ask", "mine": [2]}], "revision": 1}
    keeping.save(old)
    keeping.round()
    assert keeping.statuses() == dict.fromkeys(["p", "p.1", "p.2", "p.3"], "pending")
    assert keeping.doc("p")["mine"] == [2]


def test_their_words_can_be_edited_and_whose_part_they_are_cannot(keeping):
    def change(file):
        for entry in file["tasks"]:
            if entry["id"] == "p.1":
                entry |= {"prompt": "other words", "phase4_parent_task": "somebody"}

    keeping.edit(change)
    keeping.round()
    assert keeping.doc("p.1")["prompt"] == "other words"
    assert keeping.entry("p.1")["phase4_parent_task"] == "p"
    assert keeping.store.reader.task("p.1")["plan_parent"] == "p"


def test_the_task_taken_out_with_its_subtasks_is_cancelled_and_has_not_failed(keeping):
    keeping.edit(lambda file: file["tasks"].clear())
    keeping.round()
    assert keeping.statuses() == dict.fromkeys(["p", "p.1", "p.2", "p.3"], "cancelled")


def test_one_taken_out_fails_the_task_by_name(keeping):
    keeping.edit(
        lambda file: file["tasks"].remove(next(each for each in file["tasks"] if each["id"] == "p.2"))
    )
    keeping.round()
    assert keeping.status("p") == "failed"
    assert "its subtask p.2 ended cancelled" in keeping.entry("p")["reason"]


def test_sending_the_task_back_in_the_file_brings_back_what_was_not_approved(keeping):
    keeping.do("p.1", Status.APPROVED)
    keeping.do("p.2", Status.FAILED)
    keeping.round()

    def send_back(file):
        entry = next(each for each in file["failed"] if each["id"] == "p")
        file["failed"].remove(entry)
        file["tasks"].append(entry | {"status": "pending"})

    keeping.edit(send_back)
    keeping.round()
    assert keeping.statuses() == {"p": "pending", "p.1": "approved", "p.2": "pending", "p.3": "pending"}


def test_the_same_file_taken_twice_changes_nothing(keeping):
    before = keeping.fingerprint()
    keeping.save(keeping.shown())
    keeping.round()
    keeping.restart()
    keeping.round()
    assert keeping.fingerprint() == before
