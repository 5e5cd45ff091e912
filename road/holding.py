"""Tasks whose model call must wait: held back, asked about once for each limit, and let go when it can pay.

A task that a budget cannot pay does not fail and is not claimed again and again: it stays pending, held by
the limit's name, with the micro-dollars it needs. It goes when the limit has them: after a top-up, when a
call under way turns out cheaper than its worst case, at midnight for a day's limit, or when a task or a
setting is changed. A person is asked only where none of the calls under way can help, and once for each
limit, however many tasks wait for it. A task of a run fails where a limit of its run gets no more, and where
the limit is one that nobody is asked about (`store.run_money`).
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Final

from cost.budget_enforcer import Budget
from errors import CallHeld, OverBudget
from money import dollars_text
from store import budgets, decisions, ending, recording, run_money
from store.asking import Asks
from store.budgets import Account, BudgetLimits
from store.records import Question, TaskRef, task_of
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

#: Tasks of one limit that are looked at together.
MOST_LOOKED_AT: Final = 500
#: Questions about tasks' own limits that are open at once; the others are asked when these are answered.
MOST_TASK_QUESTIONS: Final = 20
#: How much more is offered than the one call needs, where the limit itself is less.
AMPLE: Final = 10
#: Scopes of limits that tasks of one run share.
_OF_RUNS: Final = frozenset({"run", "subtree"})


@dataclass(slots=True)
class Changes:
    """What can be done about the tasks that are held."""

    #: they can be paid now
    go: list[sqlite3.Row] = field(default_factory=list)
    #: a person must be asked: the budget, and the most urgent task that it cannot pay
    ask: list[tuple[Budget, sqlite3.Row]] = field(default_factory=list)
    #: tasks of runs that will never be paid, as nobody gives the budget more
    fail: list[tuple[Budget, sqlite3.Row]] = field(default_factory=list)
    #: questions that nobody waits for any more
    withdraw: list[sqlite3.Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.go or self.ask or self.fail or self.withdraw)


class Holding:
    """Holds tasks of one home back, and lets them go."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def hold(self, ref: TaskRef, held: CallHeld, *, is_known: bool) -> None:
        """Put a claimed task back because of what holds its model call.

        `is_known`: the one who found it has told the audit.
        """

        def put_back(tx: Transaction) -> None:
            row = recording.hold_back(tx, ref, held)
            if row is None:
                return
            if not is_known:
                _tell_audit(tx, ref, held)
            if isinstance(held, OverBudget):
                _ask_once(tx, held, row["seq"])

        self._store.write(put_back)

    def look(self) -> None:
        """Let go whom the budgets can pay now, and book what dead processes left; cheap when nobody waits."""
        store = self._store
        if budgets.any_abandoned(store.reader):
            store.write(lambda tx: budgets.settle_abandoned(tx, "worker"))
        # Twice at most: a question is of no use when the tasks it was about have gone.
        for _ in range(2):
            if not look_at(store.reader, store.clock.now()):
                break
            store.write(lambda tx: _act(tx, look_at(tx, tx.now)))


def look_at(asks: Asks, now: float) -> Changes:
    """What can be done about the tasks that are held."""
    changes = Changes()
    limits = BudgetLimits.kept(asks)
    for row in asks.all("held_limits"):
        _look_at_limit(asks, Account.of_limit(row["held_by"], now), limits, changes)
    open_ones = asks.all("open_budget_decisions")
    changes.withdraw = [row for row in open_ones if _is_idle(asks, row, now)]
    asked = {_limit_of(row) for row in open_ones} - {_limit_of(row) for row in changes.withdraw}
    changes.ask = [one for one in changes.ask if one[0].account.limit not in asked]
    _look_at_own_limits(
        asks, MOST_TASK_QUESTIONS - sum(limit.startswith("task:") for limit in asked), changes
    )
    return changes


def _look_at_limit(asks: Asks, account: Account, limits: BudgetLimits, changes: Changes) -> None:
    """Whom a limit can pay, the most urgent first; and about whom to ask.

    What others need that were let go a moment ago is not given away twice, whichever limit held them. In a
    run nobody goes before one that calls under way may still help, so cheap tasks do not starve a dear one.
    """
    most = budgets.limit_of(asks, limits, account)
    budget = None if most is None else Budget(account, most, budgets.balance_of(asks, account))
    promised = asks.one("promised")
    left = 0 if budget is None or promised is None else budget.left - promised["micros"]
    is_asked = not run_money.is_without_a_person(asks, account)
    is_refused = (
        budget is not None
        and account.scope in _OF_RUNS
        and (budget.balance.declined_by is not None or not is_asked)
    )
    looks_at_all = budget is None or left > 0 or is_refused
    rows = asks.all("held_tasks", held_by=account.limit, limit=MOST_LOOKED_AT if looks_at_all else 1)
    if budget is None:
        changes.go += rows
        return
    lost = run_money.lost(account, budget.granted, budget.balance, rows, is_asked=is_asked)
    changes.fail += [(budget, row) for row in lost]
    unpaid = None
    for row in rows:
        if row["needs"] <= left:
            changes.go.append(row)
            left -= row["needs"]
        else:
            unpaid = unpaid or row
            if account.scope in _OF_RUNS and budget.balance.spent + row["needs"] <= budget.granted:
                break
    if unpaid is not None and is_asked and budget.must_ask(unpaid["needs"]):
        changes.ask.append((budget, unpaid))


