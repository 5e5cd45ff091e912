"""``skep budget``: the figures, the prices, a top-up, and what is refused."""

from __future__ import annotations

import pytest

import host_platform
from errors import OverBudget
from road.holding import Holding
from store import budgets
from store.budgets import Account, BudgetLimits, Reservation
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock

DOLLAR = 1_000_000


@pytest.fixture
def clock() -> FakeClock:
    """The command line reads the machine's own clock, and a day is a day."""
    import time

    return FakeClock(wall=time.time())


@pytest.fixture
def spent(store: SqliteStore, clock: FakeClock) -> SqliteStore:
    """Five dollars a day: three and a half spent, of which half a dollar is unsettled, and one reserved."""
    store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(day=5 * DOLLAR, models={"m": 2 * DOLLAR})))
    accounts = [Account.of_limit("day", clock.now()), Account("total")]
    mine = str(host_platform.this_process())
    for call, micros, booked in (("a", 3 * DOLLAR, 3 * DOLLAR), ("b", DOLLAR // 2, None), ("c", DOLLAR, -1)):
        wanted = Reservation(call, None, None, "m", mine, accounts, micros)
        store.write(lambda tx, wanted=wanted: budgets.reserve(tx, wanted))  # type: ignore[misc]
        if booked != -1:
            store.write(lambda tx, call=call, booked=booked: budgets.book(tx, call, booked))  # type: ignore[misc]
    return store


def test_every_limit_is_told_with_what_counts_against_it(run, spent) -> None:
    lines = run("budget").stdout.splitlines()

    assert lines[0].split() == [
        "LIMIT",
        "AMOUNT",
        "SPENT",
        "OF",
        "IT",
        "UNSETTLED",
        "RESERVED",
        "LEFT",
        "WAITING",
    ]
    assert lines[1].split() == ["day", "$5.00", "$3.50", "$0.50", "$1.00", "$0.50", "0"]
    assert lines[2].split() == ["total", "no", "limit", "$3.50", "$0.50", "$1.00", "0"]
    assert lines[3].split() == ["model:m", "$2.00", "$0.00", "$0.00", "$0.00", "$2.00", "0"]


def test_the_same_as_json_in_micro_dollars(ask, spent) -> None:
    day, total, _ = ask("budget")["limits"]

    assert (day["granted_micros"], day["left_micros"], day["unsettled_micros"]) == (
        5 * DOLLAR,
        500_000,
        500_000,
    )
    assert (total["granted_micros"], total["left_micros"], total["spent_micros"]) == (None, None, 3_500_000)


def test_a_home_that_never_spent_says_so(run, store) -> None:
    assert "no limit" in run("budget").stdout


def test_prices_in_use_are_told_with_their_source(run, store) -> None:
    store.write(
        lambda tx: tx.run(
            "put_price", model="m", now=0.0, price='["0.15", "0.6", "0", []]', source="config/models.toml",
            context_window=None, max_output=None,
        )
    )  # fmt: skip

    told = run("budget").stdout
    assert "price of m: $0.15 read, $0.6 written per million tokens (config/models.toml)" in told


def test_a_task_that_is_held_shows_its_limit_and_who_said_no(run, ask, walk, spent) -> None:
    claim = walk.claim(id="dear", prompt="x", max_budget=0.01)
    held = OverBudget(held_by="task:dear", waiting_for="budget task $0.01 reached", needs_micros=30_000)
    Holding(spent).hold(claim.ref, held, is_known=True)
    assert "skep approve dear" in run("status").stdout

    run("reject", "dear", "--reason", "too dear")

    row = next(each for each in ask("budget")["limits"] if each["limit"] == "task:dear")
    assert (row["waiting"], row["granted_micros"]) == (1, 10_000)
    assert "said no to more for task:dear" in run("budget").stdout
    assert "said no to more" in run("show", "dear").stdout
    run("wait", "dear", code=75)


@pytest.mark.parametrize("amount", ["5", "5.00", "$0.25"])
def test_a_limit_can_have_more(run, ask, spent, amount: str) -> None:
    before = ask("budget")["limits"][0]["granted_micros"]

    told = run("budget", "add", amount).stdout

    after = ask("budget")["limits"][0]["granted_micros"]
    assert after - before == round(float(amount.removeprefix("$")) * DOLLAR)
    assert told.startswith("The budget day has $")


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "1e3", "five", "true", "1,5", "0.00000001"])
def test_what_is_no_amount_is_refused(run, spent, amount: str) -> None:
    run("budget", "add", "--", amount, code=2)


def test_an_amount_must_be_said(run, spent) -> None:
    run("budget", "add", code=2)


def test_a_limit_that_is_none_is_refused_with_the_way_out(run, spent) -> None:
    told = run("budget", "add", "1", "--limit", "total", code=2)

    assert "set budget_total_usd" in told.output


def test_status_tells_what_was_spent(run, ask, spent) -> None:
    assert "spent    $3.50 of $5.00 today, $3.50 in all (skep budget)" in run("status").stdout
    assert ask("status")["budget"]["day"]["spent_micros"] == 3_500_000


def test_the_settings_limits_are_told_before_any_daemon_ran(run, store, monkeypatch) -> None:
    monkeypatch.setenv("SKEP_BUDGET_DAY_USD", "2")
    lines = run("budget").stdout.splitlines()
    assert lines[1].split()[:2] == ["day", "$2.00"]

    store.write(lambda tx: budgets.keep_limits(tx, BudgetLimits(day=3 * DOLLAR)))
    assert run("budget").stdout.splitlines()[1].split()[:2] == ["day", "$3.00"]
