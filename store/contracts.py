"""What the rooms above ask of a store and of an engine; nothing above may know which one is in use.

`tests/conformance` holds an implementation to these.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from outcome import Outcome
from store.claims import Claimant
from store.reading import Reader
from store.records import Claim, Intake, TaskRef
from store.room import Shared
from store.transaction import Transaction

#: What is done with a claimed task. Returns when the task is off our hands, whatever became of it.
Handler = Callable[[Claim], None]


#: What is written in one transaction.
Work = Callable[[Transaction], object]


class Store(Protocol):
    """Truth: every method that changes it is durable when it returns."""

    @property
    def reader(self) -> Reader:
        """What is read, without being able to write."""

    def submit(self, brought: Intake, source: str) -> list[str]:
        """Enter tasks; ids already known are noted and left. The ids entered."""

    def claim(self, who: Claimant, slots: int, shared: Shared | None = None) -> list[Claim]:
        """Take up to `slots` ready tasks, each under a lease that no one else has."""

    def conclude(
        self, work: Work, who: Claimant, slots: int = 1, shared: Shared | None = None
    ) -> list[Claim]:
        """Do the last write of a task and take up to `slots` ready ones, both or neither."""

    def heartbeat(self, who: Claimant, held: Sequence[TaskRef]) -> list[TaskRef]:
        """Renew leases; those that are lost come back."""

    def start_cycle(self, ref: TaskRef, swarm: str) -> Any:
        """Record that a lease is being executed. Raises `errors.LeaseLost`."""

    def record_outcome(self, outcome: Outcome) -> bool:
        """Keep what an attempt brought; false if there was a word before."""

    def cancel(self, task_id: str, by: str, reason: str | None = None) -> str:
        """Withdraw a task."""

    def retry(self, task_id: str, by: str) -> None:
        """Send an ended task back."""

    def pause(self, by: str, reason: str | None = None) -> None:
        """Claim nothing until resumed."""

    def resume(self, by: str) -> bool:
        """Claim again."""

    def audit(self, event: str, decision: str, *, actor: str, **fields: Any) -> None:
        """Keep a decision that guards no other write."""

    def close(self) -> None:
        """Finish what was handed in and close."""


class Engine(Protocol):
    """How tasks reach those who do them."""

    def submit(self, brought: Intake, source: str) -> list[str]:
        """Hand tasks in."""

    def cancel(self, task_id: str, by: str) -> str:
        """Withdraw a task, running or not."""

    def serve(self, handle: Handler, stop: threading.Event) -> None:
        """Claim and hand out tasks until told to stop; what was handed out goes on."""

    def conclude(self, ref: TaskRef, work: Work) -> None:
        """Do the last write of a task that was handed out; its place may go to the next with that."""

    def drain(self, seconds: float) -> list[TaskRef]:
        """Wait for what was handed out, at most so long; what still runs then."""
