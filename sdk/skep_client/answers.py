"""What Skep answers, in the words of its API: frozen, typed, and read strictly.

Members that are not known here are passed over: answers may have further ones, and those there are stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RunState = Literal["running", "aborting", "completed", "failed", "aborted"]
TaskState = Literal["pending", "ready", "running", "completed", "failed", "skipped"]

RUN_STATES: tuple[RunState, ...] = ("running", "aborting", "completed", "failed", "aborted")
TASK_STATES: tuple[TaskState, ...] = ("pending", "ready", "running", "completed", "failed", "skipped")
#: States in which a run has ended.
ENDED: frozenset[str] = frozenset({"completed", "failed", "aborted"})
#: States in which a task has ended.
TASK_ENDED: frozenset[str] = frozenset({"completed", "failed", "skipped"})


@dataclass(frozen=True)
class RunProblem:
    """Why a run or a task did not complete, or what holds it."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RunBrief:
    """A run without its tasks."""

    id: str
    name: str | None
    state: RunState
    task_count: int
    #: tasks that have not ended
    open_tasks: int
    #: whether it goes on when all its tasks have ended
    is_open: bool
    cost_micros: int
    #: micro-dollars it may spend; none: no limit
    budget_micros: int | None
    error: RunProblem | None
    #: whether what it asked for and its answers were lost with a damaged database; nothing of it goes on
    is_lost: bool = False
    forked_from: str | None
    #: the task whose work it does, ``RUN:TASK``
    parent: str | None = None
    #: Unix milliseconds
    created_at: int
    finished_at: int | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs or will run."""
        return self.state in ENDED


@dataclass(frozen=True)
class TaskUsage:
    """What a task used, over all its attempts."""

    tokens: int
    #: tokens read
    prompt_tokens: int
    #: tokens written
    completion_tokens: int
    cost_micros: int


@dataclass(frozen=True, kw_only=True)
class RunTask:
    """A task of a run."""

    state: TaskState
    deps: tuple[str, ...]
    model: str | None
    attempts: int
    usage: TaskUsage
    #: Unix milliseconds
    started_at: int | None
    finished_at: int | None
    #: the beginning of its answer; `Skep.output` tells the whole
    output: str = ""
    #: SHA-256 of the whole
    output_ref: str = ""
    output_bytes: int = 0
    error: RunProblem | None = None
    #: what holds it, in a sentence
    waiting_for: str | None = None
    #: what holds its model call: a limit such as ``day`` or ``run:ID``, ``price:NAME``, ``rate:NAME``
    held_by: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: what it was told of others, and what was left out
    context: Mapping[str, Any] = field(default_factory=dict)
    #: its named outputs: hash and bytes of each
    outputs: Mapping[str, Any] = field(default_factory=dict)
    #: the task whose item or whose next round it does
    parent: str = ""
    #: the run that does it
    child: str = ""
    #: the task whose answer asked for it
    added_by: str = ""
    #: which round it is of
    round: int = 1
    #: the later round whose answer stands for its own; `output` is still that of this round
    answer_of: str = ""
    #: run whose answer it was given
    reused_from: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it will not run (again)."""
        return self.state in TASK_ENDED


@dataclass(frozen=True)
class Amount:
    """An amount of money."""

    amount: float
    currency: str


@dataclass(frozen=True)
class RunUsage:
    """What a run used: the sum over its tasks."""

    tokens: int
    cost: Amount


@dataclass(frozen=True, kw_only=True)
class Run(RunBrief):
    """A run with its tasks."""

    #: Unix milliseconds
    updated_at: int
    usage: RunUsage
    policy: Mapping[str, Any]
    #: by their ids within the run, in the order they were added
    tasks: Mapping[str, RunTask]


@dataclass(frozen=True)
class RunPage:
    """A page of runs, the newest first."""

    runs: tuple[RunBrief, ...]
    #: what to give as `before` for the next page; none: there is none
    next: int | None


@dataclass(frozen=True, kw_only=True)
class RunDecision:
    """What a person is or was asked about a run."""

    id: str
    #: ``ask`` for a question of the run itself
    kind: str
    #: the run it is about, which may be one within the run asked for
    run: str
    #: whose task it is about, of that run; none: its budget
    task: str | None
    question: str
    #: what may be answered; ``answer`` stands for the person's own words
    options: tuple[str, ...]
    #: SHA-256 of the exact bytes that are decided on
    digest: str
    #: whether `Skep.answer` may answer it: it is the run's own question, and nobody has
    can_be_answered: bool
    #: RFC 3339, in UTC, as all times here
    asked_at: str
    #: when its task fails if nobody has answered; none: it waits
    answer_by: str | None
    #: none: it waits for one
    answer: str | None
    answered_at: str | None
    answered_by: str | None
    #: the person's own words, or a remark
    comment: str | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.answer is None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a run or to a task of it."""

    #: its place in the history
    seq: int
    #: RFC 3339, in UTC
    ts: str
    #: what happened, such as ``task.approved``
    event: str
    #: ``RUN:TASK``; none: it happened to the run itself
    task_id: str | None
    status: str | None
    #: everything else that is told of it
    fields: Mapping[str, Any]

    @property
    def task(self) -> str | None:
        """The task's id within its run."""
        return None if self.task_id is None else self.task_id.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class OutputEvent:
    """What is told of a task's output while it is written.

    ``attempt``: one begins, and what was told of others is void. ``text``: the attempt goes on with it.
    ``discarded``: the attempt is not the answer. ``end``: the task has ended, and where its `state` is
    ``completed``, the text of the last attempt is the answer.
    """

    kind: Literal["attempt", "text", "discarded", "end"]
    #: number of the attempt; none: nobody knows of it any more, or it is that of the texts before
    attempt: int | None = None
    text: str = ""
    #: what became of an attempt that is discarded: ``rejected``, ``interrupted``, ``failed``, ...
    became: str = ""
    #: why, in sentences
    reasons: tuple[str, ...] = ()
    #: how the task ended
    state: TaskState | None = None


@dataclass(frozen=True)
class Answer:
    """What a single task answered, and the run it was."""

    text: str
    run: Run
    task: RunTask

    @property
    def run_id(self) -> str:
        """The run, by which it is found again in Skep's history."""
        return self.run.id

    @property
    def cost_micros(self) -> int:
        """Micro-dollars that it cost."""
        return self.run.cost_micros
