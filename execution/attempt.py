"""One lease while it is executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from execution.contract import CycleRequest
from execution.running import Running
from runtime_contract import Task
from safety.work import Approved
from store.records import TaskRef


class Interrupted(Exception):
    """This process ends before the attempt does; it stays without an outcome."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A lease that is being executed: the stored task, and what the call asks for."""

    running: Running
    #: the task's place in the store
    seq: int
    task: Task
    request: CycleRequest

    @property
    def ref(self) -> TaskRef:
        """The lease."""
        return self.running.ref

    @property
    def name(self) -> str:
        """Names its live output and its processes."""
        return f"{self.seq}-{self.ref.lease}"

    @property
    def timeout_s(self) -> float | None:
        """Seconds it may run: as the call says, else as the task does."""
        return self.request.timeout or self.task.timeout_s

    @property
    def max_budget(self) -> float | None:
        """Dollars it may cost: the smaller of what the call and the task say."""
        named = [one for one in (self.request.max_budget, self.task.max_budget) if one is not None]
        return min(named, default=None)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the gate said of an attempt."""

    #: none: refused
    approved: Approved | None
    report: dict[str, Any]
