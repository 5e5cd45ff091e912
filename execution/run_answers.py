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
    forked_from: str | None
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
    error: RunProblem | None = None
    #: what holds it
    waiting_for: str | None = None
    #: what holds its model call: a limit such as `day` or `run:ID`, `price:NAME`, `rate:NAME`
    held_by: str = ""
    metadata: dict[str, str] = {}
    #: what it was told of others, and what was left out
    context: dict[str, Any] = {}
    #: the task whose item it does
    parent: str = ""
    #: run, or task of a run, whose answer it was given
    reused_from: str = ""


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
