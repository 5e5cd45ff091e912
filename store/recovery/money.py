"""What was spent after the backup was made, by the events that tell of it.

A call whose reservation is told and whose end is not may have used everything: it is booked at its worst
case, as after any other death of its process. An event that is not understood counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from store import budgets, limit_overrides
from store.budgets import Account, Reservation
from store.recovery.standing import Event
from store.transaction import Transaction

KINDS: Final = frozenset(
    {"budget.reserved", "budget.settled", "budget.topped_up", "budget.limit_set", "budget.limit_cleared"}
)
_SCOPES: Final = frozenset({"total", "day", "model", "run", "subtree", "task"})
_MOST: Final = 2**53
_GONE: Final = "gone"


def play(tx: Transaction, events: Iterable[Event]) -> None:
    """Enter what the events tell, then book what is still reserved."""
    for event in events:
        if event["event"] == "budget.reserved":
            _reserved(tx, event)
        elif event["event"] == "budget.settled":
            _settled(tx, event)
        elif event["event"] == "budget.topped_up":
            _topped_up(tx, event)
        else:
            _limited(tx, event)
    for row in tx.all("all_reserved"):
        budgets.book_worst_case(tx, row, "recovery", "the database was damaged while it was under way")


def _reserved(tx: Transaction, event: Event) -> None:
    call, micros, accounts = event.get("call"), _micros(event, "reserved_micros"), _accounts(event)
    if not isinstance(call, str) or not micros or not accounts or tx.one("get_spend", id=call) is not None:
        return
    model = str(event.get("model"))
    budgets.enter(tx, Reservation(call, event["task_id"], None, model, _GONE, accounts, micros))


def _settled(tx: Transaction, event: Event) -> None:
    call, micros = event.get("call"), _micros(event, "cost_micros")
    if isinstance(call, str):
        budgets.enter_booked(tx, call, None if event.get("unsettled") is True else micros)


def _topped_up(tx: Transaction, event: Event) -> None:
    micros = _micros(event, "added_micros")
    for account in _accounts(event) if micros else []:
        tx.run("top_up", **account.key(), micros=micros)


def _limited(tx: Transaction, event: Event) -> None:
    limit = event.get("budget")
    if not isinstance(limit, str) or not limit_overrides.is_limit(limit):
        return
    if event["event"] == "budget.limit_cleared":
        limit_overrides.forget(tx, limit)
    else:
        told = {name: str(event.get(name) or "") for name in ("source", "ts", "reason")}
        micros = _micros(event, "limit_micros")
        if micros is not None or "limit_micros" not in event:
            limit_overrides.keep(tx, limit, micros, by=told["source"], at=told["ts"], reason=told["reason"])


def _micros(event: Event, name: str) -> int | None:
    value = event.get(name)
    return value if type(value) is int and 0 <= value < _MOST else None


def _accounts(event: Event) -> list[Account]:
    """What an event's money counts against; none at all where one of it cannot be read."""
    told = event.get("accounts")
    found = [_account(each) for each in told] if isinstance(told, list) else []
    return [each for each in found if each is not None] if all(found) else []


def _account(told: object) -> Account | None:
    match told:
        case [str(scope), str(name), str(day)] if scope in _SCOPES:
            return Account(scope, name, day)
    return None
