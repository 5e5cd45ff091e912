"""``mode: batch``: the plain way to drive a graph. Nothing starts before all that runs has ended.

Everything that is ready is prepared and priced in the order of the ids before any of it starts; one that the
budget denies denies its whole batch. Ends are taken in the order of the ids. Here too
every end and all money are booked, and every task ends.
"""

from __future__ import annotations

from run_contract.errors import RunError
from run_contract.records import RunState, RunTask, TaskError
from runs.admission import Denied, Prepared
from runs.driving import Drive
from runs.work import Ended


class BatchTurns(Drive):
    """Drives one run batch by batch."""

    _gathered: list[Ended] | None = None

    def admit(self) -> None:
        """Start a batch, once the last has ended."""
        board = self.board
        while not board.flying and board.outcome is None:
            while board.queue.dequeue()[1]:
                pass  # what is ready is asked of the scheduler anew
            names = self.parts.scheduler.next_ready(self.run)
            if not names:
                return
            self._begin_batch([board.tasks[name] for name in names])

    def _begin_batch(self, tasks: list[RunTask]) -> None:
        passed: list[tuple[RunTask, Prepared]] = []
        denied: list[tuple[RunTask, TaskError]] = []
        for task in tasks:
            try:
                found = self.admitting.ready(task)
                if found is not None:
                    self.parts.budget.reserve(self.run, found.estimate.micros, task)
                    passed.append((task, found))
            except Denied as error:
                denied.append((task, TaskError(error.code, error.cause.message)))
            except RunError as error:
                denied.append((task, TaskError(error.code, error.message)))
        if denied:
            self._deny(passed, denied)
            return
        for task, found in passed:
            self.admitting.launch(task, found)

    def _deny(self, passed: list[tuple[RunTask, Prepared]], denied: list[tuple[RunTask, TaskError]]) -> None:
        """Give back what was reserved, and fail the run by all that were denied."""
        for task, found in passed:
            self.parts.budget.record(self.run, 0, task, found.estimate.micros)
        first, error = denied[0]
        self.board.outcome = (RunState.FAILED, TaskError(error.code, f"task {first.id}: {error.message}"))
        for task, why in denied:
            self.ends.fail(task, why)
        self.ends.stop(*self.board.outcome)

    def take(self, ended: Ended) -> None:
        """Keep an end until the whole batch has ended."""
        self._gathered = [*(self._gathered or ()), ended]
        if len(self._gathered) < len(self.board.flying):
            return
        batch, self._gathered = sorted(self._gathered, key=lambda each: each.job.task_id), None
        for each in batch:
            self.settle(each)
