"""An editor that stays open saves one copy again and again, while the file below it is written anew."""

from __future__ import annotations

from typing import Any

import pytest

from runtime_contract import Status
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "command": "echo good", "priority": 1, "not_before": "2030-01-01T00:00:00Z"}


@pytest.fixture
def buffer(keeping: Keeping) -> dict[str, Any]:
    """What the editor has open."""
    keeping.put(A)
    return keeping.shown()


def save(keeping: Keeping, buffer: dict[str, Any], **fields: Any) -> None:
    buffer["tasks"][0].update(fields)
    keeping.save(buffer)
    keeping.round()


def test_of_several_saves_the_last_one_counts(keeping: Keeping, buffer: dict[str, Any]) -> None:
    save(keeping, buffer, command="echo one")
    save(keeping, buffer, command="echo two", priority=2)
    save(keeping, buffer, command="echo three")

    assert (keeping.doc("a")["command"], keeping.doc("a")["priority"]) == ("echo three", 2)
    assert keeping.events("task.edit_conflict") == []


def test_what_is_taken_back_beside_an_edit_that_stays_is_taken_back(
    keeping: Keeping, buffer: dict[str, Any]
) -> None:
    save(keeping, buffer, command="echo bad", priority=2)
    save(keeping, buffer, command="echo good")

    assert (keeping.doc("a")["command"], keeping.doc("a")["priority"]) == ("echo good", 2)


def test_a_save_of_all_as_it_was_takes_nothing_back_and_says_so(
    keeping: Keeping, buffer: dict[str, Any]
) -> None:
    save(keeping, buffer, command="echo bad")
    save(keeping, buffer, command="echo good")
    save(keeping, buffer)

    assert keeping.doc("a")["command"] == "echo bad"
    assert ["to undo it" in each["reason"] for each in keeping.events("task.edit_refused")] == [True]


def test_a_program_that_adds_to_the_same_copy_takes_no_edit_back(
    keeping: Keeping, buffer: dict[str, Any]
) -> None:
    other = keeping.shown()
    save(keeping, buffer, command="echo mine")
    other["tasks"].append({"id": "b", "command": "pwd"})
    keeping.save(other)
    keeping.round()

    assert keeping.doc("a")["command"] == "echo mine"
    assert keeping.status("b") == "pending"


def test_what_somebody_else_changed_in_between_is_still_a_conflict(
    keeping: Keeping, buffer: dict[str, Any]
) -> None:
    save(keeping, buffer, command="echo one")
    keeping.edit(lambda file: file["tasks"][0].update(command="echo theirs"))
    keeping.round()
    save(keeping, buffer, command="echo two")

    assert keeping.doc("a")["command"] == "echo theirs"
    assert keeping.events("task.edit_conflict")[0]["fields"] == ["command"]


def test_words_that_stood_there_before_can_be_put_back(keeping: Keeping, buffer: dict[str, Any]) -> None:
    for command in ("echo 1", "echo good", "echo 7", "echo 1", "echo good"):
        save(keeping, keeping.shown(), command=command)
        assert keeping.doc("a")["command"] == command
        assert keeping.entry("a")["command"] == command


def test_an_editor_that_stays_open_goes_back_and_forth(keeping: Keeping, buffer: dict[str, Any]) -> None:
    for command in ("echo 1", "echo 2", "echo 1", "echo 3", "echo 2"):
        save(keeping, buffer, command=command)
        assert keeping.doc("a")["command"] == command


def test_an_edit_of_what_another_entry_brings_back_is_taken_at_the_first_save(keeping: Keeping) -> None:
    keeping.put({"id": "late", "prompt": "x"}, {"id": "b", "prompt": "b", "depends_on": ["late"]})
    keeping.do("late", Status.CANCELLED)
    keeping.round()
    content = keeping.shown()
    b, late = sorted(content["failed"], key=lambda each: str(each["id"]))
    stale = b | {"x-mine": 1, "finished_at": "2020-01-01T00:00:00Z"}  # by itself it is not sent back
    content |= {"failed": [], "tasks": [stale, late]}
    keeping.save(content)
    keeping.look()

    assert (keeping.status("late"), keeping.status("b")) == ("pending", "pending")
    assert keeping.doc("b")["x-mine"] == 1


def test_a_copy_without_an_earlier_edit_takes_it_back_neither_at_once_nor_when_it_is_saved_again(
    keeping: Keeping, buffer: dict[str, Any]
) -> None:
    other = keeping.shown()
    save(keeping, buffer, priority=2)
    for number in range(3):
        keeping.save(other | {"tasks": [other["tasks"][0] | {"command": "echo other"}], "x": number})
        keeping.look()
        assert (keeping.doc("a")["priority"], keeping.doc("a")["command"]) == (2, "echo other")
