"""A decision is written in the transaction it guards, or not at all."""

from __future__ import annotations

import json
import threading

import pytest

import host_platform
from audit_events import AUDIT_DECISIONS, AUDIT_EVENTS, AUDIT_FIELDS, LONGEST_TEXT
from store.audit_log import RECORD_FIELDS, SEAL_FIELDS
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from testing.clock import FakeClock


def test_a_decision_is_kept_with_what_it_binds_to(store: SqliteStore) -> None:
    store.write(
        lambda tx: tx.audit(
            "execution", "allowed", actor="swarm", task_id="a", lease=1, digest="ab", level="L3", count=None
        )
    )

    (row,) = store.reader.all("audit_after", after=0, limit=10)
    assert (row["event"], row["decision"], row["actor"], row["digest"], row["boot"]) == (
        "execution", "allowed", "swarm", "ab", host_platform.boot_id(),
    )  # fmt: skip
    assert json.loads(row["data"]) == {"level": "L3"}


def test_pausing_and_resuming_are_on_record_with_who_did_it(store: SqliteStore) -> None:
    store.pause("cli", "lunch")
    store.resume("panel")
    store.resume("panel")

    rows = store.reader.all("audit_after", after=0, limit=10)
    assert [(row["event"], row["decision"], row["actor"]) for row in rows] == [
        ("pause", "set", "cli"), ("pause", "cleared", "panel"),
    ]  # fmt: skip
    assert json.loads(rows[0]["data"]) == {"reason": "lunch"}


def test_a_secret_is_kept_neither_as_a_name_of_a_task_nor_in_what_was_said_of_it(store: SqliteStore) -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7h8"
    intent = {"goal": f"call it with {secret}", "must_nots": [secret]}

    def tell(tx: Transaction) -> None:
        tx.audit("execution", "blocked", actor="swarm", task_id=secret)
        tx.emit("task.planned", task_id=secret, focus=f"use {secret}", phase4_intent=intent, fields=[secret])

    store.write(tell)

    (record,) = store.reader.all("audit_after", after=0, limit=10)
    (event,) = store.reader.all("events_after", after=0, limit=10)
    assert record["task_id"] == event["task_id"] == "[redacted:github-token]"
    assert secret not in event["data"]
    assert event["data"].count("[redacted:github-token]") == 4


def test_a_decision_goes_with_the_transaction_that_breaks(store: SqliteStore) -> None:
    def breaks(tx: Transaction) -> None:
        tx.audit("execution", "allowed", actor="swarm")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        store.write(breaks)

    assert store.reader.all("audit_after", after=0, limit=10) == []


@pytest.mark.parametrize(
    ("event", "decision", "fields"),
    [
        ("unheard-of", "allowed", {}),
        ("execution", "maybe", {}),
        ("execution", "allowed", {"prompt": "tell me"}),
    ],
)
def test_an_undeclared_record_is_refused(store: SqliteStore, event: str, decision: str, fields: dict) -> None:
    with pytest.raises(ValueError, match="undeclared"):
        store.write(lambda tx: tx.audit(event, decision, actor="swarm", **fields))


def test_no_field_of_an_event_can_stand_in_for_one_that_every_record_has() -> None:
    assert not AUDIT_FIELDS.keys() & (RECORD_FIELDS.keys() | SEAL_FIELDS.keys())


def test_every_word_of_the_audit_has_a_meaning() -> None:
    for words in (AUDIT_EVENTS, AUDIT_DECISIONS, AUDIT_FIELDS, RECORD_FIELDS, SEAL_FIELDS):
        assert all(words.values())


def test_a_text_that_is_too_long_is_cut(store: SqliteStore) -> None:
    store.audit("request", "blocked", actor="swarm", rule="r" * 1000, reason="x" * 100_000)

    (row,) = store.reader.all("audit_after", after=0, limit=10)
    assert len(row["rule"]) == LONGEST_TEXT
    assert json.loads(row["data"])["reason"] == "x" * (LONGEST_TEXT - 1) + "…"


def test_a_record_that_is_older_than_the_one_before_says_that_the_clock_was_set_back(
    store: SqliteStore, clock: FakeClock
) -> None:
    told = []
    for jump in (0.0, 5.0, -60.0, 1.0):
        clock.jump(jump)
        store.audit("token", "recorded", actor="swarm")
        row = store.reader.all("last_audit", limit=1)[0]
        told.append(json.loads(row["data"]).get("clock_back_s"))

    assert told == [None, None, 60.0, None]


def test_of_records_that_are_written_together_the_first_says_so(store: SqliteStore, clock: FakeClock) -> None:
    store.audit("token", "recorded", actor="swarm")
    clock.jump(-60.0)

    def record(tx: Transaction) -> None:
        for _ in range(3):
            tx.audit("token", "recorded", actor="swarm")

    store.write(record)

    assert _told_of_the_last(store, 3) == [60.0, None, None]


def test_a_record_whose_work_failed_says_it_for_no_other(store: SqliteStore, clock: FakeClock) -> None:
    store.audit("token", "recorded", actor="swarm")
    clock.jump(-60.0)
    is_queued = threading.Event()

    def record(tx: Transaction) -> None:
        tx.audit("token", "recorded", actor="swarm")

    def fail(tx: Transaction) -> None:
        record(tx)
        raise LookupError

    held = store.writer.submit(lambda tx: is_queued.wait(10))
    failed, recorded = store.writer.submit(fail), store.writer.submit(record)
    is_queued.set()
    recorded.result(10)

    assert held.result(10)
    assert isinstance(failed.exception(10), LookupError)
    assert _told_of_the_last(store, 1) == [60.0]


def _told_of_the_last(store: SqliteStore, count: int) -> list[float | None]:
    rows = store.reader.all("last_audit", limit=count)
    return [json.loads(row["data"]).get("clock_back_s") for row in reversed(rows)]
