"""A person sets a limit of money, which counts in place of the settings' until it is cleared.

Settings are read once, when a process starts, and belong to whoever starts it. What a person sets here is
kept in the store beside what is spent: every process goes by it from its next look on, in the transaction
that reserves, and it outlives restarts. It is told with who, when and why, and the settings' value beside it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from clock import to_rfc3339
from errors import InvalidRequest
from money import MICROS_PER_DOLLAR, dollars_text
from store import budgets, decisions
from store.budgets import BUDGET_OVERRIDES, Account, BudgetLimits
from store.transaction import Transaction, dump

#: As the settings bound it.
MOST_MICROS: Final = 10**9 * MICROS_PER_DOLLAR
#: Limits that are set at once, and characters of a model's name.
MOST_LIMITS: Final = 1_000
LONGEST_NAME: Final = 200
_SINGLE: Final = frozenset({"day", "total", "run"})


def is_limit(limit: str) -> bool:
    """Whether it names a limit that can be set: day, total, run (each run's) or model:NAME."""
    scope, _, name = limit.partition(":")
    return limit in _SINGLE or (scope == "model" and 0 < len(name) <= LONGEST_NAME)


def put(tx: Transaction, limit: str, micros: int | None, by: str, reason: str) -> str:
    """Set a limit from now on, in micro-dollars; none: no limit. A sentence about it.

    Who waits for it is looked at anew, and an open question about it is closed. Raises `InvalidRequest`.
    """
    _check(limit)
    if not reason.strip():
        raise InvalidRequest("reason: say why the limit is another; it is shown wherever the limit is.")
    if micros is not None and not 0 <= micros <= MOST_MICROS:
        raise InvalidRequest(f"amount must be from $0 to {dollars_text(MOST_MICROS)}.")
    if len({*budgets.overrides(tx), limit}) > MOST_LIMITS:
        raise InvalidRequest(f"There are {MOST_LIMITS:,} limits set already; clear some.")
    keep(tx, limit, micros, by=by, at=to_rfc3339(tx.now), reason=reason)
    tx.emit("budget.limit_set", source=by, budget=limit, limit_micros=micros, reason=reason)
    tx.audit(
        "budget", "overridden", actor=by, rule=_rule(limit), budget=limit, limit_micros=micros, reason=reason
    )
    _ask_anew(tx, limit, by)
    return f"The limit {limit} is {_amount(micros)} from now on, whatever the settings say."


def clear(tx: Transaction, limit: str, by: str, reason: str | None = None) -> str:
    """Let the settings' limit count again; a sentence about it. Raises `InvalidRequest`."""
    _check(limit)
    if not forget(tx, limit):
        raise InvalidRequest(f"Nobody has set the limit {limit}; the settings' counts already.")
    tx.emit("budget.limit_cleared", source=by, budget=limit, reason=reason)
    tx.audit("budget", "restored", actor=by, rule=_rule(limit), budget=limit, reason=reason)
    _ask_anew(tx, limit, by)
    return f"The settings' limit counts again for {limit}: {_amount(limit_of(BudgetLimits.kept(tx), limit))}."


def limit_of(limits: BudgetLimits, limit: str) -> int | None:
    """What a limit is, by its name, in micro-dollars; none: there is none."""
    scope, _, name = limit.partition(":")
    return limits.of(Account(scope, name))


def keep(tx: Transaction, limit: str, micros: int | None, *, by: str, at: str, reason: str) -> None:
    """Write a limit down, untold."""
    told: dict[str, Any] = {"micros": micros, "by": by, "at": at, "reason": reason}
    tx.set_meta(BUDGET_OVERRIDES, dump(budgets.overrides(tx) | {limit: told}))


def forget(tx: Transaction, limit: str) -> bool:
    """Take a limit out, untold; false where it was not set."""
    found = budgets.overrides(tx)
    was_set = found.pop(limit, None) is not None
    if was_set:
        tx.set_meta(BUDGET_OVERRIDES, dump(found))
    return was_set


def _check(limit: str) -> None:
    if not is_limit(limit):
        raise InvalidRequest(
            f"{limit[:80]!r} is no limit that can be set; name day, total, run (each run's) or model:NAME. "
            "A task's own is its max_budget (skep edit)."
        )


def _ask_anew(tx: Transaction, limit: str, by: str) -> None:
    """Questions that name the old limit are closed; the leader asks again where one is still needed."""
    for row in tx.all("open_budget_decisions"):
        about = json.loads(row["payload"])
        if about["limit"] == limit or about["scope"] == limit == "run":
            decisions.withdraw_one(tx, row, by)
    account = Account.of_limit(limit, tx.now)
    if limit != "run" and budgets.balance_of(tx, account).declined_by is not None:
        tx.run("decline", **account.key(), by=None)


def _rule(limit: str) -> str:
    return f"budget-{limit.partition(':')[0]}"


def _amount(micros: int | None) -> str:
    return "none" if micros is None else dollars_text(micros)
