"""Whether the budgets can pay for a call: pure decisions over limits and what counts against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clock import local_day
from money import dollars_text
from store.budgets import Account, Balance, BudgetLimits


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a call is made."""

    #: none: a plan
    task_id: str | None = None
    run_id: str | None = None
    #: what all attempts of the task may cost together, micro-dollars; none: no limit of its own
    task_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit and what counts against it."""

    account: Account
    #: as configured, micro-dollars
    limit: int
    balance: Balance

    @property
    def granted(self) -> int:
        """The limit with what a person added."""
        return self.limit + self.balance.topped_up

    @property
    def left(self) -> int:
        """What is neither spent nor reserved; below zero where a server overcharged."""
        return self.granted - self.balance.spent - self.balance.reserved

    def can_pay(self, micros: int) -> bool:
        """Whether a call that may cost so much can start now."""
        return micros <= self.left

    def must_ask(self, micros: int) -> bool:
        """Whether only a person can help: it could not pay even if every call under way cost nothing."""
        return self.balance.declined_by is None and self.balance.spent + micros > self.granted

    def sentence(self, micros: int) -> str:
        """Why a call waits that may cost so much."""
        reserved = f", reserved {dollars_text(self.balance.reserved)}" if self.balance.reserved else ""
        declined = f"; {self.balance.declined_by} said no to more" if self.balance.declined_by else ""
        name = self.account.scope if self.account.scope == "task" else self.account.limit.replace(":", " ", 1)
        return (
            f"budget {name} {dollars_text(self.granted)} reached (spent {dollars_text(self.balance.spent)}"
            f"{reserved}, needs {dollars_text(micros)}){declined}"
        )


def accounts_of(payer: Payer, model: str, now: float) -> list[Account]:
    """Everything that a call counts against, the narrowest first; whether or not it has a limit."""
    today = local_day(now)
    accounts = [Account("task", payer.task_id)] if payer.task_id is not None else []
    accounts += [Account("run", payer.run_id)] if payer.run_id is not None else []
    return [*accounts, Account("model", model, today), Account("day", "", today), Account("total")]


def limited(
    accounts: Iterable[Account], limits: BudgetLimits, task_micros: int | None
) -> list[tuple[Account, int]]:
    """The accounts that have a limit, with it."""
    found = [(each, task_micros if each.scope == "task" else limits.of(each)) for each in accounts]
    return [(account, micros) for account, micros in found if micros is not None]


def shortfall(budgets: Sequence[Budget], micros: int) -> Budget | None:
    """The first budget that cannot pay a call which may cost so much; none where all can."""
    return next((each for each in budgets if not each.can_pay(micros)), None)
