"""What an attempt brought, and what was thought of it: the two records that travel between the processes."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import ConfigDict


class Usage(pydantic.BaseModel):
    """Tokens of a model call."""

    model_config = ConfigDict(frozen=True)

    prompt_tokens: int
    completion_tokens: int
    #: who counted: the server, or we by length
    source: Literal["server", "estimate"]


class Failure(pydantic.BaseModel):
    """Why an attempt did not come to its end, and whether the same may be tried again."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    retryable: bool = False
    #: whether the try counts against the task's attempts
    counts: bool = True
    #: seconds the server asked to be left alone
    retry_after_s: float | None = None


class Outcome(pydantic.BaseModel):
    """What one attempt brought. Durable before ``/cycle`` answers, and the body of that answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: completed: a command ended with exit code 0, or a model answered; interrupted: by the kill switch
    status: Literal["completed", "failed", "cancelled", "interrupted", "safety_blocked"]
    task_id: str
    lease: int
    mode: Literal["llm", "local"]
    #: the result in a line
    result: str = ""
    #: name of the model, or ``local``
    model: str | None = None
    usage: Usage | None = None
    #: the first characters of what it printed; all of it is at `output_ref`
    output: str | None = None
    #: SHA-256 of the stored output
    output_ref: str | None = None
    #: bytes stored
    output_bytes: int = 0
    #: bytes that were not stored: over the cap, or for want of room
    output_cut: int = 0
    exit_code: int | None = None
    timed_out: bool = False
    #: micro-dollars; none where nothing was asked or run
    cost_micros: int | None = None
    #: micro-dollars that were reserved for the model call: its worst case
    reserved_micros: int | None = None
    #: whether the cost is the worst case, as nobody knows what was used
    unsettled: bool = False
    #: the same as `cost_micros`, in dollars
    budget_used: float | None = None
    #: Unix seconds
    started_at: float
    ended_at: float
    failure: Failure | None = None
    safety_report: dict[str, Any] | None = None
    #: true: it was a command with the right to change files of the workspace
    may_write: bool | None = None


class CriticVerdict(pydantic.BaseModel):
    """What one critic thinks of an outcome."""

    model_config = ConfigDict(frozen=True)

    #: ``critics`` for the deterministic ones, ``command:0`` for the first of `expect.commands`, ``model``
    critic: str
    #: HELD: it could not judge, or is not sure
    decision: Literal["APPROVE", "REJECT", "HELD"]
    #: 0 to 1
    confidence: float
    issues: list[str] = []
    suggestions: list[str] = []
    #: name of the model that judged
    model: str | None = None
    #: micro-dollars
    cost_micros: int | None = None


class Verdict(pydantic.BaseModel):
    """What the critics think of an outcome."""

    model_config = ConfigDict(frozen=True)

    decision: Literal["APPROVE", "REJECT", "HELD"]
    #: 0 to 1
    confidence: float
    issues: list[str] = []
    suggestions: list[str] = []
    #: who judged: ``critics``, ``none``, or a person
    reviewer: str = "critics"
    #: what each critic said, where others were asked beside the deterministic ones
    critics: list[CriticVerdict] = []
