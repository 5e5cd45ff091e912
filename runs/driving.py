"""One run on its way: admits what could start, settles what ended, stops when there is a reason to."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Final

from run_contract.errors import Deadlock, RunError, TaskFailed
from run_contract.records import (
    ENDED,
    Repeat,
    Run,
    RunState,
    RunTask,
    TaskError,
    TaskResult,
    TaskState,
)
from runs import asked_in_memory, growth, named_outputs, rounds
from runs.admitting import Admitting
from runs.asked_for import Refusal
from runs.board import Board
from runs.control import RunControl
from runs.ends import Ends
from runs.parts import Parts
from runs.settling import failure_of
from runs.work import Ended

#: Ids that are named of tasks which cannot start.
SHOWN: Final = 10


class Drive:
    """Drives one run. Everything happens in the thread that calls `go`."""

    def __init__(self, parts: Parts, run: Run, control: RunControl) -> None:
        self.parts = parts
        self.run = run
        self.control = control
        self.board = Board(parts, run)
        self.ends = Ends(self.board)
        self.admitting = Admitting(self.board, self.ends)
        self._deadline: float | None = None

    def go(self) -> Run:
        """Drive to the end."""
        self._begin()
        try:
            while not self._is_over():
                ended = self.parts.executor.next_end(self._patience())
                if ended is not None:
                    self.take(ended)
        finally:
            self.control.close()
        return self._finish()

    def admit(self) -> None:
        """Start what can start."""
        self.admitting.admit()

    def take(self, ended: Ended) -> None:
        """Do what follows the end of an attempt."""
        self.settle(ended)

    # -- a turn --------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        run, clock = self.run, self.parts.clock
        run.state = RunState.RUNNING
        run.created_at = run.created_at or clock.now()
        if run.policy.run_timeout_ms:
            self._deadline = clock.monotonic() + run.policy.run_timeout_ms / 1000
        self.control.attach(self.parts.executor.wake)
        self.board.tell.started()
        self.board.enqueue(self.parts.scheduler.next_ready(run))

    def _is_over(self) -> bool:
        """Look at everything that does not come from the work; whether nothing is left to wait for."""
        board = self.board
        self._heed()
        if board.outcome is None:
            self.admit()
        if board.flying:
            return False
        if board.outcome is not None or self.run.ended == len(board.tasks):
            return True
        if len(board.queue) or len(board.held) or board.later:
            return False  # every slot is taken by work that was given up, or an attempt is waited for
        self._deadlock()
        return True

    def _heed(self) -> None:
        """Cancellation, the run's own deadline, attempts whose time has come, and additions."""
        board, now = self.board, self.parts.clock.monotonic()
        if board.outcome is None and self.control.cancelled:
            self.ends.stop(RunState.ABORTED, TaskError("cancelled", "the run was cancelled"))
        if board.outcome is None and self._deadline is not None and now >= self._deadline:
            limit = self.run.policy.run_timeout_ms / 1000
            self.ends.stop(RunState.FAILED, TaskError("timeout", f"the run took longer than {limit:g} s"))
        while board.later and board.later[0][0] <= now:
            board.enqueue([heapq.heappop(board.later)[1]])
        self._take_in()

    def _take_in(self) -> None:
        for wanted in self.control.additions():
            try:
                if self.board.outcome is not None:
                    raise RunError("the run is about to end")
                self.ends.add(wanted.tasks, None)
            except RunError as error:
                wanted.answer.set_exception(error)
            else:
                wanted.answer.set_result(None)

    def _patience(self) -> float | None:
        """Seconds until something is to be done that no end brings about; none: for ever."""
        board = self.board
        found = [board.later[0][0]] if board.later else []
        if self._deadline is not None and board.outcome is None:
            found.append(self._deadline)
        return max(0.0, min(found) - self.parts.clock.monotonic()) if found else None

    def _deadlock(self) -> None:
        names = sorted(name for name, task in self.board.tasks.items() if task.state not in ENDED)
        shown = ", ".join(names[:SHOWN])
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        told = f"nothing runs, and these can never start: {shown}{more}"
        self.ends.stop(RunState.FAILED, TaskError(Deadlock.code, told))

    def _finish(self) -> Run:
        run, failure = self.run, self.board.failure
        ended = (RunState.COMPLETED if failure is None else RunState.FAILED, failure)
        run.state, run.error = self.board.outcome or ended
        run.updated_at = self.parts.clock.now()
        run.lingering = self.parts.executor.lingering()
        self.board.tell.ended()
        return run

    # -- ends of attempts ----------------------------------------------------------------------------------

    def settle(self, ended: Ended) -> None:
        """Book what an attempt came to, and end its task or try again."""
        board = self.board
        task = board.tasks[ended.job.task_id]
        found = board.flying.pop(task.id)
        board.settling.book(task, found, ended)
        if ended.error is None and ended.result is not None:
            self._take_result(task, ended.result, is_dear=ended.result.usage.micros > found.estimate.micros)
            return
        error = ended.error or TaskFailed()
        # What was given up runs still, and the same task must not run twice at once.
        is_last = board.outcome is not None or ended.lingers
        again = None if is_last else board.settling.again(task, error, ended.cause)
        if again is None:
            self.ends.fail(task, failure_of(task, error))
            return
        task.state, task.asked = TaskState.READY, again.model
        board.tell("task.retried", task.id, code=error.code, reason=error.message, wait_s=again.wait_s,
                   model=again.model)  # fmt: skip
        heapq.heappush(board.later, (self.parts.clock.monotonic() + again.wait_s, task.id))

    def _take_result(self, task: RunTask, result: TaskResult, *, is_dear: bool) -> None:
        """Take in a result with all that it brings; one that cannot be taken in fails the task."""
        if task.named and not result.outputs:
            result = replace(result, outputs=named_outputs.read(result.output, task.named))
        error = self.board.settling.overspent(task) if is_dear else None
        if error is None and result.adds and self.board.outcome is None:
            error = self._grow(task, result)
        if error is not None:
            task.outputs = result  # it was paid for, and may be read
            self.ends.fail(task, error)
            return
        if task.may_add and self.board.outcome is None:
            self._add_asked(task, result.output)
        for key, value in result.memory.items():
            self.parts.memory.put(self.run, key, value, task.parent)
        if task.repeat is None or self.board.outcome is not None:
            self.ends.complete(task, result)
        else:
            self._go_round(task, task.repeat, result)

    def _go_round(self, task: RunTask, repeat: Repeat, result: TaskResult) -> None:
        """Take an answer that will do, or begin another round; end the task where no more may be."""
        try:
            values = self.parts.admission.values(self.run, task, repeat.until.of)
            if rounds.is_done(repeat, result, values):
                self.ends.complete(task, result)
                return
            if task.round >= repeat.most:
                self._last_round(task, repeat, result)
                return
            more = rounds.next_round(self.run, task, repeat, result)
            growth.expand(self.run, task, [*more.values()], self.parts.resolver, [more[task.id].id])
        except RunError as error:
            task.outputs = result
            self.ends.fail(task, TaskError("invalid_result", error.message))
            return
        self.board.tell("task.repeated", task.id, round=task.round + 1, most=repeat.most)
        rounds.supersede(self.run, task, more)
        self.ends.welcome([*more.values()])

    def _last_round(self, task: RunTask, repeat: Repeat, result: TaskResult) -> None:
        error = rounds.used_up(task, repeat)
        if error is None:
            self.ends.complete(task, result)
        else:
            task.outputs = result
            self.ends.fail(task, error)

    def _add_asked(self, task: RunTask, text: str) -> None:
        """Add the tasks that an answer asks for; what is refused costs itself alone."""
        tasks, refused = asked_in_memory.tasks_of(self.run, task, text)
        try:
            if tasks:
                self.ends.add(tasks, task)
        except RunError as error:
            refused.append(Refusal("tasks", error.message))
        for each in refused:
            self.board.tell("task.add_refused", task.id, path=each.path, reason=each.reason)

    def _grow(self, task: RunTask, result: TaskResult) -> TaskError | None:
        try:
            self.ends.add(list(result.adds), task)
        except RunError as error:
            return TaskError("invalid_result", f"it adds tasks that cannot be added: {error.message}")
        return None
