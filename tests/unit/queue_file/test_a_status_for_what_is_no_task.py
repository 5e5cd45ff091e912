"""A status, or another list, that is given to an entry which never was a task: refused and told, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.queue_file.keeping import Keeping

BAD = {"id": "bad", "command": "echo 1", "priority": "high"}


def give(keeping: Keeping, **fields: Any) -> None:
    """Change what stands in `failed`, and go round."""
    keeping.edit(lambda file: file["failed"][0].update(fields))
    keeping.round()


@pytest.mark.parametrize("word", ["DONE", "canceled", "", 5])
def test_an_unknown_status_is_refused_with_field_and_rule_and_its_text_is_kept(
    keeping: Keeping, word: Any
) -> None:
    keeping.put(BAD)

    give(keeping, status=word)

    (told,) = keeping.events("task.edit_refused")
    assert told["path"] == "task.status"
    assert "must be one of approved, " in told["reason"]
    assert f"got {word!r}" in told["reason"]
    assert json.loads((keeping.home.root / told["file"]).read_text())["status"] == word
    assert keeping.entry("bad")["status"] == "failed"


@pytest.mark.parametrize("word", ["pending", "queued", "cancelled", "approved", "in_progress"])
@pytest.mark.parametrize("has_revision", [False, True])
def test_a_status_that_asks_for_something_is_refused_with_what_is_wrong_and_the_way_out(
    keeping: Keeping, word: str, has_revision: bool
) -> None:
    keeping.put(BAD)
    if not has_revision:
        keeping.edit(lambda file: file.pop("revision"))

    give(keeping, status=word)

    (told,) = keeping.events("task.edit_refused")
    assert told["path"] == "task.status"
    assert "tasks[0].priority: must be a whole number, got 'high'" in told["reason"]
    assert "give the whole task again, every field of it, without `raw`" in told["reason"]
    assert keeping.status("bad") == keeping.entry("bad")["status"] == "failed"


@pytest.mark.parametrize("word", ["DONE", "pending"])
def test_it_is_told_once_however_often_the_file_is_saved_and_looked_at(keeping: Keeping, word: str) -> None:
    keeping.put(BAD)
    buffer = keeping.shown()
    buffer["failed"][0]["status"] = word

    for _ in range(3):
        keeping.save(buffer)
        keeping.round()
        keeping.round()

    assert len(keeping.events("task.edit_refused")) == 1


@pytest.mark.parametrize("section", ["tasks", "completed"])
@pytest.mark.parametrize("fields", [{}, {"status": "pending"}])
def test_moved_to_another_list_it_is_refused_too(
    keeping: Keeping, section: str, fields: dict[str, Any]
) -> None:
    keeping.put(BAD)

    keeping.edit(lambda file: file[section].append(file["failed"].pop() | fields))
    keeping.round()

    (told,) = keeping.events("task.edit_refused")
    assert "it still breaks the contract" in told["reason"]
    assert keeping.entry("bad")["status"] == "failed"


@pytest.mark.parametrize("word", ["failed", "subtask_failed", None])
def test_a_status_that_says_what_is_so_is_no_wish(keeping: Keeping, word: str | None) -> None:
    keeping.put(BAD)

    give(keeping, status=word)

    assert keeping.events("task.edit_refused") == []


def test_an_unknown_status_beside_a_corrected_raw_is_refused(keeping: Keeping) -> None:
    keeping.put(BAD)

    give(keeping, raw=json.dumps(BAD | {"priority": 1}), status="DONE")

    assert keeping.status("bad") == "failed"
    assert [each["path"] for each in keeping.events("task.edit_refused")] == ["task.status"]


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_what_is_corrected_is_tried_whatever_its_status_asks(keeping: Keeping, status: str) -> None:
    keeping.put(BAD)

    give(keeping, raw=json.dumps(BAD | {"priority": 1}), status=status)

    assert (keeping.status("bad"), keeping.doc("bad")["priority"]) == ("pending", 1)
    assert keeping.events("task.edit_refused") == []


def test_the_one_field_that_was_wrong_beside_raw_is_refused_as_the_whole_task_is_needed(
    keeping: Keeping,
) -> None:
    keeping.put(BAD)

    give(keeping, priority=1)

    (told,) = keeping.events("task.edit_refused")
    assert told["reason"].endswith("what stands beside `raw` counts alone: give the whole task there")
    assert keeping.status("bad") == "failed"


def test_the_whole_task_beside_raw_is_tried(keeping: Keeping) -> None:
    keeping.put(BAD)

    give(keeping, command="echo 1", priority=1)

    assert (keeping.status("bad"), keeping.doc("bad")["command"]) == ("pending", "echo 1")
    assert "raw" not in keeping.doc("bad")
