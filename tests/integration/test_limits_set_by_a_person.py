"""A limit that a person sets counts in place of the settings', everywhere, until it is cleared."""

from __future__ import annotations

import json

import pytest

from errors import InvalidRequest
from store import budgets, limit_overrides
from store.budgets import BudgetLimits
from tests.integration.test_held_tasks import *  # noqa: F403  the fixtures
from tests.integration.test_held_tasks import DOLLAR, Home


def kept(home: Home) -> BudgetLimits:
    return BudgetLimits.kept(home.store.reader)


def audited(home: Home) -> list[tuple[str, str, str]]:
    rows = home.store.reader.connection.execute("SELECT * FROM audit WHERE event = 'budget'")
    return [(row["decision"], row["actor"], json.loads(row["data"])["budget"]) for row in rows]


def test_it_counts_in_place_of_the_settings_and_goes_with_a_restart_of_the_daemon(poor: Home) -> None:
    poor.limits(day=5 * DOLLAR, models={"m": DOLLAR})
    poor.store.set_limit("day", 9 * DOLLAR, "ana", "release week")
    poor.store.set_limit("model:m", None, "ana", "m is cheap now")
    poor.store.set_limit("model:n", 0, "ana", "n is broken")
    poor.store.set_limit("run", 2 * DOLLAR, "ana", "runs got dear")

    poor.limits(day=6 * DOLLAR, models={"m": DOLLAR})  # the daemon starts with other settings

    assert kept(poor) == BudgetLimits(day=9 * DOLLAR, run=2 * DOLLAR, models={"n": 0})
    assert BudgetLimits.of_settings(poor.store.reader).day == 6 * DOLLAR
    told = budgets.overrides(poor.store.reader)["day"]
    assert (told["by"], told["reason"], told["micros"]) == ("ana", "release week", 9 * DOLLAR)


def test_the_settings_count_again_when_it_is_cleared(poor: Home) -> None:
    poor.limits(day=5 * DOLLAR)
    poor.store.set_limit("day", 9 * DOLLAR, "ana", "release week")

    told = poor.store.clear_limit("day", "bob")

    assert told == "The settings' limit counts again for day: $5.00."
    assert kept(poor) == BudgetLimits(day=5 * DOLLAR)
    assert audited(poor) == [("overridden", "ana", "day"), ("restored", "bob", "day")]
    kinds = [row["event"] for row in poor.store.reader.events() if row["event"].startswith("budget.limit")]
    assert kinds == ["budget.limit_set", "budget.limit_cleared"]


def test_who_waits_goes_on_when_the_limit_rises_and_the_question_is_closed(poor: Home) -> None:
    poor.add("a")
    (claim,) = poor.claim()
    poor.hold(claim)
    assert poor.store.reader.all("open_budget_decisions")

    poor.store.set_limit("day", 6 * DOLLAR, "ana", "one more")
    assert not poor.store.reader.all("open_budget_decisions")
    poor.holding.look()

    assert poor.states() == {"a": "ready"}


def test_a_limit_that_is_still_too_low_is_asked_about_anew_though_somebody_said_no(poor: Home) -> None:
    poor.add("a")
    (claim,) = poor.claim()
    poor.hold(claim)
    account = budgets.Account.of_limit("day", poor.clock.now())
    poor.store.write(lambda tx: budgets.decline(tx, account, "bob"))

    poor.store.set_limit("day", 5 * DOLLAR + 1, "ana", "a little")
    poor.holding.look()

    (asked,) = poor.store.reader.all("open_budget_decisions")
    assert json.loads(asked["payload"])["granted_micros"] == 5 * DOLLAR + 1


@pytest.mark.parametrize(
    "limit", ["week", "task:a", "run:r", "model:", "day:monday", "model:" + "x" * 201, ""]
)
def test_only_limits_that_settings_know_can_be_set(poor: Home, limit: str) -> None:
    with pytest.raises(InvalidRequest, match="no limit that can be set"):
        poor.store.set_limit(limit, DOLLAR, "ana", "because")


def test_a_reason_is_needed_and_amounts_are_bounded(poor: Home) -> None:
    with pytest.raises(InvalidRequest, match="reason"):
        poor.store.set_limit("day", DOLLAR, "ana", "  ")
    for micros in (-1, limit_overrides.MOST_MICROS + 1):
        with pytest.raises(InvalidRequest, match="amount"):
            poor.store.set_limit("day", micros, "ana", "because")
    with pytest.raises(InvalidRequest, match="Nobody has set"):
        poor.store.clear_limit("day", "ana")
    assert budgets.overrides(poor.store.reader) == {}
    assert audited(poor) == []
