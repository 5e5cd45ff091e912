"""What is said of a task that a budget holds: made from what is true when it is read, so it never ages."""

from __future__ import annotations

import sqlite3
from typing import Final

from money import dollars_text
from store.asking import Asks
from store.budgets import Account, Balance, BudgetLimits, balance_of, limit_of
from store.records import task_of

_SCOPES: Final = frozenset({"day", "total", "model", "run", "subtree", "task"})


def is_budget(held_by: str | None) -> bool:
    """Whether what holds a task is a budget, by its name; not a price, a rate or a run."""
    return held_by is not None and held_by.partition(":")[0] in _SCOPES


def reached(account: Account, granted: int, balance: Balance, micros: int) -> str:
    """Why a call waits that may cost so much; `granted` is the limit with what was added, micro-dollars."""
    reserved = f", reserved {dollars_text(balance.reserved)}" if balance.reserved else ""
    declined = f"; {balance.declined_by} said no to more" if balance.declined_by else ""
    return (
        f"budget {_named(account)} {dollars_text(granted)} reached (spent {dollars_text(balance.spent)}"
        f"{reserved}, needs {dollars_text(micros)}){declined}"
    )


def _named(account: Account) -> str:
    return account.scope if account.scope == "task" else account.limit.replace(":", " ", 1)


class HeldWords:
    """Says what holds tasks, for one look at many of them: each budget is read once.

    Parameters:
        now: Unix seconds, which say whose day it is.
    """

    def __init__(self, asks: Asks, now: float) -> None:
        self._asks = asks
        self._now = now
        self._limits: BudgetLimits | None = None
        self._known: dict[str, tuple[int | None, Balance]] = {}

    def of(self, row: sqlite3.Row) -> str | None:
        """What holds a task now; none where it is no budget, or one that nothing is known of any more."""
        held_by, needs = row["held_by"], row["needs"]
        if needs is None or not is_budget(held_by):
            return None
        account = Account.of_limit(held_by, self._now)
        if held_by not in self._known:
            self._known[held_by] = (self._limit(account, row), balance_of(self._asks, account))
        limit, balance = self._known[held_by]
        if limit is None:
            return None
        granted = limit + balance.topped_up
        if needs > granted - balance.spent - balance.reserved:
            return reached(account, granted, balance, needs)
        if account.scope == "task":  # who works on it may have set it a lower limit
            return None
        return f"its turn: budget {_named(account)} can pay the {dollars_text(needs)} that it needs"

    def _limit(self, account: Account, row: sqlite3.Row) -> int | None:
        """The limit as it is configured, micro-dollars; none: there is none."""
        if account.scope == "task":
            return task_of(row["doc"], row["id"]).max_budget_micros if account.name == row["id"] else None
        if self._limits is None:
            self._limits = BudgetLimits.kept(self._asks)
        return limit_of(self._asks, self._limits, account)