def _look_at_own_limits(asks: Asks, room: int, changes: Changes) -> None:
    """Tasks that wait for their own limit go when it is changed; here is found whom to ask about."""
    for row in asks.all("held_by_themselves", limit=max(room, 0)):
        budget = _own_budget(asks, row["id"], row["doc"])
        if budget is None:
            changes.go.append(row)
        elif not budget.must_ask(row["needs"]):
            continue
        elif run_money.is_without_a_person(asks, budget.account):
            changes.fail.append((budget, row))
        else:
            changes.ask.append((budget, row))
    for row in asks.all("refused_by_themselves", limit=MOST_LOOKED_AT):
        budget = _own_budget(asks, row["id"], row["doc"])
        if budget is not None and run_money.lost(
            budget.account, budget.granted, budget.balance, [row], is_asked=True
        ):
            changes.fail.append((budget, row))


def _own_budget(asks: Asks, task_id: str, doc: str) -> Budget | None:
    account, most = Account("task", task_id), task_of(doc, task_id).max_budget_micros
    return None if most is None else Budget(account, most, budgets.balance_of(asks, account))


def _limit_of(question: sqlite3.Row) -> str:
    return str(json.loads(question["payload"])["limit"])


def _is_idle(asks: Asks, question: sqlite3.Row, now: float) -> bool:
    """Whether nobody waits for a question about a limit, or it is about another day's."""
    about = json.loads(question["payload"])
    is_of_today = about["day"] == Account.of_limit(about["limit"], now).day
    return not is_of_today or not asks.all("held_tasks", held_by=about["limit"], limit=1)


def _ask_once(tx: Transaction, held: OverBudget, task: int) -> None:
    """Ask about the limit that holds a task just put back, unless somebody is asked already.

    A task fails that waits for a limit which nobody is asked about.
    """
    account = Account.of_limit(held.held_by, tx.now)
    row = tx.one("get_task_by_seq", seq=task)
    if row is None or row["held_by"] != account.limit:
        return
    most = budgets.limit_of(tx, BudgetLimits.kept(tx), account)
    budget = None if most is None else Budget(account, most, budgets.balance_of(tx, account))
    if account.scope == "task":
        budget = _own_budget(tx, row["id"], row["doc"])
    if budget is None or not budget.must_ask(held.needs_micros):
        return
    if run_money.is_without_a_person(tx, account):
        run_money.fail(tx, row, account, budget.sentence(held.needs_micros))
    elif _may_ask(tx, account):
        _ask(tx, budget, row)


def _may_ask(tx: Transaction, account: Account) -> bool:
    asked = [_limit_of(question) for question in tx.all("open_budget_decisions")]
    is_one_too_many = sum(limit.startswith("task:") for limit in asked) >= MOST_TASK_QUESTIONS
    return account.limit not in asked and not (account.scope == "task" and is_one_too_many)


def _act(tx: Transaction, changes: Changes) -> None:
    for row in changes.go:
        ending.make_claimable(tx, row)
        tx.run("promise", seq=row["seq"], needs=row["needs"])
        tx.mark_dirty(row["seq"])
    for budget, row in changes.fail:
        run_money.fail(tx, row, budget.account, budget.sentence(row["needs"]))
    for row in changes.withdraw:
        decisions.withdraw_one(tx, row, "skep")
    for budget, row in changes.ask:
        _ask(tx, budget, row)


def _ask(tx: Transaction, budget: Budget, row: sqlite3.Row) -> None:
    about = row if budget.account.scope == "task" else None
    decisions.ask(tx, question_about(budget, row), about, status=None)


def question_about(budget: Budget, row: sqlite3.Row) -> Question:
    """What a person is asked when a budget cannot pay a task."""
    needed = row["needs"] - budget.left
    more = max(budget.limit, AMPLE * needed)
    name = budget.account.limit
    follows = ", and it fails" if run_money.is_final(budget.account, row["id"]) else ""
    return Question(
        kind="budget",
        question=f"{budget.sentence(row['needs'])}: add what {row['id']} needs, {dollars_text(needed)} "
        f"(needed), add {dollars_text(more)} (more), or nothing (no){follows}? "
        f"Any other amount: skep budget add 1.00 --limit {name}",
        options=("needed", "more", "no"),
        payload={
            "limit": name,
            "scope": budget.account.scope,
            "name": budget.account.name,
            "day": budget.account.day,
            "task": row["id"],
            "granted_micros": budget.granted,
            "spent_micros": budget.balance.spent,
            "reserved_micros": budget.balance.reserved,
            "needs_micros": row["needs"],
            "needed_micros": needed,
            "more_micros": more,
        },
    )


def _tell_audit(tx: Transaction, ref: TaskRef, held: CallHeld) -> None:
    tx.audit(
        "model_call", "blocked", actor="worker", task_id=ref.id, lease=ref.lease, rule=held.rule,
        cost_micros=held.needs_micros, reason=held.waiting_for,
    )  # fmt: skip
