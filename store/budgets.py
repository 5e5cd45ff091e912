"""Money on disk: what each limit has spent and reserved, and the calls that reserved it.

A call counts against several accounts at once: its task, its run, its model today, the day, and all there
ever was. Its worst case is reserved in all of them in the transaction that lets it start, and booked at what
it came to in the one that records its end. A process that dies in between leaves its reservations; whoever
finds it gone books them at the worst case. So an account never says less than what may have been spent.

What may be spent is not decided here but in `cost.budget_enforcer`; only `safety.secure_api` reserves and
books.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from clock import local_day
from host_platform import ProcessId
from money import dollars_to_micros
from store import subtree_budgets
from store.asking import Asks
from store.transaction import Transaction, dump

#: The limits of the home in `meta`, as the executing process goes by them.
BUDGET_LIMITS: Final = "budget_limits"
#: Limits that a person set in place of the settings', in `meta`: by name, each with who, when and why.
BUDGET_OVERRIDES: Final = "budget_overrides"
#: What `held_by` says of a task that waits for the price of its model to be named.
PRICE_PREFIX: Final = "price:"


@dataclass(frozen=True, slots=True)
class Account:
    """Something that money counts against."""

    #: total, day, model, run, subtree or task
    scope: str
    #: of the model, run or task
    name: str = ""
    #: local calendar day, of ``day`` and ``model``
    day: str = ""

    @property
    def limit(self) -> str:
        """How people name it: ``day``, ``total``, or its scope and name, as in ``run:ID``."""
        return f"{self.scope}:{self.name}" if self.name else self.scope

    @classmethod
    def of_limit(cls, limit: str, now: float) -> Self:
        """The account that is meant by a limit's name now; a day is today."""
        scope, _, name = limit.partition(":")
        return cls(scope, name, local_day(now) if scope in {"day", "model"} else "")

    def key(self) -> dict[str, str]:
        """Its place in the table."""
        return {"scope": self.scope, "named": self.name, "day": self.day}


@dataclass(frozen=True, slots=True)
class Balance:
    """What counts against an account, in micro-dollars."""

    spent: int = 0
    #: of it, booked at the worst case because nobody knows what was used
    unsettled: int = 0
    reserved: int = 0
    #: what a person added to the limit
    topped_up: int = 0
    #: who said no to more
    declined_by: str | None = None

    @classmethod
    def of_row(cls, row: sqlite3.Row | None) -> Self:
        """The balance of a row of ``budget``; nothing where there is none yet."""
        if row is None:
            return cls()
        return cls(row["spent"], row["unsettled"], row["reserved"], row["topped_up"], row["declined_by"])


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The limits of a home, in micro-dollars; a task's own stands in the task."""

    day: int | None = None
    total: int | None = None
    run: int | None = None
    models: Mapping[str, int] = field(default_factory=dict)

    def of(self, account: Account) -> int | None:
        """The limit of an account that is no task's; none where there is none."""
        if account.scope == "model":
            return self.models.get(account.name)
        found: int | None = getattr(self, account.scope, None)
        return found

    def as_json(self) -> str:
        """The limits as the store keeps them."""
        return dump({"day": self.day, "total": self.total, "run": self.run, "models": dict(self.models)})

    @classmethod
    def of_settings(cls, asks: Asks) -> Self:
        """The limits that the settings name, as the executing process told them; none before it first ran."""
        return cls(**_fact(asks, BUDGET_LIMITS))

    @classmethod
    def kept(cls, asks: Asks, first: Self | None = None) -> Self:
        """The limits that count: the settings', but for those that a person set in their place.

        `first`: what the settings say, for as long as no executing process has told it.
        """
        by_settings = cls.of_settings(asks) if first is None or _fact(asks, BUDGET_LIMITS) else first
        return by_settings.overridden(overrides(asks))

    def overridden(self, by_person: Mapping[str, Mapping[str, Any]]) -> Self:
        """These limits with those in their place that a person set."""
        if not by_person:
            return self
        micros = {limit: told["micros"] for limit, told in by_person.items()}
        models = dict(self.models) | {
            limit.removeprefix("model:"): most for limit, most in micros.items() if limit.startswith("model:")
        }
        return type(self)(
            day=micros.get("day", self.day),
            total=micros.get("total", self.total),
            run=micros.get("run", self.run),
            models={name: most for name, most in models.items() if most is not None},
        )


