"""What was spent after the backup is not forgotten when the database is rebuilt."""

from __future__ import annotations

from pathlib import Path

import host_platform
from store import budgets
from store.budgets import Account, Balance, BudgetLimits, Reservation
from testing.clock import FakeClock
from tests.unit.store_recovery.worked_home import WorkedHome

MINE = str(host_platform.this_process())


def reserve(home: WorkedHome, call: str, micros: int, task: str | None = None) -> None:
    accounts = [Account("total"), Account.of_limit("day", home.clock.now())]
    wanted = Reservation(call, task, 1 if task else None, "m", MINE, accounts, micros)
    home.opened.write(lambda tx: budgets.reserve(tx, wanted))


def book(home: WorkedHome, call: str, micros: int | None) -> None:
    home.opened.write(lambda tx: budgets.book(tx, call, micros))


def balance(home: WorkedHome) -> Balance:
    return budgets.balance_of(home.opened.reader, Account("total"))


def damaged_after_work(tmp_path: Path) -> WorkedHome:
    """A home with calls before and after its backup, one under way, and then a broken database."""
    home = WorkedHome(tmp_path / "home", FakeClock()).open()
    home.add("t")
    home.opened.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(total=1000)))
    reserve(home, "before", 100)
    book(home, "before", 10)
    reserve(home, "across", 200)
    home.show()
    home.back_up()
    book(home, "across", 20)
    reserve(home, "after", 300, "t")
    book(home, "after", None)
    reserve(home, "under-way", 400, "t")
    home.opened.top_up("total", 5000, "tester")
    home.show()
    home.close()
    home.overwrite(0, bytes(100))
    return home


def test_every_call_of_the_log_counts_and_what_was_under_way_counts_in_full(tmp_path: Path) -> None:
    home = damaged_after_work(tmp_path)

    recovered = home.recover()

    assert recovered is not None
    home.open()
    assert balance(home) == Balance(spent=10 + 20 + 300 + 400, unsettled=300 + 400, topped_up=5000)
    day = Account.of_limit("day", home.clock.now())
    assert budgets.balance_of(home.opened.reader, day).spent == 730
    told = home.event("budget.settled")
    assert (told["call"], told["cost_micros"], told["unsettled"]) == ("under-way", 400, True)
    assert home.verify().ok
    home.close()


def test_lines_that_say_nothing_of_use_count_for_nothing(tmp_path: Path) -> None:
    home = WorkedHome(tmp_path / "home", FakeClock()).open()
    home.add("t")
    home.show()
    home.back_up()
    nonsense = [
        {"call": "a", "reserved_micros": -5, "accounts": [["total", "", ""]]},
        {"call": "b", "reserved_micros": 2**80, "accounts": [["total", "", ""]]},
        {"call": "c", "reserved_micros": 5, "accounts": [["week", "", ""]]},
        {"call": "d", "reserved_micros": 5, "accounts": [["total", "", ""], ["day"]]},
        {"call": ["e"], "reserved_micros": 5, "accounts": "total"},
        {"reserved_micros": True},
    ]
    for fields in nonsense:
        home.opened.write(lambda tx, fields=fields: tx.emit("budget.reserved", **fields))  # type: ignore[misc]
    home.opened.write(lambda tx: tx.emit("budget.settled", call="never", cost_micros=7))
    home.opened.write(lambda tx: tx.emit("budget.topped_up", added_micros=7, accounts=[[1, 2, 3]]))
    home.show()
    home.close()
    home.overwrite(0, bytes(100))

    assert home.recover() is not None

    home.open()
    assert balance(home) == Balance()
    home.close()


def test_limits_that_a_person_set_are_set_again_and_those_cleared_are_not(tmp_path: Path) -> None:
    home = WorkedHome(tmp_path / "home", FakeClock()).open()
    home.add("t")
    home.opened.set_limit("total", 7, "ana", "before the backup")
    home.show()
    home.back_up()
    home.opened.clear_limit("total", "ana")
    home.opened.set_limit("day", 5, "ana", "after it")
    home.opened.set_limit("model:m", None, "ana", "m is free now")
    home.show()
    home.close()
    home.overwrite(0, bytes(100))

    home.recover()

    home.open()
    told = budgets.overrides(home.opened.reader)
    assert {limit: each["micros"] for limit, each in told.items()} == {"day": 5, "model:m": None}
    assert (told["day"]["by"], told["day"]["reason"]) == ("ana", "after it")
    home.close()
