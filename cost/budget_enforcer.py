"""Whether the budgets can pay for a call: pure decisions over limits and what counts against them.

`BudgetEnforcer` keeps the books of a run in memory by these same decisions; those of a home are kept on disk,
by `safety.secure_api`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from clock import local_day
from run_contract.errors import BudgetExceeded, BudgetNotSet, InvalidInput
from run_contract.records import Run, RunTask
from store.budget_words import reached
from store.budgets import Account, Balance, BudgetLimits, crossed


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a call is made."""

    #: none: a plan
    task_id: str | None = None
    run_id: str | None = None
    #: what all attempts of the task may cost together, micro-dollars; none: no limit of its own
    task_micros: int | None = None
    #: the tasks whose budgets for all that stem from them count too, the narrowest first, with micro-dollars
    subtrees: tuple[tuple[str, int], ...] = ()


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

    def is_beyond(self, micros: int) -> bool:
        """Whether no call under way can help: it could not pay even if all of them cost nothing."""
        return self.balance.spent + micros > self.granted

    def must_ask(self, micros: int) -> bool:
        """Whether only a person can help, who has not said no."""
        return self.balance.declined_by is None and self.is_beyond(micros)

    def sentence(self, micros: int) -> str:
        """Why a call waits that may cost so much."""
        return reached(self.account, self.granted, self.balance, micros)


def accounts_of(payer: Payer, model: str, now: float) -> list[Account]:
    """Everything that a call counts against, the narrowest first; whether or not it has a limit."""
    today = local_day(now)
    accounts = [Account("task", payer.task_id)] if payer.task_id is not None else []
    accounts += [Account("subtree", name) for name, _ in payer.subtrees]
    accounts += [Account("run", payer.run_id)] if payer.run_id is not None else []
    return [*accounts, Account("model", model, today), Account("day", "", today), Account("total")]


def limited(
    accounts: Iterable[Account],
    limits: BudgetLimits,
    task_micros: int | None,
    subtrees: tuple[tuple[str, int], ...] = (),
) -> list[tuple[Account, int]]:
    """The accounts that have a limit, with it."""
    own: dict[Account, int | None] = {Account("subtree", name): micros for name, micros in subtrees}
    found = [
        (each, task_micros if each.scope == "task" else own.get(each) or limits.of(each)) for each in accounts
    ]
    return [(account, micros) for account, micros in found if micros is not None]


def shortfall(budgets: Sequence[Budget], micros: int) -> Budget | None:
    """The first budget that cannot pay a call which may cost so much; none where all can."""
    return next((each for each in budgets if not each.can_pay(micros)), None)


class BudgetEnforcer:
    """Keeps the books of runs in memory: for the run, for a task, and for a task with all it added.

    What a run within a run pays counts against every budget above it too. A call's worst case is reserved in
    every one of them or in none, and what it came to is always booked, also where that is more than a limit
    allows: money that is spent is spent. Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def allow(self, run: Run | None, micros: int, task: RunTask | None = None) -> None:
        """Raise where a budget cannot pay a call that may cost so much.

        Raises `InvalidInput`, `BudgetNotSet`, and `BudgetExceeded` with the budget among its details and
        whether only a person can help.
        """
        for budget in self.budgets(run, task):
            _check(budget, micros)

    def reserve(self, run: Run | None, micros: int, task: RunTask | None = None) -> None:
        """Count a call's worst case, or nothing. Raises as `allow`."""
        if run is None:
            raise InvalidInput("no run to reserve in")
        with self._lock:
            accounts = accounts_in(run, task)
            for account, limit in accounts:
                if limit is not None:
                    _check(Budget(account, limit, balance_in(run, account)), micros)
            for account, _ in accounts if micros else ():
                run.books[account] = _changed(balance_in(run, account), reserved=micros)

    def record(
        self, run: Run | None, micros: int, task: RunTask | None = None, reserved: int = 0
    ) -> list[tuple[Account, int]]:
        """Book what a call came to and give back what was reserved for it.

        Returns the limits that this brought past a share to warn at, with the share in percent.
        Raises `InvalidInput`.
        """
        if run is None or micros < 0:
            raise InvalidInput("no run to book on" if run is None else "an amount must not be below 0")
        passed: list[tuple[Account, int]] = []
        with self._lock:
            run.usage.micros += micros
            for above, _ in run.line_above():
                above.usage.micros += micros
            for account, limit in accounts_in(run, task) if micros or reserved else ():
                held = balance_in(run, account)
                run.books[account] = _changed(held, spent=micros, reserved=-reserved)
                if limit is not None:
                    granted = limit + held.topped_up
                    passed += [(account, at) for at in crossed(granted, held.spent, held.spent + micros)]
        return passed

    def top_up(self, run: Run, account: Account, micros: int, by: str) -> None:
        """Let a limit have more, or with 0 note that `by` said no."""
        with self._lock:
            held = balance_in(run, account)
            changed = {"topped_up": held.topped_up + micros} if micros else {"declined_by": by}
            run.books[account] = replace(held, **changed)

    def budgets(self, run: Run | None, task: RunTask | None = None) -> list[Budget]:
        """The budgets that a task's calls count against, the narrowest first. Raises `InvalidInput`."""
        if run is None:
            raise InvalidInput("no run to look at")
        return [
            Budget(account, limit, balance_in(run, account))
            for account, limit in accounts_in(run, task)
            if limit is not None
        ]


def _check(budget: Budget, micros: int) -> None:
    if budget.limit <= 0:
        raise BudgetNotSet(f"the limit of {budget.account.limit} must be over 0")
    if not budget.can_pay(micros):
        asks = budget.must_ask(micros)
        raise BudgetExceeded(budget.sentence(micros), budget=budget.account.limit, must_ask=asks)


def accounts_in(run: Run, task: RunTask | None) -> list[tuple[Account, int | None]]:
    """What a task's calls count against, the narrowest first, each with its limit.

    That is its run with all above it. Tasks of a run within a run are named with the name of that run.
    """
    found = _accounts_of_its_own(run, task)
    return found if run.above is None else [*found, *accounts_in(*run.above)]


def _accounts_of_its_own(run: Run, task: RunTask | None) -> list[tuple[Account, int | None]]:
    own: list[tuple[Account, int | None]] = [(Account("run", run.id), run.policy.budget_micros)]
    if task is None:
        return own
    within = "" if run.above is None else f"{run.id}:"
    if task.parent is not None or task.subtree_micros is not None:
        above = [each for each in lineage(run, task) if each.subtree_micros is not None]
        own = [*((Account("subtree", within + each.id), each.subtree_micros) for each in above), *own]
    if task.budget_micros is None:
        return own
    return [(Account("task", within + task.id), task.budget_micros), *own]


def lineage(run: Run, task: RunTask) -> list[RunTask]:
    """The task, the one that added it, the one that added that, and so on."""
    found = [task]
    while (parent := run.tasks.get(found[-1].parent or "")) is not None and parent not in found:
        found.append(parent)
    return found


def balance_in(run: Run, account: Account) -> Balance:
    """What counts against an account of a run."""
    found: Balance = run.books.get(account, _NOTHING)
    return found


_NOTHING: Final = Balance()


def _changed(held: Balance, spent: int = 0, reserved: int = 0) -> Balance:
    return Balance(
        held.spent + spent, held.unsettled, held.reserved + reserved, held.topped_up, held.declined_by
    )
