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
    """Drives one run. Everything happens in the thread that calls.

    Parameters:
        above: drives the run that this one is within.
    """

    def __init__(self, parts: Parts, run: Run, control: RunControl, above: Drive | None = None) -> None:
        self.parts = parts
        self.run = run
        self.control = control
        self.above = above
        self.board: Board = Board(parts, run, control, None if above is None else above.board)
        self.ends = Ends(self.board)
        self.admitting = Admitting(self.board, self.ends)
        #: monotonic seconds; none: it may take as long as it takes
        self.deadline: float | None = None
        self._began = 0.0

    def admit(self) -> None:
        """Start what can start."""
        self.admitting.admit()

    def take(self, ended: Ended) -> None:
        """Do what follows the end of an attempt."""
        self.settle(ended)

    # -- a turn --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let the run begin; nothing starts yet."""
        run, clock = self.run, self.parts.clock
        run.state = RunState.RUNNING
        run.created_at = run.created_at or clock.now()
        self._began = clock.monotonic()
        self.deadline = self._deadline_from(self._began)
        self.board.tell.started()
        self.board.enqueue(self.parts.scheduler.next_ready(run))

    def _deadline_from(self, now: float) -> float | None:
        """When it must have ended: by its own limit, that of the task it does, and the run above."""
        limits = [self.run.policy.run_timeout_ms]
        if self.run.above is not None:
            limits.append(self.run.above[1].timeout_ms or 0)
        moments = [now + limit / 1000 for limit in limits if limit]
        if self.above is not None and self.above.deadline is not None:
            moments.append(self.above.deadline)
        return min(moments, default=None)

    def is_over(self) -> bool:
        """Look at everything that does not come from the work; whether nothing is left to wait for."""
        board = self.board
        self._heed()
        if board.outcome is None:
            self.admit()
        if board.flying or board.within:
            return False
        if board.outcome is not None or self.run.ended == len(board.tasks):
            return True
        if len(board.queue) or board.lacks_money or board.later:
            return False  # every slot is taken by work that was given up, or an attempt is waited for
        self._deadlock()
        return True

    def _heed(self) -> None:
        """Cancellation, the run's own deadline, attempts whose time has come, and additions."""
        board, now = self.board, self.parts.clock.monotonic()
        if board.outcome is None and (why := self._why_stop(now)) is not None:
            self.ends.stop(*why)
        while board.later and board.later[0][0] <= now:
            board.enqueue([heapq.heappop(board.later)[1]])
        if self.above is None:
            self._take_in()

    def _why_stop(self, now: float) -> tuple[RunState, TaskError] | None:
        """How the run ends now, whatever is left of it."""
        if self.above is None and self.control.cancelled:
            return RunState.ABORTED, TaskError("cancelled", "the run was cancelled")
        if self.above is not None and self.above.board.outcome is not None:
            told = f"{self.run.id}, whose work it does, has ended"
            return RunState.ABORTED, TaskError("cancelled", told)
        if self.deadline is None or now < self.deadline:
            return None
        return RunState.FAILED, TaskError("timeout", self._late(self.deadline))

    def _late(self, deadline: float) -> str:
        """Why the time is up: by its own limit, or by that of what stands above, where that was sooner."""
        limit = self.run.policy.run_timeout_ms / 1000
        if limit and deadline >= self._began + limit:
            return f"the run took longer than {limit:g} s"
        return f"the time is up that {self.run.id} has, whose work it does"

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

    def patience(self) -> float | None:
        """Seconds until something is to be done that no end brings about; none: for ever."""
        board = self.board
        found = [board.later[0][0]] if board.later else []
        if self.deadline is not None and board.outcome is None:
            found.append(self.deadline)
        return max(0.0, min(found) - self.parts.clock.monotonic()) if found else None

    def _deadlock(self) -> None:
        names = sorted(name for name, task in self.board.tasks.items() if task.state not in ENDED)
        shown = ", ".join(names[:SHOWN])
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        told = f"nothing runs, and these can never start: {shown}{more}"
        self.ends.stop(RunState.FAILED, TaskError(Deadlock.code, told))

    def finish(self) -> Run:
        """The run, of which nothing is left."""
        run, failure = self.run, self.board.failure
        ended = (RunState.COMPLETED if failure is None else RunState.FAILED, failure)
        run.state, run.error = self.board.outcome or ended
        run.updated_at = self.parts.clock.now()
        run.lingering = self.parts.executor.lingering(run.id)
        self.board.all.remove(self.board)
        self.board.tell.ended()
        return run

    def take_run(self, child: Run) -> None:
        """Do what follows the end of a run that did a task of this one."""
        assert child.above is not None  # noqa: S101  it is within this one
        task = child.above[1]
        del self.board.within[task.id]
        self.ends.end_with_its_run(task, child)

    # -- ends of attempts ----------------------------------------------------------------------------------

    def settle(self, ended: Ended) -> None:
        """Book what an attempt came to, and end its task or try again."""
        board = self.board
        task = board.tasks[ended.job.task_id]
        found = board.flying.pop(task.id)
        board.count(-1)
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
        """Take in a result with all that it brings; one that cannot be taken in fails the task.

        So does one that comes while the run is ending, and from which more would follow.
        """
        if task.named and not result.outputs:
            result = replace(result, outputs=named_outputs.read(result.output, task.named))
        error = self.board.settling.overspent(task) if is_dear else None
        if error is None and result.adds:
            error = self._grow(task, result)
        if error is None and task.may_add:
            error = self._add_asked(task, result.output)
        if error is not None:
            task.outputs = result  # it was paid for, and may be read
            self.ends.fail(task, error)
            return
        for key, value in result.memory.items():
            self.parts.memory.put(self.run, key, value, task.parent)
        if task.repeat is None:
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
            if (stopped := self.ends.stopped()) is not None:
                task.outputs = result
                self.ends.fail(task, stopped)
                return
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

    def _add_asked(self, task: RunTask, text: str) -> TaskError | None:
        """Add the tasks that an answer asks for; what is refused costs itself alone. Why none may be."""
        tasks, refused = asked_in_memory.tasks_of(
            self.run, task, text, self.parts.admission.most_tokens(task)
        )
        stopped = self.ends.stopped()
        if tasks and stopped is not None:
            return stopped
        try:
            if tasks:
                self.ends.add(tasks, task)
        except RunError as error:
            refused.append(Refusal("tasks", error.message))
        for each in refused:
            self.board.tell("task.add_refused", task.id, path=each.path, reason=each.reason)
        return None

    def _grow(self, task: RunTask, result: TaskResult) -> TaskError | None:
        stopped = self.ends.stopped()
        if stopped is not None:
            return stopped
        try:
            self.ends.add(list(result.adds), task)
        except RunError as error:
            return TaskError("invalid_result", f"it adds tasks that cannot be added: {error.message}")
        return None
