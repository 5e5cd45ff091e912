"""Each row of the merge table, on a real store and a real file."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from runtime_contract import Limits, Status, normalize_task
from store.queue_file import apply
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello", "x-note": "mine"}


def edit_elsewhere(keeping: Keeping, task_id: str, **fields: Any) -> None:
    """An edit by `skep edit`."""
    rules = apply.Rules(keeping.settings.limits, keeping.store.limits)
    doc = keeping.doc(task_id)
    keeping.store.write(lambda tx: apply.edit_task(tx, task_id, 1, doc | fields, "cli", rules))


def test_an_unchanged_old_copy_changes_nothing_whatever_has_become_of_the_task(keeping: Keeping) -> None:
    keeping.put(A)
    old = keeping.shown()
    keeping.do("a", Status.APPROVED)
    keeping.round()

    keeping.save(old | {"x": 1})
    keeping.round()

    assert keeping.status("a") == "approved"
    assert keeping.entry("a")["status"] == "approved"
    assert keeping.events("task.duplicate") == keeping.events("task.edit_refused") == []


def test_an_edit_of_a_pending_task_is_taken_field_by_field(keeping: Keeping) -> None:
    keeping.put(A)

    keeping.edit(lambda file: file["tasks"][0].update(priority=5, prompt="say goodbye"))
    keeping.round()

    assert keeping.doc("a") == {**A, "prompt": "say goodbye", "priority": 5, "status": "pending"}
    assert sorted(keeping.events("task.edited")[0]["fields"]) == ["priority", "prompt"]


def test_a_removed_key_goes_back_to_its_default(keeping: Keeping) -> None:
    keeping.put({**A, "priority": 7})

    def remove(file: dict[str, Any]) -> None:
        del file["tasks"][0]["priority"], file["tasks"][0]["x-note"]

    keeping.edit(remove)
    keeping.round()

    row = keeping.store.reader.task("a")
    assert row is not None
    assert row["priority"] == 0
    assert set(keeping.doc("a")) == {"id", "prompt", "status"}


def test_edits_of_different_fields_on_both_sides_are_both_kept(keeping: Keeping) -> None:
    keeping.put(A)
    mine, theirs = keeping.shown(), keeping.shown()
    theirs["tasks"][0]["priority"] = 3
    keeping.save(theirs)
    keeping.round()

    mine["tasks"][0]["prompt"] = "say it twice"
    keeping.save(mine)
    keeping.round()

    assert (keeping.doc("a")["priority"], keeping.doc("a")["prompt"]) == (3, "say it twice")


def test_the_same_field_changed_on_both_sides_is_a_conflict_and_both_texts_are_kept(keeping: Keeping) -> None:
    keeping.put(A)
    mine = keeping.shown()
    edit_elsewhere(keeping, "a", prompt="theirs")
    keeping.round()

    mine["tasks"][0] |= {"prompt": "mine", "priority": 2}
    keeping.save(mine)
    keeping.round()

    assert (keeping.doc("a")["prompt"], keeping.doc("a")["priority"]) == ("theirs", 2)
    told = keeping.events("task.edit_conflict")
    assert told[0]["fields"] == ["prompt"]
    kept = json.loads((keeping.home.root / told[0]["file"]).read_text())
    assert kept["prompt"] == "mine"


def test_an_edit_of_a_running_task_counts_from_its_next_attempt(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.claim()

    keeping.edit(lambda file: file["tasks"][0].update(prompt="better"))
    keeping.round()

    assert keeping.doc("a")["prompt"] == "better"
    assert "next" in keeping.events("task.edited")[0]["reason"]
    assert keeping.status("a") == "in_progress"


def test_an_edit_that_breaks_the_contract_is_not_taken_and_its_text_is_kept(keeping: Keeping) -> None:
    keeping.put(A)

    keeping.edit(lambda file: file["tasks"][0].update(priority="high"))
    keeping.round()

    told = keeping.events("task.edit_refused")[0]
    assert "priority" in told["reason"]
    assert json.loads((keeping.home.root / told["file"]).read_text())["priority"] == "high"
    assert keeping.status("a") == "pending"
    assert "priority" not in keeping.entry("a")


def test_a_new_entry_is_entered_once_however_often_it_is_read(keeping: Keeping) -> None:
    content = keeping.shown()
    content["tasks"] = [{"prompt": "no id"}, {"prompt": "no id"}, {"id": "b", "command": "ls"}]
    keeping.save(content)
    keeping.look()
    keeping.save(content | {"x": 1})
    keeping.look()
    keeping.round()
    keeping.save(content | {"x": 2})
    keeping.round()

    ids = list(keeping.statuses())
    assert len(ids) == 3
    assert ids[1] == f"{ids[0]}-2"
    assert ids[2] == "b"


def test_the_same_words_written_again_where_they_were_shown_are_a_new_wish(
    keeping: Keeping,
) -> None:
    keeping.put({"prompt": "again"})

    keeping.put({"prompt": "again"})

    ids = list(keeping.statuses())
    assert ids == [ids[0], f"{ids[0]}-2"]


def test_a_known_id_added_again_after_approval_is_a_duplicate_and_never_runs_again(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.do("a", Status.APPROVED)
    keeping.round()

    keeping.put({"id": "a", "prompt": "say hello"})
    keeping.save({"tasks": [{"id": "a", "prompt": "say hello", "status": "pending"}]})
    keeping.round()

    assert keeping.status("a") == "approved"
    assert len(keeping.events("task.duplicate")) == 2


def test_a_missing_pending_task_is_cancelled_and_can_be_sent_back(keeping: Keeping) -> None:
    keeping.put(A, {"id": "b", "prompt": "x"})

    keeping.edit(lambda file: file["tasks"].pop(0))
    keeping.round()
    assert keeping.statuses() == {"a": "cancelled", "b": "pending"}

    keeping.store.retry("a", "cli")
    assert keeping.status("a") == "pending"


@pytest.mark.parametrize("ending", [None, Status.APPROVED, Status.FAILED])
def test_a_missing_task_that_runs_or_has_ended_reappears(keeping: Keeping, ending: Status | None) -> None:
    keeping.put(A)
    ref = keeping.claim()
    if ending is not None:
        keeping.finish(ref, ending)
    keeping.round()
    before = keeping.status("a")

    def remove(file: dict[str, Any]) -> None:
        file["tasks"], file["completed"], file["failed"] = [], [], []

    keeping.edit(remove)
    keeping.round()

    assert keeping.status("a") == before
    assert keeping.entry("a")["id"] == "a"


def test_nothing_is_removed_by_a_file_whose_revision_did_not_show_it_or_that_has_none(
    keeping: Keeping,
) -> None:
    old = keeping.shown()
    keeping.put(A)

    keeping.save(old | {"x": 1})
    keeping.round()
    keeping.save({"tasks": []})
    keeping.round()
    keeping.save({"tasks": [], "revision": 999})
    keeping.round()

    assert keeping.status("a") == "pending"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_ours_again_is_read_again(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.save(keeping.shown() | {"tasks": [A, {"id": "b", "prompt": "more"}]})
    os.chown(keeping.file, 65534, 65534)
    keeping.look()
    error = keeping.file.with_name("queue.json.error")
    assert "another user" in error.read_text()

    os.chown(keeping.file, 0, 0)
    keeping.look()

    assert not error.exists()
    assert keeping.status("b") == "pending"


def test_an_empty_file_cancels_nothing(keeping: Keeping) -> None:
    keeping.put(A)

    keeping.save(b"")
    keeping.round()

    assert keeping.status("a") == "pending"
    assert keeping.file.read_bytes() == b""
    assert "empty" in keeping.file.with_name("queue.json.error").read_text()


@pytest.mark.parametrize("ending", [Status.FAILED, Status.SAFETY_BLOCKED])
@pytest.mark.parametrize("way", ["moved", "status in place", "status and moved"])
def test_an_ended_task_is_retried_with_its_edits(keeping: Keeping, ending: Status, way: str) -> None:
    keeping.put(A)
    keeping.do("a", ending)
    keeping.round()

    def send_back(file: dict[str, Any]) -> None:
        entry = file["failed"][0]
        entry["prompt"] = "try this"
        if "status" in way:
            entry["status"] = "pending"
        if "moved" in way:
            file["tasks"].append(file["failed"].pop())

    keeping.edit(send_back)
    keeping.round()

    assert keeping.status("a") == "pending"
    assert keeping.doc("a")["prompt"] == "try this"
    assert "attempts" not in keeping.entry("a")


def test_a_retry_counts_for_the_end_that_was_seen_and_not_for_a_later_one(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.do("a", Status.FAILED)
    keeping.round()
    content = keeping.shown()
    content["tasks"].append(content["failed"].pop())
    keeping.save(content)
    keeping.look()
    keeping.do("a", Status.FAILED)

    for number in range(3):
        keeping.save(content | {"x": number})
        keeping.round()

    assert keeping.status("a") == "failed"
    assert len(keeping.events("task.retried")) == 1


def test_an_entry_that_names_no_end_sends_back_only_the_end_that_was_shown(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.do("a", Status.FAILED)
    keeping.round()
    content = keeping.shown()
    content["tasks"].append({"id": "a", "prompt": "try this"})
    keeping.save(content)
    keeping.look()
    assert keeping.status("a") == "pending"
    keeping.do("a", Status.FAILED)

    keeping.save(content | {"x": 1})
    keeping.look()

    assert keeping.status("a") == "failed"


def test_a_status_edited_to_cancelled_cancels(keeping: Keeping) -> None:
    keeping.put(A)

    keeping.edit(lambda file: file["tasks"][0].update(status="cancelled"))
    keeping.round()

    assert keeping.status("a") == "cancelled"


@pytest.mark.parametrize("way", ["status", "moved"])
@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("pending", "it is approved when its result has been judged"),
        ("pending_review", "it waits for a decision, and `skep approve a` gives it"),
    ],
)
def test_approving_by_editing_is_refused_and_the_way_that_is_open_is_named(
    keeping: Keeping, status: str, says: str, way: str
) -> None:
    keeping.put(A)
    if status == "pending_review":
        keeping.hold(keeping.claim())
        keeping.round()

    def approve(file: dict[str, Any]) -> None:
        if way == "status":
            file["tasks"][0]["status"] = "approved"
        else:
            file["completed"].append(file["tasks"].pop())

    keeping.edit(approve)
    keeping.round()

    assert keeping.status("a") == status
    assert keeping.events("task.edit_refused")[0]["reason"].endswith(f" by editing the file; {says}")


def test_an_edit_of_an_ended_task_is_refused(keeping: Keeping) -> None:
    keeping.put(A)
    keeping.do("a", Status.APPROVED)
    keeping.round()

    keeping.edit(lambda file: file["completed"][0].update(prompt="other"))
    keeping.round()

    assert keeping.doc("a")["prompt"] == "say hello"
    assert "no effect" in keeping.events("task.edit_refused")[0]["reason"]


def test_what_is_said_of_an_old_copy_that_is_saved_again_and_again_is_said_once(keeping: Keeping) -> None:
    keeping.put(A, {"id": "b", "prompt": "b", "priority": 1})
    keeping.do("b", Status.APPROVED)
    keeping.round()
    old = keeping.shown()
    old["completed"][0]["prompt"] = "other"
    old["tasks"][0]["prompt"] = "mine"
    edit_elsewhere(keeping, "a", prompt="theirs")
    keeping.round()

    for _ in range(3):
        keeping.save(old)
        keeping.round()

    assert len(keeping.events("task.edit_refused")) == 1
    assert len(keeping.events("task.edit_conflict")) == 1


def test_an_entry_with_the_id_of_a_task_its_file_never_showed_is_another_task_and_is_kept(
    keeping: Keeping,
) -> None:
    content = keeping.shown()
    task, document = normalize_task({"id": "a", "prompt": "from elsewhere"}, Limits())
    keeping.store.submit(Intake(new=[NewTask(task, document)]), "command line")

    content["tasks"].append({"id": "a", "prompt": "my own"})
    keeping.save(content)
    keeping.round()

    told = keeping.events("task.edit_refused")[0]
    assert "another id" in told["reason"]
    assert json.loads((keeping.home.root / told["file"]).read_text())["prompt"] == "my own"
    assert keeping.doc("a")["prompt"] == "from elsewhere"


def test_a_refused_entry_that_is_corrected_in_place_becomes_a_task(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": 5})
    assert keeping.entry("a")["status"] == "failed"

    def correct(file: dict[str, Any]) -> None:
        entry = file["failed"].pop()
        del entry["raw"]
        file["tasks"].append(entry | {"prompt": "five", "status": "pending"})

    keeping.edit(correct)
    keeping.round()

    assert keeping.status("a") == "pending"
    assert keeping.doc("a") == {"id": "a", "prompt": "five", "status": "pending"}


def test_a_refused_entry_that_is_corrected_and_cancelled_at_once_is_cancelled(keeping: Keeping) -> None:
    keeping.put({"id": "a", "prompt": "one", "priority": "high"})

    keeping.put({"id": "a", "prompt": "one", "status": "cancelled"})

    assert keeping.status("a") == "cancelled"


def test_a_refused_entry_is_corrected_from_the_copy_it_was_written_in(keeping: Keeping) -> None:
    content = keeping.shown()
    content["tasks"] = [{"id": "a", "prompt": 5}]
    keeping.save(content)
    keeping.round()
    keeping.save(content | {"x": 1})
    keeping.round()
    assert keeping.status("a") == "failed"

    content["tasks"] = [{"id": "a", "prompt": "five"}]
    keeping.save(content)
    keeping.round()

    assert keeping.status("a") == "pending"


def test_what_is_no_task_is_entered_as_failed_with_its_text(keeping: Keeping) -> None:
    twice = {"id": "b", "prompt": "x"}
    keeping.put(
        *("text", 5, {"id": "bad id!", "prompt": "x"}, {"id": 7, "prompt": "x"}),
        *(twice, {**twice, "prompt": "y"}, {"id": "c", "prompt": "\ud800"}),
    )

    assert keeping.status("b") == "pending"
    failed = keeping.shown()["failed"]
    assert len(failed) == 6
    assert all("raw" in each and each["reason"] for each in failed)
    assert keeping.status("c") == "failed"
    before = keeping.fingerprint()
    keeping.put()
    assert keeping.fingerprint() == before


def test_half_a_surrogate_pair_is_refused_by_the_name_of_its_field(keeping: Keeping) -> None:
    keeping.put({"id": "s", "prompt": "fine", "x-note": "\ud800"})

    assert keeping.entry("s")["reason"] == "tasks[0].x-note: holds a lone surrogate, which is not text"


def test_a_key_at_the_top_that_is_no_text_costs_only_itself(keeping: Keeping) -> None:
    keeping.put(A, **{"\ud800": {"kept": [1]}, "x-note": "stays"})

    assert keeping.status("a") == "pending"
    assert keeping.shown()["x-note"] == "stays"
    (told,) = keeping.events("queue_file.key_refused")
    assert (told["path"], told["raw"]) == ("\\ud800", '{"kept":[1]}')
    assert "holds a lone surrogate, which is not text" in told["reason"]


def test_unknown_keys_and_the_order_of_keys_survive(keeping: Keeping) -> None:
    content = {
        "zeta": {"b": 1, "a": 2},
        "tasks": [{"x-first": 1, "prompt": "p", "status": "pending", "id": "a", "x-last": [1]}],
        "version": "0.9",
        "alpha": None,
    }
    keeping.save(content)
    keeping.round()

    shown = keeping.shown()
    assert [key for key in shown if key in content] == list(content)
    assert (shown["zeta"], shown["version"], shown["alpha"]) == (content["zeta"], "0.9", None)
    assert list(shown["tasks"][0])[:5] == ["x-first", "prompt", "status", "id", "x-last"]


def test_a_new_order_of_keys_is_taken(keeping: Keeping) -> None:
    keeping.put(A)

    def reorder(file: dict[str, Any]) -> None:
        entry = file["tasks"][0]
        file["tasks"][0] = {"x-note": entry.pop("x-note"), **entry}

    keeping.edit(reorder)
    keeping.round()

    assert next(iter(keeping.entry("a"))) == "x-note"
    assert keeping.events("task.edited") == []


@pytest.mark.parametrize(
    "endpoint",
    ["http://example.org:8420", "http://localhost:8420\r\nHost: example.org", "http://local\thost:8420"],
)
def test_an_endpoint_that_is_not_on_this_machine_has_no_effect(keeping: Keeping, endpoint: str) -> None:
    keeping.put(A, api_endpoint=endpoint)

    assert keeping.shown()["api_endpoint"] == "http://127.0.0.1:8420"
    assert keeping.events("queue_file.key_refused")[0]["path"] == "api_endpoint"
    assert keeping.status("a") == "pending"


@pytest.mark.parametrize("key", ["tasks", "version"])
def test_a_wrong_type_at_the_top_is_an_error_of_the_file(keeping: Keeping, key: str) -> None:
    keeping.edit(lambda file: file.update({key: {"no": 1}}))
    before = keeping.file.read_bytes()
    keeping.round()

    assert keeping.file.read_bytes() == before
    assert key in keeping.events("queue_file.refused")[0]["reason"]
