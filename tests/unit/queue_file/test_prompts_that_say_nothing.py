"""A prompt of nothing but blanks and characters that draw nothing: refused at the door, left alone inside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime_contract import Limits, normalize_task
from store.queue_file import Inbox
from store.reading import event_of
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping
from unseen import MUST_SAY

NOTHING = "\u200b\u2060 \u3164\u2800"


def test_a_saved_file_s_entry_is_refused_with_field_rule_and_way_out(keeping: Keeping) -> None:
    keeping.put({"id": "empty", "prompt": NOTHING}, {"id": "agent", "profile": "p", "prompt": NOTHING})

    reasons = [each["reason"] for each in keeping.shown()["failed"]]

    assert len(reasons) == 2
    assert all(f"prompt: {MUST_SAY}, got" in each for each in reasons)
    assert keeping.shown()["tasks"] == []


def test_one_that_is_dropped_into_the_inbox_is_too(keeping: Keeping) -> None:
    inbox = Inbox(keeping.home.inbox, keeping.store.writer, Limits(), keeping.store.limits)
    inbox.look()
    (inbox.new / "one.json").write_text(json.dumps({"id": "empty", "prompt": NOTHING}))

    inbox.look()

    row = keeping.store.reader.task("empty")
    assert row is not None
    assert (row["code"], MUST_SAY in row["reason"]) == ("invalid_task", True)


@pytest.fixture
def old(keeping: Keeping) -> Keeping:
    """A home that took such a prompt in when it was still allowed."""
    known = normalize_task({"id": "old", "prompt": NOTHING}, Limits(), is_known=True)
    keeping.store.submit(Intake([NewTask(*known)]), "queue.json")
    keeping.keeper.project()
    return keeping


def test_what_was_taken_in_before_the_rule_stays_and_can_still_be_changed(old: Keeping) -> None:
    def change(file: dict[str, Any]) -> None:
        file["tasks"][0]["priority"] = 4

    old.edit(change)
    old.round()

    assert (old.status("old"), old.doc("old")) == ("pending", old.doc("old") | {"priority": 4})
    assert old.doc("old")["prompt"] == NOTHING
    assert old.store.set_priority("old", 5, "cli") == "old has priority 5."
    assert old.shown()["failed"] == []


def test_it_cannot_be_given_another_prompt_that_says_nothing(old: Keeping) -> None:
    def change(file: dict[str, Any]) -> None:
        file["tasks"][0]["prompt"] = NOTHING * 2

    old.edit(change)
    old.round()

    assert old.doc("old")["prompt"] == NOTHING
    reasons = [str(event_of(row).get("reason")) for row in old.store.reader.events()]
    assert any(MUST_SAY in each for each in reasons)
