"""What calls cost is counted by day, run, identity and tag as they are booked, and once."""

from __future__ import annotations

import sqlite3

import pytest

import host_platform
from settings import Home, Settings
from store import budgets, database, sql
from store.budgets import Account, Reservation
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task

DAY = "2026-01-05"


def wanted(call: str, task: str | None, run: str | None = None, day: str = DAY) -> Reservation:
    accounts = [Account("run", run)] if run else []
    accounts += [Account("model", "m", day), Account("day", "", day), Account("total")]
    return Reservation(call, task, 1, "m", str(host_platform.this_process()), accounts, 1000)


def spend(store: SqliteStore, call: str, task: str | None, micros: int | None, **more) -> None:
    store.write(lambda tx: budgets.reserve(tx, wanted(call, task, **more)))
    store.write(lambda tx: budgets.book(tx, call, micros))


def counted(store: SqliteStore, kind: str, since: str = "") -> dict[str, tuple[int, int]]:
    rows = store.reader.all("spent_by", kind=kind, since=since, newest=1000, limit=50)
    return {row["name"]: (row["micros"], row["calls"]) for row in rows}


@pytest.fixture
def spent(store: SqliteStore) -> SqliteStore:
    tasks = [
        new_task(id="a", prompt="x", tags=["docs", "nightly"], run_id="r", identity_id="ada"),
        new_task(id="b", prompt="x", tags=["docs"]),
        new_task(id="c", prompt="x"),
    ]
    store.submit(Intake(new=tasks), "test")
    spend(store, "1", "a", 100, run="r")
    spend(store, "2", "b", 20)
    spend(store, "3", "c", None, day="2026-01-07")  # nobody knows: its worst case
    spend(store, "4", None, 3)  # a plan
    return store


def test_each_call_counts_for_its_run_its_identity_and_whole_for_each_tag(spent: SqliteStore) -> None:
    assert counted(spent, "run") == {"r": (100, 1), "": (1023, 3)}
    assert counted(spent, "identity") == {"ada": (100, 1), "": (1023, 3)}
    assert counted(spent, "tag") == {"docs": (120, 2), "nightly": (100, 1), "": (1003, 2)}


def test_only_the_days_that_are_asked_for_count(spent: SqliteStore) -> None:
    assert counted(spent, "tag", "2026-01-06") == {"": (1000, 1)}
    by_day = {row["name"]: row["micros"] for row in spent.reader.all("spent_by_day", since="", limit=9)}
    assert by_day == {"2026-01-07": 1000, DAY: 123}
    (model,) = spent.reader.all("spent_by_model", since="2026-01-06", limit=9)
    assert (model["name"], model["micros"]) == ("m", 1000)


def test_of_many_days_the_newest_are_counted(spent: SqliteStore) -> None:
    (row,) = spent.reader.all("spent_by", kind="tag", since="", newest=1, limit=50)
    assert (row["name"], row["micros"], row["counted"]) == ("", 1000, 1)


def test_a_call_is_counted_once_however_often_it_is_booked(spent: SqliteStore) -> None:
    before = counted(spent, "tag")
    assert spent.write(lambda tx: budgets.book(tx, "1", 999)) is None
    assert counted(spent, "tag") == before


def test_what_is_reserved_counts_when_it_is_booked(store: SqliteStore) -> None:
    store.write(lambda tx: budgets.reserve(tx, wanted("1", None)))
    assert counted(store, "run") == {}


def test_calls_of_an_older_home_are_counted_after_the_update(tmp_path) -> None:
    home = Home(tmp_path)
    database.prepare_state_directory(home.state)
    connection = sqlite3.connect(home.database)
    ours = next(number for number, script in sql.migrations() if "CREATE TABLE spend_day" in script)
    for number, script in sql.migrations():
        if number < ours:
            connection.executescript(f"{script}\nPRAGMA user_version = {number};")
    accounts = f'[["run","r",""],["day","","{DAY}"]]'
    connection.executemany(
        "INSERT INTO spend VALUES (?, ?, NULL, NULL, 'm', 'gone', ?, 9, ?, 0, 0)",
        [("a", "settled", accounts, 5), ("b", "unsettled", accounts, 9), ("c", "reserved", accounts, None)],
    )
    connection.commit()
    connection.close()

    with SqliteStore(home, Settings()) as store:
        assert counted(store, "run") == {"r": (14, 2)}
