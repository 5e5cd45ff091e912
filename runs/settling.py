"""What an attempt came to: its money and tokens are booked, and what follows its end is decided.

Whatever an attempt used is booked, also of one that failed, was cancelled or came too late; of work that was
given up nobody knows what it used, so its worst case is. The usage of a run is the sum over its tasks.
"""

from __future__ import annotations

import math

from context.context_compactor import keep
from cost.budget_enforcer import shortfall
from errors import SkepError
from run_contract.errors import BudgetExceeded, InvalidResult, TaskCancelled, TaskTimeout
from run_contract.records import Run, RunTask, TaskError, Usage
from runs import retrying
from runs.admission import Prepared
from runs.parts import Parts
from runs.telling import Teller
from runs.work import Ended, WorkFailed
from store.budgets import Account


class Settling:
    """Books the attempts of one run."""

    def __init__(self, parts: Parts, run: Run, tell: Teller) -> None:
        self._parts = parts
        self._run = run
        self._tell = tell
        #: whether money came back since a held task was last refused
        self.gave_back = False

    def book(self, task: RunTask, found: Prepared, ended: Ended) -> None:
        """Book what an attempt used, and give back what was reserved for it."""
        used = usage_of(ended, found)
        task.actual = task.actual + used
        for _, above in self._run.line_above():
            above.actual = above.actual + used
        passed = self._parts.budget.record(self._run, used.micros, task, found.estimate.micros)
        self._parts.usage.add(self._run, used)
        self.gave_back = True
        for account, percent in passed:
            self._tell("budget.warning", task.id, budget=account.limit, percent=percent)
        done = ended.result.compaction if ended.result is not None else None
        if done is not None:
            keep(found.job.bundle, self._run.archive)
        task.compaction = done or found.compaction
        if task.compaction is not None:
            told = task.compaction
            self._tell("context.compacted", task.id, strategy=told.strategy, bytes_before=told.bytes_before,
                       bytes_after=told.bytes_after, dropped=len(told.dropped))  # fmt: skip
        if ended.lingers:
            self._tell("task.lingers", task.id)

    def overspent(self, task: RunTask) -> TaskError | None:
        """Why a task that completed fails all the same: it used more than a limit allows."""
        for budget in self._parts.budget.budgets(self._run, task):
            if budget.balance.spent > budget.granted:
                return TaskError(BudgetExceeded.code, budget.sentence(0))
        return None

    def again(self, task: RunTask, error: SkepError, cause: Exception | None) -> retrying.Again | None:
        """Another attempt, where the policy has one."""
        return retrying.after_failure(self._run.id, self._run.policy, task, error, cause)

    def is_stuck(self, task: RunTask, micros: int) -> bool:
        """Whether a budget cannot pay a task whatever comes back of what runs."""
        return any(each.is_beyond(micros) for each in self._parts.budget.budgets(self._run, task))

    def is_refused(self, task: RunTask, micros: int) -> bool:
        """Whether nothing will help a task: a person gave the budget that cannot pay it no more."""
        short = shortfall(self._parts.budget.budgets(self._run, task), micros)
        return short is not None and short.balance.declined_by is not None and short.is_beyond(micros)

    def left_in_all(self) -> float:
        """Micro-dollars that the budget of the run has left, or a narrower one of the runs above."""
        return min((each.left for each in self._parts.budget.budgets(self._run)), default=math.inf)

    def answers(self, task: RunTask, micros: int) -> dict[Account, int]:
        """Ask a person about each budget that a task lacks, until one gets too little; what each got."""
        ask, found = self._parts.top_up, dict[Account, int]()
        if ask is None:
            return found
        for budget in self._parts.budget.budgets(self._run, task):
            if not budget.must_ask(micros):
                continue
            added = found[budget.account] = max(0, ask(self._run, task, budget, micros))
            self._parts.budget.top_up(self._run, budget.account, added, "you")
            if added:
                self._tell("budget.topped_up", budget=budget.account.limit, added_micros=added)
            if budget.is_beyond(micros - added):
                break
        return found


def failure_of(task: RunTask, error: SkepError) -> TaskError:
    """The error of a task whose last attempt ended so."""
    named = isinstance(error, TaskTimeout | TaskCancelled | InvalidResult)
    told = error.message if task.attempts <= 1 else f"{error.message} (after {task.attempts} attempts)"
    code = error.code if named else str(error.details.get("work_code") or "execution_failed")
    return TaskError(code, told)


def usage_of(ended: Ended, found: Prepared) -> Usage:
    """What an attempt used: as its work says, also by what it raised; the worst case where nobody knows."""
    if ended.lingers:
        return Usage(0, found.estimate.micros)
    if ended.result is not None:
        return ended.result.usage
    return ended.cause.usage if isinstance(ended.cause, WorkFailed) else Usage()
