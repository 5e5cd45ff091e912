"""A status that nobody knows is no wish: it is refused and told, for it may be a mistyped cancel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime_contract import STATUS_READINGS, Status
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}


@pytest.mark.parametrize("word", ["Cancelled", "canceled", "done", "foo", "", 5, ["cancelled"], {"a": 1}])
@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.parametrize("has_revision", [False, True])
def test_it_is_refused_with_the_words_that_are_known_and_its_text_is_kept(
    keeping: Keeping, word: Any, is_running: bool, has_revision: bool
) -> None:
    keeping.put(A)
    if is_running:
        keeping.claim()
        keeping.round()
    before = keeping.status("a")

    def mistype(file: dict[str, Any]) -> None:
        file["tasks"][0]["status"] = word
        if not has_revision:
            del file["revision"]

    keeping.edit(mistype)
    keeping.round()

    (told,) = keeping.events("task.edit_refused")
    assert told["path"] == "task.status"
    assert f"got {word!r}" in told["reason"]
    assert set(STATUS_READINGS) <= set(told["reason"].replace(",", "").split())
    assert json.loads((keeping.home.root / told["file"]).read_text())["status"] == word
    assert keeping.status("a") == before == keeping.entry("a")["status"]


def test_it_is_told_once_however_often_the_file_is_saved(keeping: Keeping) -> None:
    keeping.put(A)
    buffer = keeping.shown()
    buffer["tasks"][0]["status"] = "canceled"

    for _ in range(3):
        keeping.save(buffer)
        keeping.round()

    assert len(keeping.events("task.edit_refused")) == 1


def test_a_task_that_failed_is_not_sent_back_by_it(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.do("a", Status.FAILED)
    keeping.round()

    keeping.edit(lambda file: file["tasks"].append(file["failed"].pop() | {"status": "again"}))
    keeping.round()

    assert keeping.status("a") == "failed"
    assert [each["path"] for each in keeping.events("task.edit_refused")] == ["task.status"]


def test_no_status_and_null_say_nothing(keeping: Keeping) -> None:
    keeping.put(A)

    keeping.edit(lambda file: file["tasks"][0].update(status=None))
    keeping.round()
    keeping.edit(lambda file: file["tasks"][0].pop("status"))
    keeping.round()

    assert keeping.status("a") == "pending"
    assert keeping.events("task.edit_refused") == []


def test_what_another_program_says_of_a_task_it_entered_as_ended_is_said_by_no_edit(keeping: Keeping) -> None:
    file = {"completed": [{"id": "c", "status": "done", "result_summary": "good"}]}
    keeping.save(file)
    keeping.round()

    keeping.save(file | {"x": 1})
    keeping.round()

    assert keeping.statuses() == {"c": "approved"}
    assert keeping.events("task.edit_refused") == []
