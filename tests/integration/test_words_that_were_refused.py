"""A copy whose entry was refused as a whole has said nothing by it, and what it says next counts."""

from __future__ import annotations

from typing import Any

import pytest

from store import steering
from tests.integration.test_a_copy_that_stays_open import A, B, retry
from tests.unit.queue_file.keeping import Keeping


@pytest.fixture
def content(keeping: Keeping) -> dict[str, Any]:
    """A copy of the file, which shows `a` and then `b`."""
    keeping.put(A, B)
    return keeping.shown()


def says(keeping: Keeping, content: dict[str, Any], **fields: Any) -> str:
    """What `a` is when the copy has been saved with it like that."""
    first, *others = content["tasks"]
    keeping.save(content | {"tasks": [first | fields, *others]})
    keeping.round()
    return keeping.status("a")


def lacks(keeping: Keeping, content: dict[str, Any]) -> str:
    """What `a` is when the copy has been saved without it."""
    keeping.save(content | {"tasks": content["tasks"][1:]})
    keeping.round()
    return keeping.status("a")


def test_a_task_that_was_put_back_with_a_mistake_may_be_taken_out_again(
    keeping: Keeping, content: dict[str, Any]
) -> None:
    assert lacks(keeping, content) == "cancelled"
    retry(keeping, "a")
    assert says(keeping, content, priority="high") == "pending"

    assert lacks(keeping, content) == "cancelled"


def test_a_status_that_was_mistyped_counts_when_it_is_corrected(
    keeping: Keeping, content: dict[str, Any]
) -> None:
    assert says(keeping, content, status="cancelled") == "cancelled"
    retry(keeping, "a")
    assert says(keeping, content, status="canceled") == "pending"

    assert says(keeping, content, status="cancelled") == "cancelled"


@pytest.mark.parametrize(("other", "then"), [({}, "cancelled"), ({"status": "cancelled"}, "pending")])
def test_a_status_is_news_only_where_the_entry_had_another_beside_its_mistake(
    keeping: Keeping, content: dict[str, Any], other: dict[str, Any], then: str
) -> None:
    assert says(keeping, content, status="cancelled") == "cancelled"
    retry(keeping, "a")
    assert says(keeping, content, priority="high", **other) == "pending"

    assert says(keeping, content, status="cancelled", priority=3) == then
    assert keeping.doc("a")["priority"] == 3


@pytest.mark.parametrize("mistake", [{"status": "canceld"}, {"status": "pending", "priority": "high"}])
def test_a_new_task_that_its_copy_calls_cancelled_is_so_again_after_a_mistake(
    keeping: Keeping, content: dict[str, Any], mistake: dict[str, Any]
) -> None:
    for fields in ({}, mistake, {}):
        new = {"id": "n", "prompt": "x", "status": "cancelled"} | fields
        keeping.save(content | {"tasks": [*content["tasks"], new]})
        keeping.round()
        if fields:
            assert keeping.status("n") == "pending"
        else:
            assert keeping.status("n") == "cancelled"
            retry(keeping, "n")


def test_a_status_that_an_entry_kept_in_another_list_is_no_news_after_a_mistake(
    keeping: Keeping, content: dict[str, Any]
) -> None:
    first, *others = content["tasks"]
    moved = content | {"tasks": others, "failed": [first | {"status": "cancelled"}]}
    keeping.save(moved)
    keeping.round()
    assert keeping.status("a") == "cancelled"
    retry(keeping, "a")
    for fields in ({"priority": "high"}, {}):
        assert says(keeping, content, status="cancelled", **fields) == "pending"


def test_fields_that_were_said_before_a_mistake_are_no_conflict_after_it(
    keeping: Keeping, content: dict[str, Any]
) -> None:
    for fields in ({"prompt": "one"}, {"prompt": "one", "priority": "high"}, {"prompt": "two"}):
        says(keeping, content, **fields)

    assert keeping.doc("a")["prompt"] == "two"
    assert not keeping.events("task.edit_conflict")


def test_an_edit_that_has_no_effect_is_told_once(keeping: Keeping, content: dict[str, Any]) -> None:
    content["tasks"].insert(0, {"id": "n", "prompt": "one"})
    keeping.save(content)
    keeping.round()
    keeping.store.write(lambda tx: steering.cancel(tx, "n", "cli", "x"))
    content["tasks"][0]["prompt"] = "two"
    for number in range(3):
        keeping.save(content | {"x": number})
        keeping.round()

    assert len(keeping.events("task.edit_refused")) == 1
    assert len(keeping.events("task.duplicate")) == 1
