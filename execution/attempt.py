"""One lease while it is executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors import ModelError
from execution.contract import CycleRequest
from execution.running import Running
from runtime_contract import Task
from safety.model_call import ModelCall
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
    #: name of the check that this is, of a result under this lease
    check: str = ""

    @property
    def ref(self) -> TaskRef:
        """The lease."""
        return self.running.ref

    @property
    def name(self) -> str:
        """Names its live output and its processes."""
        part = f"-{self.check.replace(':', '-')}" if self.check else ""
        return f"{self.seq}-{self.ref.lease}{part}"

    @property
    def timeout_s(self) -> float | None:
        """Seconds it may run: as the call says, else as the task does."""
        return self.request.timeout or self.task.timeout_s


@dataclass(frozen=True, slots=True)
class Examined:
    """What the gate said of an attempt, and the model call that is ready to be made, where it is one."""

    #: none: refused
    approved: Approved | None
    report: dict[str, Any]
    call: ModelCall | None = None
    #: why no call could be made ready
    error: ModelError | None = None
    #: it was stopped before the gate had looked at all of it
    is_given_up: bool = False
