"""An editor that stays open saves its copy again and again: what is new in it counts, and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import host_platform
from runtime_contract import Status
from store import steering
from store.queue_file import swap
from tests.integration.test_saves_into_old_queue_files import Editor, holding
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}
B = {"id": "b", "prompt": "say more"}
C = {"id": "c", "prompt": "say most"}

HANDLE = pytest.param(
    "handle",
    marks=pytest.mark.skipif(
        not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing"
    ),
)
WAYS = ["name", HANDLE]


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

    def write(self, way: str) -> None:
        """Save it by the file's name, or through a handle of before an exchange."""
        if way == "name":
            self._keeping.save(json.dumps(self.content).encode())
        else:
            self._editor.replace(self.content)

    def save(self, way: str) -> None:
        """The same, and time to take it in and show it."""
        self.write(way)
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


@pytest.mark.parametrize("is_removed", [False, True])
@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_cancellation_or_a_removal_that_stands_there_still_does_not_undo_a_later_retry(
    keeping: Keeping, copy: Copy, first: str, second: str, is_removed: bool
) -> None:
    if is_removed:
        copy.content["tasks"].remove(copy.task("a"))
    else:
        copy.task("a")["status"] = "cancelled"
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


# -- what was said before is no news -----------------------------------------------------------------------


def again(keeping: Keeping, copy: Copy, way: str = "name") -> None:
    """The same copy is saved again, with one more task."""
    copy.content["tasks"].append({"id": f"new-{len(copy.content['tasks'])}", "prompt": "x"})
    copy.save(way)


@pytest.mark.parametrize("state", ["running", "failed", "cancelled"])
def test_a_task_that_was_taken_out_when_it_could_not_be_withdrawn_is_not_withdrawn_later(
    keeping: Keeping, copy: Copy, state: str
) -> None:
    ref = keeping.claim() if state != "cancelled" else None
    if ref is None:
        keeping.store.write(lambda tx: steering.cancel(tx, "b", "cli", "x"))
    copy.content["tasks"].remove(copy.task("b"))
    copy.save("name")
    if ref is not None:
        keeping.finish(ref, Status.FAILED)
    if state == "failed":
        again(keeping, copy)
    retry(keeping, "b")
    again(keeping, copy)

    assert keeping.status("b") == "pending"


def test_a_new_task_that_its_copy_calls_cancelled_stays_sent_back(keeping: Keeping, copy: Copy) -> None:
    copy.content["tasks"].append({"id": "n", "prompt": "x", "status": "cancelled"})
    copy.save("name")
    assert keeping.status("n") == "cancelled"
    retry(keeping, "n")
    again(keeping, copy)

    assert keeping.status("n") == "pending"


def test_an_edit_that_was_shown_meanwhile_does_not_undo_its_undoing(keeping: Keeping, copy: Copy) -> None:
    before = copy.task("a")["prompt"]
    copy.task("a")["prompt"] = "mine"
    copy.save("name")
    again(keeping, copy)
    for words in (before, "something else"):
        content = keeping.shown()
        entry_of(content, "a").update(prompt=words)
        keeping.save(content)
        keeping.round()
        again(keeping, copy)
        assert keeping.doc("a")["prompt"] == words

    assert keeping.events("task.edit_conflict") == []


@pytest.mark.parametrize("change", [{}, {"prompt": "mine"}])
def test_a_status_that_was_refused_does_not_undo_a_later_retry(
    keeping: Keeping, copy: Copy, change: dict[str, Any]
) -> None:
    ref = keeping.claim()
    keeping.finish(ref, Status.FAILED)
    copy.task("b").update({"status": "cancelled"} | change)
    copy.save("name")
    assert keeping.status("b") == "failed"
    retry(keeping, "b")
    again(keeping, copy)

    assert keeping.status("b") == "pending"
    assert keeping.doc("b")["prompt"] == change.get("prompt", B["prompt"])


@pytest.mark.parametrize("change", [{"priority": 3}, {}])
def test_another_change_of_an_entry_does_not_say_its_status_again(
    keeping: Keeping, copy: Copy, change: dict[str, Any]
) -> None:
    copy.task("a")["status"] = "cancelled"
    copy.save("name")
    retry(keeping, "a")
    entry = copy.task("a") | change
    copy.content["tasks"][copy.content["tasks"].index(copy.task("a"))] = dict(reversed(entry.items()))
    again(keeping, copy)

    assert keeping.status("a") == "pending"
    assert keeping.doc("a").get("priority", 1) == change.get("priority", 1)


def test_the_file_that_is_moved_away_and_back_says_nothing_again(keeping: Keeping, copy: Copy) -> None:
    copy.task("a")["prompt"] = "one"
    copy.write("name")
    keeping.look()
    copy.task("a")["prompt"] = "two"
    copy.write("handle")
    keeping.look()
    assert keeping.doc("a")["prompt"] == "two"
    away = keeping.file.rename(keeping.file.with_name("away"))
    keeping.look()
    away.rename(keeping.file)
    keeping.look()

    assert keeping.doc("a")["prompt"] == "two"


# -- what is new counts, or is told of ---------------------------------------------------------------------


def test_a_field_that_another_changed_is_in_conflict_also_where_the_copy_was_edited_before(
    keeping: Keeping, copy: Copy
) -> None:
    keeping.edit(lambda content: entry_of(content, "a").update(prompt="theirs"))
    keeping.round()
    copy.task("a")["priority"] = 3
    copy.save("name")
    copy.task("a")["prompt"] = "mine"
    copy.save("name")

    assert (keeping.doc("a")["prompt"], keeping.doc("a")["priority"]) == ("theirs", 3)
    [told] = keeping.events("task.edit_conflict")
    assert told["fields"] == ["prompt"]


