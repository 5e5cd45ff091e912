"""Lets tasks of one run start: in order, one after the other, as far as slots and budgets reach.

A task that a budget cannot pay is held while something runs that may give it enough back, and has its turn
again, in order, when money comes back. Whom only a person can help keeps nobody else waiting: once nothing
runs and nothing can start, that person may add to the budget, and is asked again where that was too little;
after a no the task fails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from errors import SkepError
from run_contract.errors import BudgetExceeded, RunError
from run_contract.records import RunState, RunTask, TaskError, TaskState
from runs import conditions, growth, within
from runs.admission import Denied, Prepared
from runs.board import WAITING, Board
from runs.ends import Ends
from store.budgets import Account

#: Tasks of one run that wait for a person and are looked at anew when a budget has more.
MOST_LOOKED_AT: Final = 500


class Admitting:
    """Admits the tasks of one run."""

    def __init__(self, board: Board, ends: Ends) -> None:
        self._board = board
        self._ends = ends

    def admit(self) -> None:
        """Start everything that can start now."""
        board = self._board
        while board.outcome is None and board.free > 0 and self._admit_next():
            pass

    def _admit_next(self) -> bool:
        """Consider one task; false where nobody is left who could start now."""
        board = self._board
        if board.news and board.settling.gave_back:
            self._look_anew()
        if len(board.held) and (board.settling.gave_back or not board.is_busy):
            self._offer()
        name, found = board.queue.dequeue()
        if found:
            task = board.tasks[name]
            if self.consider(task) and task.held:
                board.settling.gave_back = True  # there may be enough for the next that waits, too
            return True
        if not len(board.stuck) or board.is_busy:
            return False
        self._last_resort()
        return True

    def _offer(self) -> None:
        """Money came back: the first of those that wait for that has its turn among all that could start."""
        board = self._board
        name, _ = board.held.dequeue()
        board.queue.enqueue(name, board.tasks[name].priority)
        board.settling.gave_back = False

    def consider(self, task: RunTask) -> bool:
        """Start a task, or end it where it cannot; false where a budget cannot pay it yet."""
        if task.state not in WAITING:
            return True
        try:
            found = self.ready(task)
        except Denied as denied:
            self._ends.fail(task, TaskError(denied.code, denied.cause.message))
            return True
        if found is None:
            return True
        try:
            self._board.parts.budget.reserve(self._board.run, found.estimate.micros, task)
        except BudgetExceeded as error:
            self._hold(task, found, error)
            return False
        except RunError as error:
            self._ends.fail(task, TaskError(error.code, error.message))
            return True
        self.launch(task, found)
        return True

    def ready(self, task: RunTask) -> Prepared | None:
        """The attempt of a task that is to start; none where it ended or grew instead. Raises `Denied`."""
        is_plain = task.when is None and task.for_each is None and task.items is None and task.inner is None
        if not is_plain and self._comes_to_nothing(task):
            return None
        found = self._board.prepared.pop(task.id, None)
        if found is not None:
            return found
        found = self._prepare(task)
        return found if self._passes(task, found) else None

    def launch(self, task: RunTask, found: Prepared) -> None:
        """Start an attempt whose money is reserved."""
        board = self._board
        task.attempts += 1
        task.asked = found.job.model
        task.asked_first = task.asked_first or task.asked
        task.estimated = found.estimate
        task.state = TaskState.RUNNING
        if task.started_at is None:
            task.started_at = board.parts.clock.monotonic()
        board.flying[task.id] = found
        board.count(1)
        board.tell.attempt_started(task, found)
        board.parts.executor.start(board.run, found.job)

    def _comes_to_nothing(self, task: RunTask) -> bool:
        """Whether a task has no work: by its condition, by its list of items, or as a run does it."""
        try:
            if task.when is not None and task.items is None and not self._is_wanted(task):
                return True
            if task.items is not None:
                self._ends.complete(task, growth.joined(self._board.run, task))
                return True
            if task.for_each is None:
                return self._is_begun_within(task)
            self._map(task)
        except SkepError as error:
            raise Denied("context_build_failed", error) from error
        return True

    def _is_wanted(self, task: RunTask) -> bool:
        when = task.when
        if when is None:
            return True
        values = self._board.parts.admission.values(self._board.run, task, when.of)
        if conditions.holds(when, values):
            return True
        told = conditions.unmet(when)
        self._ends.skip(task, TaskError("condition_not_met", told))
        return False

    def _is_begun_within(self, task: RunTask) -> bool:
        """Whether a run does a task, which then has begun; it takes no slot itself. Raises `SkepError`."""
        if task.inner is None:
            return False
        board, parts = self._board, self._board.parts
        values = parts.admission.values(board.run, task, " ".join(task.inner.inputs.values()))
        child = within.begin(board.run, task, task.inner, values, parts.resolver)
        task.state, task.attempts, task.started_at = TaskState.RUNNING, 1, parts.clock.monotonic()
        board.within[task.id] = child
        board.begun.append(child)
        board.tell.run_began(task, child)
        return True

    def _map(self, task: RunTask) -> None:
        run, parts = self._board.run, self._board.parts
        text = task.for_each if isinstance(task.for_each, str) else ""
        values = parts.admission.values(run, task, text)
        children = conditions.item_tasks(task, conditions.items_of(task, values, run.policy.max_items))
        if not children:
            self._ends.complete(task, growth.joined(run, task))
            return
        growth.expand(run, task, children, parts.resolver)
        self._ends.welcome(children)

    def _prepare(self, task: RunTask) -> Prepared:
        parts = self._board.parts
        model = task.asked or task.model
        if not model and task.role is not None:
            try:
                model = parts.calculator.model_of(task.role)
            except SkepError as error:
                raise Denied("model_unknown", error) from error
        return parts.admission.prepare(self._board.run, task.id, model)

    def _passes(self, task: RunTask, found: Prepared) -> bool:
        """Ask the gate, where there is one."""
        gate = self._board.parts.gate
        answer = "go" if gate is None else gate(self._board.run, task, found)
        if answer == "skip":
            self._ends.skip(task, TaskError("left_out", "it was left out by hand"))
        elif answer == "abort":
            self._ends.stop(RunState.ABORTED, TaskError("cancelled", "the run was aborted by hand"))
            if self._board.above is not None:
                self._board.control.cancel()  # who says so means all of it
        return answer == "go"

    def _hold(self, task: RunTask, found: Prepared, error: BudgetExceeded) -> None:
        """Have a task wait that a budget cannot pay, or fail it where a person gave that no more."""
        board, micros = self._board, found.estimate.micros
        if board.settling.is_refused(task, micros):
            board.settling.gave_back = True  # what waits behind it may be paid, or fail as well
            self._ends.fail(task, TaskError(error.code, error.message))
            return
        if not task.held:
            task.held = True
            board.tell("task.held", task.id, reason=error.message)
        board.prepared[task.id] = found
        if board.settling.is_stuck(task, micros) or not board.is_busy:
            self._leave_to_a_person(task, micros)
            board.settling.gave_back = True  # what waits behind it may be paid by another budget
        else:
            board.held.enqueue(task.id, task.priority)

    def _last_resort(self) -> None:
        """Nothing runs that could give money back: a person may add some, else the task fails."""
        board = self._board
        name, _ = board.stuck.dequeue()
        task, found = board.tasks[name], board.prepared[name]
        if task.state not in WAITING:
            return
        micros = found.estimate.micros
        answers = board.settling.answers(task, micros)
        try:
            board.parts.budget.allow(board.run, micros, task)
        except RunError as error:
            if answers and all(answers.values()):
                self._leave_to_a_person(task, micros)  # who gave too little is asked for the rest
            else:
                del board.prepared[name]
                self._ends.fail(task, TaskError(error.code, error.message))
        else:
            self.consider(task)
        self._tell_all(answers)

    def _leave_to_a_person(self, task: RunTask, micros: int) -> None:
        self._board.stuck.enqueue(task.id, task.priority)
        self._board.least = min(self._board.least, micros)

    def _tell_all(self, answers: Mapping[Account, int]) -> None:
        """A person answered: that may concern whoever else waits for the same budget."""
        shared = [added for account, added in answers.items() if account.scope != "task"]
        for board in self._board.all if shared else ():
            board.news = "more" if all(shared) else "no"
            board.settling.gave_back = True

    def _look_anew(self) -> None:
        """Whoever waits for a person, but can be paid now or never, has a turn again.

        Nobody is looked at where there is less than any of them needs, so that it costs little to add little.
        """
        board = self._board
        if board.news == "more" and board.settling.left_in_all() < board.least:
            return
        names = [board.stuck.dequeue()[0] for _ in range(min(len(board.stuck), MOST_LOOKED_AT))]
        board.news = "more" if len(board.stuck) else ""
        board.least = board.least if len(board.stuck) else math.inf
        for task in (board.tasks[name] for name in names):
            if task.state not in WAITING:
                continue
            micros = board.prepared[task.id].estimate.micros
            if board.settling.is_stuck(task, micros) and not board.settling.is_refused(task, micros):
                self._leave_to_a_person(task, micros)
            else:
                board.held.enqueue(task.id, task.priority)
