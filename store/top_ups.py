"""A person lets a limit have more, by its name."""

from __future__ import annotations

import json
from typing import Final

from errors import InvalidRequest
from money import dollars_text
from store import budgets, decisions, ending, steering
from store.budgets import Account, BudgetLimits
from store.records import task_of
from store.transaction import Transaction

#: The setting that sets a limit, by its scope.
_SETTINGS: Final = {
    "day": "budget_day_usd",
    "total": "budget_total_usd",
    "run": "budget_run_usd",
    "model": "budget_model_usd",
}


def add(tx: Transaction, limit: str, micros: int, by: str) -> str:
    """Let `limit` (day, total, model:NAME, run:ID, subtree:ID or task:ID) have more; a sentence about it.

    An open question about it is closed, and who waits for it is looked at anew. Raises `NotFound` for a task
    that does not exist, `InvalidRequest` for what is no limit or has none.
    """
    account = Account.of_limit(limit, tx.now)
    _check(account, limit)
    most = (
        _limit_of_task(tx, account)
        if account.scope == "task"
        else budgets.limit_of(tx, BudgetLimits.kept(tx), account)
    )
    if most is None:
        raise InvalidRequest(f"There is no limit for {limit}, so nothing waits for it; {_way_out(account)}.")
    budgets.top_up(tx, account, micros, by)
    for row in tx.all("open_budget_decisions"):
        if json.loads(row["payload"])["limit"] == account.limit:
            decisions.withdraw_one(tx, row, by)
    if account.scope == "task":
        ending.let_go(tx, account.limit)
    return f"The budget {limit} has {dollars_text(micros)} more."


def _check(account: Account, limit: str) -> None:
    needs_name = account.scope in {"model", "run", "subtree", "task"}
    if account.scope not in {*_SETTINGS, "subtree", "task"} or needs_name != bool(account.name):
        raise InvalidRequest(
            f"{limit!r} is no limit; name one of day, total, model:NAME, run:ID, subtree:ID and task:ID."
        )


def _limit_of_task(tx: Transaction, account: Account) -> int | None:
    row = steering.find(tx, account.name)
    return task_of(row["doc"], row["id"]).max_budget_micros


def _way_out(account: Account) -> str:
    if account.scope == "task":
        return f"give {account.name} a max_budget (skep edit {account.name})"
    if account.scope == "subtree":
        return f"give {account.name} a subtree_budget when its run is started"
    limit = "run" if account.scope == "run" else account.limit
    return (
        f"set {_SETTINGS[account.scope]}, which the daemon reads when it starts, "
        f"or `skep budget set 5.00 --limit {limit}`"
    )