def test_an_edit_that_was_refused_counts_when_nothing_is_in_its_way(keeping: Keeping, copy: Copy) -> None:
    keeping.store.write(lambda tx: steering.cancel(tx, "a", "cli", "x"))
    keeping.round()
    copy.task("a")["prompt"] = "mine"
    copy.save("name")
    assert len(keeping.events("task.edit_refused")) == 1
    retry(keeping, "a")
    again(keeping, copy)

    assert keeping.doc("a")["prompt"] == "mine"


def test_an_edit_in_conflict_counts_when_the_other_is_taken_back(keeping: Keeping, copy: Copy) -> None:
    before = copy.task("a")["prompt"]
    keeping.edit(lambda content: entry_of(content, "a").update(prompt="theirs"))
    keeping.round()
    copy.task("a")["prompt"] = "mine"
    copy.save("name")
    assert len(keeping.events("task.edit_conflict")) == 1
    keeping.edit(lambda content: entry_of(content, "a").update(prompt=before))
    keeping.round()
    again(keeping, copy)

    assert keeping.doc("a")["prompt"] == "mine"


def test_a_cancellation_that_is_undone_byte_by_byte_and_said_again_counts(keeping: Keeping) -> None:
    keeping.put(A)
    bytes_before = keeping.file.read_bytes()
    content = json.loads(bytes_before)
    entry_of(content, "a")["status"] = "cancelled"
    cancelled = json.dumps(content).encode()
    keeping.save(cancelled)
    keeping.round()
    keeping.save(bytes_before)
    keeping.round()
    retry(keeping, "a")
    keeping.save(cancelled)
    keeping.round()

    assert keeping.status("a") == "cancelled"


def test_an_edit_that_is_undone_byte_by_byte_stays_and_is_told_of(keeping: Keeping) -> None:
    keeping.put(A)
    before = keeping.file.read_bytes()
    keeping.edit(lambda content: entry_of(content, "a").update(prompt="mine"))
    keeping.look()
    keeping.save(before)
    keeping.round()

    assert keeping.doc("a")["prompt"] == "mine"
    [told] = keeping.events("task.edit_refused")
    assert "to undo it, edit the file anew" in told["reason"]


def test_a_field_that_is_undone_beside_another_change_is_told_of(keeping: Keeping, copy: Copy) -> None:
    before = copy.task("a")["prompt"]
    copy.task("a")["prompt"] = "mine"
    copy.save("name")
    copy.task("a").update(prompt=before, priority=3)
    copy.save("name")

    assert (keeping.doc("a")["prompt"], keeping.doc("a")["priority"]) == ("mine", 3)
    [told] = keeping.events("task.edit_refused")
    assert "before the edit of prompt" in told["reason"]


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing")
@pytest.mark.parametrize("order", [("name", "handle"), ("handle", "name")])
@pytest.mark.parametrize("is_down", [True, False])
def test_a_text_that_is_said_again_after_another_counts_again_across_a_restart(
    keeping: Keeping, copy: Copy, order: tuple[str, str], is_down: bool
) -> None:
    for way, words in zip(order, ("one", "two"), strict=True):
        copy.task("a")["prompt"] = words
        copy.write(way)
        keeping.look()
    copy.task("a")["prompt"] = "one"
    if not is_down:
        keeping.restart()
        assert keeping.doc("a")["prompt"] == "two"
    time.sleep(0.02)  # the kernel's clock is coarse
    copy.write(order[0])
    keeping.restart()

    assert keeping.doc("a")["prompt"] == "one"


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="only Linux tells whether a file is open for writing")
def test_known_bytes_that_are_saved_while_the_file_is_written_count_again(
    keeping: Keeping, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way, words in (("name", "one"), ("handle", "two")):
        copy.task("a")["prompt"] = words
        copy.write(way)
        keeping.look()
    copy.task("a")["prompt"] = "one"
    create = swap.create

    def save_meanwhile(path: Path, like: Path) -> int:
        monkeypatch.setattr(swap, "create", create)
        copy.write("name")
        return create(path, like)

    monkeypatch.setattr(swap, "create", save_meanwhile)
    keeping.round()
    keeping.round()

    assert keeping.doc("a")["prompt"] == "one"


@pytest.mark.parametrize("mend", [{"priority": 3}, {}])
def test_a_status_beside_what_breaks_the_contract_counts_once_that_is_mended(
    keeping: Keeping, copy: Copy, mend: dict[str, Any]
) -> None:
    copy.task("a").update(status="cancelled", priority="high")
    copy.save("name")
    assert keeping.status("a") == "pending"
    del copy.task("a")["priority"]
    copy.task("a").update(mend)
    copy.save("name")

    assert keeping.status("a") == "cancelled"


def test_an_edit_of_a_new_task_that_has_ended_is_kept_and_counts_when_it_is_sent_back(
    keeping: Keeping, copy: Copy
) -> None:
    copy.content["tasks"].insert(0, {"id": "n", "prompt": "one"})
    copy.save("name")
    keeping.store.write(lambda tx: steering.cancel(tx, "n", "cli", "x"))
    copy.task("n")["prompt"] = "two"
    copy.save("name")
    assert "has no effect" in keeping.events("task.edit_refused")[0]["reason"]
    assert list(keeping.home.conflicts.iterdir())
    retry(keeping, "n")
    again(keeping, copy)

    assert keeping.doc("n")["prompt"] == "two"


def entry_of(content: dict[str, Any], task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in content["tasks"] if each["id"] == task_id)
    return found
