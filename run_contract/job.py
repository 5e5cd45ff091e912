"""What the work of a task is given: one attempt, with all it may see and the word to end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from run_contract.policy import ContextPolicy


@dataclass(slots=True)
class ContextBundle:
    """What a task is told of what went before."""

    messages: list[str] = field(default_factory=list)
    memory: dict[str, str] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    #: the task whose answer each message is, where that is known
    sources: list[str] = field(default_factory=list)


class Asked:
    """Whether work was asked to end. Threads may share it."""

    __slots__ = ("_ends", "reason")

    def __init__(self) -> None:
        self.reason: str | None = None
        self._ends: list[Callable[[], None]] = []

    def on_stop(self, end: Callable[[], None]) -> None:
        """Have `end` called when the work is asked to end, at once if it was.

        It must not block, and may be called more than once.
        """
        self._ends.append(end)
        if self.reason is not None:
            end()

    def stop(self, reason: str) -> None:
        """Ask for the end: ``timeout`` or ``cancelled``. Only the first reason counts."""
        if self.reason is None:
            self.reason = reason
            for end in list(self._ends):
                end()


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt as its work sees it; nothing in it changes with the run."""

    run_id: str
    task_id: str
    attempt: int
    model: str
    #: the prompt, with references such as ``{{deps.A.output}}``
    template: str
    #: what the references stand for
    values: Mapping[str, str]
    bundle: ContextBundle
    metadata: Mapping[str, str]
    max_tokens: int
    #: seconds; none: no limit
    timeout_s: float | None
    context: ContextPolicy
    #: what a person may answer, where one is asked; empty: in their own words; none: nobody is asked
    choices: tuple[str, ...] | None = None
    #: inputs that hold words of other tasks
    foreign: frozenset[str] = frozenset()
    #: the outermost run, where the job's own is within others; empty: it is within none
    top_run: str = ""
    #: whether tasks are added that its answer asks for
    may_add: bool = False
    #: whether the answer that the very same question had before will do
    cache: bool = False
    asked: Asked = field(default_factory=Asked)

    def replace(self, **changes: Any) -> Job:
        """The job with some fields changed."""
        return dataclasses.replace(self, **changes)
