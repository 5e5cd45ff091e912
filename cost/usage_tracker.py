"""What was spent, for people and programs to read: every limit with what counts against it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from clock import local_day
from money import dollars_text
from run_contract.records import Run, Usage
from store.asking import Asks
from store.budget_words import is_budget
from store.budgets import Account, Balance, BudgetLimits, limit_of
from store.records import task_of

#: Limits that are told because tasks wait for them.
MOST_HELD: Final = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit stands; every amount in micro-dollars."""

    #: day, total, model:NAME, run:ID, subtree:ID or task:ID
    limit: str
    #: with what a person added; none: no limit is set
    granted_micros: int | None
    topped_up_micros: int
    spent_micros: int
    #: of it, booked at the worst case
    unsettled_micros: int
    reserved_micros: int
    #: none: no limit is set
    left_micros: int | None
    #: tasks that wait for it
    waiting: int
    #: who said no to more
    declined_by: str | None

    @classmethod
    def of(cls, account: Account, limit: int | None, balance: Balance, waiting: int) -> Self:
        """How an account stands."""
        granted = None if limit is None else limit + balance.topped_up
        return cls(
            limit=account.limit,
            granted_micros=granted,
            topped_up_micros=balance.topped_up,
            spent_micros=balance.spent,
            unsettled_micros=balance.unsettled,
            reserved_micros=balance.reserved,
            left_micros=None if granted is None else max(0, granted - balance.spent - balance.reserved),
            waiting=waiting,
            declined_by=balance.declined_by,
        )

    def as_json(self) -> dict[str, Any]:
        """The standing as JSON tells it."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """The standing in a few words: ``$1.20 of $5.00``."""
        spent = dollars_text(self.spent_micros)
        return spent if self.granted_micros is None else f"{spent} of {dollars_text(self.granted_micros)}"


def standing_of(asks: Asks, limit: str, now: float) -> Standing:
    """How the day or the total stands, whether or not it has a limit."""
    account = Account.of_limit(limit, now)
    return _standing(asks, account, BudgetLimits.kept(asks), asks.one("balance", **account.key()))


def standings(asks: Asks, now: float, first: BudgetLimits | None = None) -> list[Standing]:
    """Every limit: today's, the total, each model's, and those of runs and tasks that something hangs on.

    `first`: the limits of the settings, for as long as no executing process has told them.
    """
    limits = BudgetLimits.kept(asks, first)
    today = local_day(now)
    rows = {Account(row["scope"], row["name"], row["day"]): row for row in asks.all("balances", day=today)}
    accounts = [Account("day", "", today), Account("total")]
    accounts += [Account("model", name, today) for name in sorted(limits.models)]
    accounts += [*rows, *_held(asks, now)]
    return [_standing(asks, each, limits, rows.get(each)) for each in dict.fromkeys(accounts)]


def _held(asks: Asks, now: float) -> list[Account]:
    """What tasks wait for of runs and tasks, also where nothing was ever spent."""
    names = [row["held_by"] for row in asks.all("held_by")]
    found = [Account.of_limit(name, now) for name in names if is_budget(name)]
    return [each for each in found if not each.day][:MOST_HELD]


def _standing(asks: Asks, account: Account, limits: BudgetLimits, row: Any) -> Standing:
    most = limit_of(asks, limits, account)
    if account.scope == "task":
        task = asks.one("get_task", id=account.name)
        most = None if task is None else task_of(task["doc"], task["id"]).max_budget_micros
    held = asks.one("count_held", held_by=account.limit)
    return Standing.of(account, most, Balance.of_row(row), held["count"] if held else 0)


class UsageTracker:
    """Counts the tokens of runs in memory; their money is booked by the budget enforcer alone.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def add(self, run: Run | None, usage: Usage) -> None:
        """Count the tokens of a call, in its run and all that it is within."""
        if run is not None:
            with self._lock:
                run.usage.tokens += usage.tokens
                for above, _ in run.line_above():
                    above.usage.tokens += usage.tokens

    def snapshot(self, run: Run | None) -> Usage:
        """A copy of what was used so far."""
        if run is None:
            return Usage()
        with self._lock:
            return Usage(run.usage.tokens, run.usage.micros)
