"""What a run tells of itself while it runs in memory: a closed list of events with their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: Every event, and what it says.
RUN_EVENTS: Final = {
    "run.started": "the run began; `tasks`, `policy`",
    "run.completed": "every task ended, and the run counts as done; `tokens`, `cost_micros`, `seconds`",
    "run.failed": "the run ended without that; `code`, `reason`, `tokens`, `cost_micros`, `seconds`",
    "run.aborted": "the run was cancelled, and everything in it has ended; the same fields",
    "task.added": "a task was added while the run ran; `parent`",
    "task.add_refused": "a task that an answer asked for was not added; `path`, `reason`",
    "task.started": "an attempt began; `attempt`, `model`, `estimated_tokens`, `estimated_micros`, or `run` "
    "where a run within the run does it",
    "task.completed": "the task completed; `attempt`, `tokens`, `cost_micros`, `seconds`, and "
    "`reused_from` where it took the answer of another",
    "task.retried": "an attempt failed, and another will be made; `code`, `reason`, `wait_s`, `model`",
    "task.repeated": "its answer will not do yet, and another round begins; `round`, `most`",
    "task.failed": "the task failed; `code`, `reason`, `tokens`, `cost_micros`",
    "task.skipped": "the task will never start; `code`, `reason`",
    "task.held": "a budget cannot pay the task yet; `reason`",
    "task.lingers": "work was told to end and does not; its slot stays taken",
    "budget.warning": "spending passed a share of a limit; `budget`, `percent`",
    "budget.topped_up": "a limit was given more; `budget`, `added_micros`",
    "context.compacted": "messages were left out or summarised; `strategy`, `bytes_before`, `bytes_after`, "
    "`dropped`",
}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run."""

    #: counts up from 1 within the run
    seq: int
    #: wall time, Unix seconds
    at: float
    run_id: str
    event: str
    task_id: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The event as a line of JSON tells it."""
        told: dict[str, Any] = {"seq": self.seq, "at": self.at, "run_id": self.run_id, "event": self.event}
        if self.task_id is not None:
            told["task_id"] = self.task_id
        return told | self.fields


#: Is told every event, in order, in the run's thread; it must be quick.
Listener = Callable[[RunEvent], None]
