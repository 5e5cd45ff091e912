"""Dependencies that a task is given by an edit, in whatever state it is."""

from __future__ import annotations

from typing import Any

from runtime_contract import Status
from store import recording
from store.records import TaskRef
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello", "x-note": "mine"}
B = {"id": "b", "prompt": "b"}


def give_back(keeping: Keeping, ref: TaskRef) -> None:
    keeping.store.write(lambda tx: recording.hand_back(tx, ref, "the worker stopped"))


def test_new_dependencies_of_a_running_task_hold_it_when_it_comes_back(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "a", "priority": 9}, B)
    ref = keeping.claim()
    keeping.edit(lambda file: file["tasks"][0].update(depends_on=["b"]))
    keeping.round()

    give_back(keeping, ref)

    assert keeping.claim().id == "b"
    keeping.round()
    assert "b" in keeping.entry("a")["waiting_for"]


def test_a_running_task_whose_new_dependency_is_approved_meanwhile_comes_back_ready(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "a", "priority": 9}, B)
    ref = keeping.claim()
    keeping.edit(lambda file: file["tasks"][0].update(depends_on=["b"]))
    keeping.round()
    keeping.do("b", Status.APPROVED)

    give_back(keeping, ref)

    assert keeping.claim().id == "a"


def test_a_running_task_whose_new_dependency_fails_meanwhile_fails_when_it_comes_back(
    keeping: Keeping,
) -> None:
    keeping.put({"id": "a", "prompt": "a", "priority": 9}, B)
    ref = keeping.claim()
    keeping.edit(lambda file: file["tasks"][0].update(depends_on=["b"]))
    keeping.round()
    keeping.do("b", Status.FAILED)

    give_back(keeping, ref)

    assert keeping.status("a") == "failed"


def test_new_dependencies_hold_a_task_and_a_cycle_made_by_an_edit_fails_its_members(keeping: Keeping) -> None:
    keeping.put(A, {"id": "b", "prompt": "x", "depends_on": ["a"]}, {"id": "c", "prompt": "x"})

    keeping.edit(lambda file: file["tasks"][2].update(depends_on=["a"]))
    keeping.round()
    assert "a to be approved" in keeping.entry("c")["waiting_for"]

    keeping.edit(lambda file: file["tasks"][0].update(depends_on=["b"]))
    keeping.round()
    assert keeping.statuses() == {"a": "failed", "b": "failed", "c": "failed"}

    def mend(file: dict[str, Any]) -> None:
        entry = next(each for each in file["failed"] if each["id"] == "a")
        del entry["depends_on"]
        entry["status"] = "pending"

    keeping.edit(mend)
    keeping.round()
    assert keeping.status("a") == "pending"


def test_a_task_that_one_save_ties_to_itself_and_withdraws_costs_only_itself(keeping: Keeping) -> None:
    keeping.put(A)

    def tie(file: dict[str, Any]) -> None:
        file["tasks"][0].update(depends_on=["a"], status="cancelled")
        file["tasks"].append(B)

    keeping.edit(tie)
    keeping.round()

    assert keeping.status("a") == "failed"
    assert keeping.claim().id == "b"
