"""An answer as it comes, of a run that must complete: when to read it, and when it is no longer what it was.

An answer counts when it is approved. What was told before cannot be taken back from whoever read it, so where
it turns out not to be the answer, the reading ends with an error and never with another text.
"""

from __future__ import annotations

from skep_client import outcomes
from skep_client.answers import Event, OutputEvent, Run
from skep_client.errors import AnswerDiscarded

#: What happens to a task when there may be something to read of it.
_TURNS = frozenset({"task.in_progress", "task.approved", "task.reused"})


class Live:
    """The answer of one task, as far as it was told.

    Parameters:
        run_id: the run.
        task_id: the task, within its run.
    """

    def __init__(self, run_id: str, task_id: str) -> None:
        self._run_id = run_id
        self._task_id = task_id
        self._has_told = False
        #: whether what was told is the whole answer, and counts
        self.is_whole = False

    def is_turn(self, event: Event) -> bool:
        """Whether the output of the task is worth reading now."""
        return not self.is_whole and event.task == self._task_id and event.event in _TURNS

    def take(self, event: OutputEvent) -> str:
        """What of the answer is told on. Raises `AnswerDiscarded` where what was told is not the answer."""
        if event.kind == "text":
            self._has_told = True
            return event.text
        if event.kind == "end":
            self.is_whole = event.state == "completed"
        if self._has_told and not self.is_whole:
            raise AnswerDiscarded(self._run_id, self._task_id, event.became, event.reasons)
        return ""

    def check(self, run: Run) -> None:
        """Raise where what was told is not the answer of the task, whose run has ended.

        Raises `RunNotCompleted`; `NoAnswer` where it gave none, `AnswerDiscarded` where a later round did.
        """
        outcomes.check(run)
        task = run.tasks.get(self._task_id)
        if task is None or task.state != "completed":
            raise outcomes.missing(run, self._task_id)
        if task.answer_of:
            why = f"its answer is that of {task.answer_of}"
            raise AnswerDiscarded(self._run_id, self._task_id, "repeated", [why])
