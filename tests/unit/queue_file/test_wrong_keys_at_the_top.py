"""A wrong key at the top of the file costs only itself: the tasks of the file are taken in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime_contract import Limits, Status
from store.queue_file import report
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "x"}
B = {"id": "b", "prompt": "x"}


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("api_endpoint", 5, "must be a loopback http address"),
        ("api_endpoint", None, "must be a loopback http address"),
        ("revision", "x", "must be a whole number"),
        ("revision", True, "must be a whole number"),
        ("revision", 1.5, "must be a whole number"),
        ("completed", {}, "must be a list"),
        ("failed", {"a": A}, "must be a list"),
        ("failed", "", "must be a list"),
    ],
)
def test_it_is_told_with_its_value_and_the_rest_goes_on(
    keeping: Keeping, key: str, value: Any, rule: str
) -> None:
    keeping.put(A)
    keeping.put(B, **{key: value})

    assert keeping.statuses() == {"a": "pending", "b": "pending"}
    (told,) = keeping.events("queue_file.key_refused")
    assert (told["path"], json.loads(told["raw"])) == (key, value)
    assert rule in told["reason"]
    assert keeping.events("queue_file.refused") == []
    shown = keeping.shown()
    assert shown["api_endpoint"] == "http://127.0.0.1:8420"
    assert (type(shown["revision"]), shown["completed"], shown["failed"]) == (int, [], [])
    (problem,) = report.check(json.dumps({"tasks": [A], key: value}).encode(), Limits()).problems
    assert problem["path"] == key


@pytest.mark.parametrize("key", ["completed", "failed", "revision"])
def test_null_counts_as_not_given(keeping: Keeping, key: str) -> None:
    keeping.put(A)
    keeping.do("a", Status.APPROVED)
    keeping.round()
    keeping.put(B, **{key: None})

    assert keeping.statuses() == {"a": "approved", "b": "pending"}
    assert keeping.events("queue_file.key_refused") == []
    assert [each["id"] for each in keeping.shown()["completed"]] == ["a"]


@pytest.mark.parametrize("key", ["completed", "failed"])
def test_a_list_that_cannot_be_read_takes_no_task_out(keeping: Keeping, key: str) -> None:
    keeping.put(A, B)

    def move(file: dict[str, Any]) -> None:
        moved = file["tasks"].pop(0)
        file[key] = {moved["id"]: moved}

    keeping.edit(move)
    keeping.round()

    assert keeping.statuses() == {"a": "pending", "b": "pending"}
    assert keeping.events("task.cancelled") == []


def test_a_wrong_revision_takes_no_task_out_and_its_words_are_wishes(keeping: Keeping) -> None:
    keeping.put(A, B)

    keeping.edit(lambda file: file.update(tasks=[B | {"priority": 4}], revision="7"))
    keeping.round()

    assert keeping.statuses() == {"a": "pending", "b": "pending"}
    assert keeping.doc("b")["priority"] == 4


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("version", 1.1, 'version must be a text such as "1.1", got 1.1; write it in quotes'),
        ("tasks", None, "tasks must be a list, got null; write the list, or delete the file"),
        ("tasks", {"a": "x" * 200}, 'tasks must be a list, got {"a": "xxx'),
    ],
)
def test_what_leaves_open_how_the_file_is_meant_refuses_it_with_the_value_and_the_way_out(
    keeping: Keeping, key: str, value: Any, told: str
) -> None:
    keeping.put(A)
    keeping.edit(lambda file: file.update({key: value}))
    keeping.round()

    (refused,) = keeping.events("queue_file.refused")
    assert told in refused["reason"]
    assert keeping.status("a") == "pending"
