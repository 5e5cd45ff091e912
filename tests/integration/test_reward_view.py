"""``.swarm/phase5_reward_ledger.json``: a view with a bound, written only when there is something to show."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from road.reward_view import RewardView
from settings import Settings
from store import database, ledger, sql
from store.sqlite_store import SqliteStore


def grant(store: SqliteStore, *tasks: str, identity: str = "ada") -> None:
    def enter(tx):
        for task in tasks:
            ledger.grant(
                tx,
                {
                    "task_id": task, "identity_id": identity, "tokens_requested": 5, "tokens_awarded": 5,
                    "budget_used": 40_000, "max_budget": 100_000, "confidence": 0.5,
                    "reason": f"worker_approved_under_budget:{task}",
                },
            )  # fmt: skip

    store.write(enter)


def shown(store: SqliteStore) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.home.reward_ledger.read_text("utf-8"))
    return found


def test_grants_payments_and_totals_are_shown_as_the_seed_shows_them(store):
    grant(store, "t1")
    store.write(lambda tx: ledger.pay(tx, "ada", ledger.JOURNAL, "1", 2))
    assert RewardView(store, 100).write_if_changed()
    view = shown(store)
    assert view["version"] == 1
    assert view["totals"] == {"ada": {"earned": 5, "spent": 2, "balance": 3}}
    assert view["grants"]["t1::ada"] | {"granted_at": ""} == {
        "task_id": "t1", "identity_id": "ada", "tokens_requested": 5, "tokens_awarded": 5,
        "budget_used": 0.04, "max_budget": 0.1, "review_confidence": 0.5,
        "reason": "worker_approved_under_budget:t1", "granted_at": "",
    }  # fmt: skip
    (payment,) = view["spent"]
    assert (payment["bought"], payment["subject"], payment["tokens"]) == ("journal", "1", 2)
    assert store.home.reward_ledger.stat().st_mode & 0o777 == 0o600


def test_the_newest_rows_are_shown_and_the_totals_are_of_all(store):
    grant(store, *(f"t{number}" for number in range(50)))
    grant(store, "last", identity="bob")
    RewardView(store, 3).write_if_changed()
    assert list(shown(store)["grants"]) == ["t48::ada", "t49::ada", "last::bob"]
    assert shown(store)["totals"]["ada"]["earned"] == 250


def test_it_is_written_when_something_is_new_or_the_file_is_gone_and_else_not(store):
    view = RewardView(store, 10)
    assert not view.write_if_changed(), "a home without grants has no ledger to show"
    grant(store, "t1")
    assert view.write_if_changed()
    assert not view.write_if_changed()
    store.home.reward_ledger.unlink()
    assert view.write_if_changed()
    grant(store, "t1")
    assert not view.write_if_changed(), "the same task is granted once"
    grant(store, "t2")
    assert view.write_if_changed()


def test_what_a_person_writes_into_the_view_is_not_read(store):
    grant(store, "t1")
    store.home.reward_ledger.write_text('{"grants": {}, "totals": {"ada": {"balance": 999}}}')
    RewardView(store, 10).write_if_changed()
    assert shown(store)["totals"]["ada"]["balance"] == 5
    assert ledger.purse_of(store.reader, "ada").balance == 5


def test_grants_of_an_older_home_are_in_the_ledger_after_the_update(home):
    database.prepare_state_directory(home.state)
    connection = sqlite3.connect(home.database)
    steps = sql.migrations()
    ours = next(number for number, script in steps if "CREATE TABLE reward_entry" in script)
    for number, script in steps:
        if number < ours:
            connection.executescript(f"{script}\nPRAGMA user_version = {number};")
    connection.executemany(
        "INSERT INTO reward_grant VALUES (?, ?, ?, ?, 0, 10, 0.9, 'x', ?)",
        [("b", "ada", 4, 4, "2026-01-02T00:00:00Z"), ("a", "ada", 3, 3, "2026-01-03T00:00:00Z"),
         ("a", "bob", 2, 2, "2026-01-01T00:00:00Z")],
    )  # fmt: skip
    connection.commit()
    connection.close()
    with SqliteStore(home, Settings()) as store:
        rows = [dict(row) for row in store.reader.all("newest_entries", identity=None, limit=9)]
        told = [(row["identity_id"], row["subject"], row["tokens"], row["balance"]) for row in rows]
        assert told == [("ada", "a", 3, 7), ("ada", "b", 4, 4), ("bob", "a", 2, 2)]
        assert ledger.purse_of(store.reader, "ada") == ledger.Purse("ada", earned=7, balance=7)
