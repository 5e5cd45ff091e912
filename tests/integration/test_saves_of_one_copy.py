"""An editor that stays open saves its copy again and again: what is new in it counts, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import host_platform
from store import steering
from tests.integration.test_saves_into_old_queue_files import Editor, holding
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}
C = {"id": "c", "prompt": "say most"}

#: saves the whole content of a copy
Save = Callable[[dict[str, Any]], None]

WAYS = ["name", pytest.param("handle", marks=pytest.mark.skipif(
    not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing"))]  # fmt: skip


class Copy:
    """A copy of the file at one revision, as an editor holds it."""

    def __init__(self, keeping: Keeping, editor: Editor) -> None:
        self._keeping = keeping
        self._editor = editor
        self.content = editor.content()

    def task(self, task_id: str) -> dict[str, Any]:
        """Its entry of a task."""
        found: dict[str, Any] = next(each for each in self.content["tasks"] if each["id"] == task_id)
        return found

    def save(self, way: str) -> None:
        """Save it by the file's name, or through a handle of before an exchange."""
        if way == "name":
            self._keeping.save(json.dumps(self.content).encode())
        else:
            self._editor.replace(self.content)
        self._keeping.round()


@pytest.fixture
def copy(keeping: Keeping) -> Any:
    keeping.put(B)
    with holding(keeping) as editor:
        yield Copy(keeping, editor)


def retry(keeping: Keeping, task_id: str) -> None:
    keeping.store.write(lambda tx: steering.retry(tx, task_id, "cli"))
    keeping.round()


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("third", WAYS)
def test_words_of_a_new_task_go_there_and_back(
    keeping: Keeping, copy: Copy, first: str, second: str, third: str
) -> None:
    copy.content["tasks"].append({"id": "n", "prompt": "one"})
    found = []
    for way, words in ((first, "one"), (second, "two"), (third, "one"), (first, "three"), (second, "one")):
        copy.task("n")["prompt"] = words
        copy.save(way)
        found.append(keeping.doc("n")["prompt"])

    assert found == ["one", "two", "one", "three", "one"]
    assert keeping.events("task.edit_conflict") == []


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_field_is_changed_again_and_again_and_the_last_save_counts(
    keeping: Keeping, copy: Copy, first: str, second: str
) -> None:
    for way, words in ((first, "one"), (second, "two"), (first, "three")):
        copy.task("a")["prompt"] = words
        copy.save(way)

    assert keeping.doc("a")["prompt"] == "three"
    assert keeping.events("task.edit_conflict") == []


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_cancellation_that_stands_there_still_does_not_undo_a_later_retry(
    keeping: Keeping, copy: Copy, first: str, second: str
) -> None:
    copy.task("a")["status"] = "cancelled"
    copy.save(first)
    assert keeping.status("a") == "cancelled"
    retry(keeping, "a")
    copy.content["tasks"].append(C | {"id": "new"})
    copy.save(second)

    assert (keeping.status("a"), keeping.status("new")) == ("pending", "pending")


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_task_that_is_missing_still_is_not_withdrawn_again_after_a_retry(
    keeping: Keeping, copy: Copy, first: str, second: str
) -> None:
    copy.content["tasks"].remove(copy.task("a"))
    copy.save(first)
    assert keeping.status("a") == "cancelled"
    retry(keeping, "a")
    copy.content["tasks"].append(C | {"id": "new"})
    copy.save(second)

    assert (keeping.status("a"), keeping.status("new")) == ("pending", "pending")


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_is_put_back_into_the_copy_and_taken_out_again_is_withdrawn(
    keeping: Keeping, copy: Copy, way: str
) -> None:
    entry = copy.task("a")
    copy.content["tasks"].remove(entry)
    copy.save(way)
    retry(keeping, "a")
    copy.content["tasks"].append(entry)
    copy.save(way)
    assert keeping.status("a") == "pending"
    copy.content["tasks"].remove(entry)
    copy.save(way)

    assert keeping.status("a") == "cancelled"


def test_an_edit_that_stands_there_still_is_no_conflict_with_a_later_one(
    keeping: Keeping, copy: Copy
) -> None:
    copy.task("a")["prompt"] = "one"
    copy.save("name")
    keeping.edit(lambda content: content["tasks"][1].update(prompt="a later word"))
    keeping.round()
    assert keeping.doc("a")["prompt"] == "a later word"
    copy.content["tasks"].append(C | {"id": "new"})
    copy.save("name")

    assert (keeping.doc("a")["prompt"], keeping.status("new")) == ("a later word", "pending")
    assert keeping.events("task.edit_conflict") == []


@pytest.mark.parametrize("ways", [("name", "handle", "name"), ("handle", "name", "handle")])
@pytest.mark.skipif(not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing")
def test_a_text_that_is_said_again_after_another_counts_again(
    keeping: Keeping, copy: Copy, ways: tuple[str, str, str]
) -> None:
    for way, words in zip(ways, ("one", "two", "one"), strict=True):
        copy.task("a")["prompt"] = words
        copy.save(way)

    assert keeping.doc("a")["prompt"] == "one"


def test_a_copy_of_another_revision_may_say_the_same_again(keeping: Keeping, copy: Copy) -> None:
    copy.task("a")["status"] = "cancelled"
    copy.save("name")
    retry(keeping, "a")
    keeping.edit(lambda content: content["tasks"][1].update(status="cancelled"))
    keeping.round()

    assert keeping.status("a") == "cancelled"
