"""What the routes of runs answer, as models for ``/openapi.json``; `runs.views` fills them."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import ConfigDict

State = Literal["running", "aborting", "completed", "failed", "aborted"]
TaskStateName = Literal["pending", "ready", "running", "completed", "failed", "skipped"]


class _Answer(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunProblem(_Answer):
    """Why a run or a task did not complete."""

    code: str
    message: str


class RunBrief(_Answer):
    """A run without its tasks."""

    id: str
    name: str | None
    state: State
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
    is_lost: bool
    forked_from: str | None
    #: the task whose work it does, `RUN:TASK`
    parent: str | None
    #: Unix milliseconds
    created_at: int
    finished_at: int | None


class RunList(_Answer):
    """A page of runs, the newest first."""

    runs: list[RunBrief]
    #: what to give as `before` for the next page; none: there is none
    next: int | None


class TaskUsage(_Answer):
    """What a task used, over all its attempts."""

    tokens: int
    #: tokens read
    prompt_tokens: int
    #: tokens written
    completion_tokens: int
    cost_micros: int


class NamedOutput(_Answer):
    """A named output of a task, kept by its hash."""

    ref: str
    bytes: int


class RunTaskAnswer(_Answer):
    """A task of a run."""

    state: TaskStateName
    deps: list[str]
    model: str | None
    attempts: int
    usage: TaskUsage
    started_at: int | None
    finished_at: int | None
    #: the beginning of its answer; `/tasks/{task_id}/output` tells the whole
    output: str = ""
    output_ref: str = ""
    output_bytes: int = 0
    #: its named outputs
    outputs: dict[str, NamedOutput] = {}
    error: RunProblem | None = None
    #: what holds it
    waiting_for: str | None = None
    #: what holds its model call: a limit such as `day` or `run:ID`, `price:NAME`, `rate:NAME`
    held_by: str = ""
    metadata: dict[str, str] = {}
    #: what it was told of others, and what was left out
    context: dict[str, Any] = {}
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
    #: run, or task of a run, whose answer it was given
    reused_from: str = ""


class RunDecision(_Answer):
    """What a person is or was asked about a run."""

    id: str
    #: `ask` for a question of the run itself
    kind: str
    #: the run it is about, which may be one within the run asked for
    run: str
    #: whose task it is about, of that run; none: its budget
    task: str | None
    question: str
    options: list[str]
    #: SHA-256 of the exact bytes that are decided on
    digest: str
    #: whether the answer can be given here
    can_be_answered: bool
    #: RFC 3339, as all times here
    asked_at: str
    #: when its task fails if nobody has answered; none: it waits
    answer_by: str | None
    #: none: it waits for one
    answer: str | None
    answered_at: str | None
    answered_by: str | None
    comment: str | None


class RunDecisions(_Answer):
    """What people are or were asked about a run, oldest first."""

    decisions: list[RunDecision]


class Amount(_Answer):
    """An amount of money."""

    amount: float
    currency: Literal["USD"]


class RunUsage(_Answer):
    """What a run used: the sum over its tasks."""

    tokens: int
    cost: Amount


class RunAnswer(RunBrief):
    """A run with its tasks."""

    updated_at: int
    usage: RunUsage
    policy: dict[str, Any]
    tasks: dict[str, RunTaskAnswer]
