"""What follows where a limit of a run gets no more: a task of the run that it cannot pay fails, as in memory.

What waits for a day's limit goes on at midnight. A limit of a run, of a part of it, or of one of its tasks
never begins anew, so a task that a person gave nothing more would wait for ever, and its run with it.
Nobody is asked about the limit of a task that an answer asked for: what a model said must not stop a run at
a person.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from run_contract.errors import BudgetExceeded
from runtime_contract import Status
from store import ending
from store.asking import Asks
from store.budgets import Account, Balance
from store.run_ends import run_of
from store.transaction import Transaction

_SCOPES: Final = frozenset({"run", "subtree", "task"})
#: Scopes of limits that one task gives, which their names tell.
_OF_TASKS: Final = frozenset({"subtree", "task"})


def is_final(account: Account, task_id: str) -> bool:
    """Whether a no to more for a limit ends a task that waits for it."""
    return account.scope in _SCOPES and bool(run_of(task_id))


def is_without_a_person(asks: Asks, account: Account) -> bool:
    """Whether nobody is asked for more for a limit, as an answer asked for the task that has it."""
    if account.scope not in _OF_TASKS or not run_of(account.name):
        return False
    return asks.one("was_asked_for_by_an_answer", id=account.name) is not None


def lost(
    account: Account, granted: int, balance: Balance, rows: Sequence[sqlite3.Row], *, is_asked: bool
) -> list[sqlite3.Row]:
    """Those that wait for a limit and that nothing will help: nobody gives it more, and no call can.

    Parameters:
        granted: the limit with what was added, micro-dollars.
        is_asked: whether a person is asked for more, and must have said no first (`is_without_a_person`).
    """
    if is_asked and balance.declined_by is None:
        return []
    return [row for row in rows if is_final(account, row["id"]) and balance.spent + row["needs"] > granted]


def fail(tx: Transaction, row: sqlite3.Row, account: Account, told: str) -> None:
    """End a task that waits for a limit, unless something else has become of it meanwhile."""
    now = tx.one("get_task_by_seq", seq=row["seq"])
    if now is None or now["state"] != "delayed" or now["held_by"] != account.limit:
        return
    reason = f"{told}; to go on: {_way_out(tx, run_of(row['id']), account)}"
    ending.end_task(tx, now, Status.FAILED, code=BudgetExceeded.code, reason=reason)


def _way_out(tx: Transaction, run_id: str, account: Account) -> str:
    above = [row["id"] for row in tx.all("runs_above", id=run_id)]
    return f"`skep budget add 1.00 --limit {account.limit}`, then `skep run resume {[run_id, *above][-1]}`"