def limit_of(asks: Asks, limits: BudgetLimits, account: Account) -> int | None:
    """The limit of an account that is no task's; none where there is none.

    The policy of a run may say less than the settings, and never more.
    """
    if account.scope == "subtree":
        return subtree_budgets.limit_of(asks, account.name)
    most = limits.of(account)
    if account.scope != "run":
        return most
    row = asks.one("run_budget", id=account.name)
    own = None if row is None else row["budget_micros"]
    return min((each for each in (most, own) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may cost something."""

    id: str
    task_id: str | None
    lease: int | None
    model: str
    #: process that makes the call
    owner: str
    accounts: Sequence[Account]
    #: its worst case, micro-dollars, over 0
    micros: int


def _fact(asks: Asks, key: str) -> dict[str, Any]:
    row = asks.one("get_meta", key=key)
    found: dict[str, Any] = {} if row is None else json.loads(row["value"])
    return found


def overrides(asks: Asks) -> dict[str, dict[str, Any]]:
    """What a person set, by limit: ``micros`` (none: no limit), ``by``, ``at`` and ``reason``."""
    return _fact(asks, BUDGET_OVERRIDES)


def balance_of(asks: Asks, account: Account) -> Balance:
    """What counts against an account."""
    return Balance.of_row(asks.one("balance", **account.key()))


def reserve(tx: Transaction, wanted: Reservation) -> None:
    """Count a call's worst case against its accounts; that they can pay was found out in this transaction."""
    enter(tx, wanted)
    tx.emit(
        "budget.reserved",
        task_id=wanted.task_id,
        lease=wanted.lease,
        call=wanted.id,
        model=wanted.model,
        reserved_micros=wanted.micros,
        accounts=[[each.scope, each.name, each.day] for each in wanted.accounts],
    )


def enter(tx: Transaction, wanted: Reservation) -> None:
    """The rows of a reservation, untold."""
    tx.run_many("reserve", ({**each.key(), "micros": wanted.micros} for each in wanted.accounts))
    tx.run(
        "insert_spend",
        id=wanted.id,
        task_id=wanted.task_id,
        lease=wanted.lease,
        model=wanted.model,
        owner=wanted.owner,
        accounts=dump([[each.scope, each.name, each.day] for each in wanted.accounts]),
        micros=wanted.micros,
        now=tx.now,
    )


def book(tx: Transaction, call: str, micros: int | None) -> int | None:
    """Book a call at what it came to; where that is none, at its worst case, unsettled.

    Returns the micro-dollars booked; none if the call is not reserved (any more).
    """
    row = enter_booked(tx, call, micros)
    if row is None:
        return None
    _warn(tx, row)
    tx.emit(
        "budget.settled",
        task_id=row["task_id"],
        lease=row["lease"],
        call=call,
        model=row["model"],
        reserved_micros=row["reserved"],
        cost_micros=row["booked"],
        unsettled=True if micros is None else None,
    )
    return int(row["booked"])


#: Shares of a run's limit, in percent, at which a warning is told.
WARN_AT: Final = (50, 80, 100)


def crossed(granted: int, before: int, after: int) -> list[int]:
    """The shares of a limit, in percent, that spending passed on its way from one amount to another."""
    return [share for share in WARN_AT if before * 100 < granted * share <= after * 100]


def _warn(tx: Transaction, call: sqlite3.Row) -> None:
    """Tell once of each share of a limit of a run that a booking has just passed."""
    for scope, name, day in json.loads(call["accounts"]):
        account = Account(scope, name, day)
        if not call["booked"] or not _is_warned_of(account):
            continue
        most, held = _limit_with_own(tx, account), balance_of(tx, account)
        if most is not None:
            for percent in crossed(most + held.topped_up, held.spent - call["booked"], held.spent):
                run_id = name.partition(":")[0]
                tx.emit("budget.warning", budget=account.limit, run_id=run_id, percent=percent)


def _is_warned_of(account: Account) -> bool:
    """Whether a limit is one of a run: of all of it, of a part, or of one of its tasks."""
    return account.scope in {"run", "subtree"} or (account.scope == "task" and ":" in account.name)


def _limit_with_own(asks: Asks, account: Account) -> int | None:
    """The limit of an account, also of a task; none where there is none."""
    if account.scope != "task":
        return limit_of(asks, BudgetLimits.kept(asks), account)
    row = asks.one("task_budget", id=account.name)
    return None if row is None or row["dollars"] is None else dollars_to_micros(row["dollars"])


def enter_booked(tx: Transaction, call: str, micros: int | None) -> sqlite3.Row | None:
    """The rows of a booking, untold; the call's own, or none if it is not reserved (any more)."""
    state = "settled" if micros is not None else "unsettled"
    row = tx.one("settle_spend", id=call, state=state, booked=micros, now=tx.now)
    if row is not None:
        counts = {
            "reserved": row["reserved"],
            "booked": row["booked"],
            "unsettled": row["booked"] if micros is None else 0,
        }
        accounts = json.loads(row["accounts"])
        tx.run_many("book", ({"scope": one[0], "named": one[1], "day": one[2], **counts} for one in accounts))
    return row


def any_abandoned(asks: Asks) -> bool:
    """Whether a process is gone that had something reserved. Cheap: a look at each process that has."""
    return any(map(_is_gone, asks.all("reserving_owners")))


def settle_abandoned(tx: Transaction, actor: str) -> int:
    """Book at its worst case what processes have left that are gone; how many calls that were."""
    gone = [row["owner"] for row in tx.all("reserving_owners") if _is_gone(row)]
    calls = [row for owner in gone for row in tx.all("reserved_by", owner=owner)]
    for row in calls:
        book_worst_case(tx, row, actor, "the process that made it is gone")
    return len(calls)


def book_worst_case(tx: Transaction, row: sqlite3.Row, actor: str, reason: str) -> None:
    """Book a call of which nobody will hear any more."""
    booked = book(tx, row["id"], None)
    tx.audit(
        "model_call", "unsettled", actor=actor, task_id=row["task_id"], lease=row["lease"],
        cost_micros=booked, call=row["id"], model=row["model"], reason=reason,
    )  # fmt: skip


def _is_gone(row: sqlite3.Row) -> bool:
    return not ProcessId.parse(row["owner"]).is_alive()


def top_up(tx: Transaction, account: Account, micros: int, by: str) -> None:
    """Let a limit have more; it asks again when that is used up too."""
    tx.run("top_up", **account.key(), micros=micros)
    fields: dict[str, Any] = {"budget": account.limit, "added_micros": micros}
    tx.emit("budget.topped_up", source=by, accounts=[[account.scope, account.name, account.day]], **fields)
    tx.audit("budget", "topped_up", actor=by, rule=f"budget-{account.scope}", cost_micros=micros, **fields)


def decline(tx: Transaction, account: Account, by: str) -> None:
    """A limit gets no more; who waits for it says so, and nobody is asked again until it is topped up."""
    tx.run("decline", **account.key(), by=by)
    for row in tx.all("tell_held", held_by=account.limit, more=f"; {by} said no to more"):
        tx.mark_dirty(row["seq"])
    tx.audit("budget", "declined", actor=by, rule=f"budget-{account.scope}", budget=account.limit)


def keep_limits(tx: Transaction, limits: BudgetLimits) -> None:
    """The limits that the executing process goes by from now on, for everyone to read."""
    tx.set_meta(BUDGET_LIMITS, limits.as_json())


def spent_since(asks: Asks, since: float) -> int:
    """Micro-dollars of the calls that have been booked since a moment in Unix seconds."""
    row = asks.one("spent_since", since=since)
    return int(row["micros"]) if row else 0
