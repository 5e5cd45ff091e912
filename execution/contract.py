"""What the execution API is sent and answers, as models: they check requests and make ``/openapi.json``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self, TypeVar

import pydantic
from pydantic import ConfigDict, Field, StrictFloat, StrictInt, StrictStr

from errors import InvalidRequest
from limits import MOST_TIMEOUT_S
from outcome import Outcome
from planning.proposal import Proposal
from safety.screen import envelopes
from store.records import TaskRef

Model = TypeVar("Model", bound=pydantic.BaseModel)

#: at most what `limit_timeout_s` may be set to
Seconds = Annotated[StrictInt | StrictFloat, Field(gt=0, le=MOST_TIMEOUT_S, allow_inf_nan=False)]
Dollars = Annotated[StrictInt | StrictFloat, Field(ge=0, allow_inf_nan=False)]


class _Request(pydantic.BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeaseRequest(_Request):
    """A task under one lease."""

    task_id: Annotated[StrictStr, Field(min_length=1, max_length=300)]
    lease: Annotated[StrictInt, Field(ge=1, lt=2**63)]

    @property
    def ref(self) -> TaskRef:
        """The lease that is spoken of."""
        return TaskRef(self.task_id, self.lease)


#: What may stand beside a check.
_BESIDE_A_CHECK: Final = ("task_id", "lease", "check", "max_budget")


def _if_given(name: str, then: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of what holds where a field is there, and no null."""
    return {"if": {"required": [name], "not": {"properties": {name: {"type": "null"}}}}, "then": then}


class CycleRequest(LeaseRequest):
    """One attempt to execute: a prompt for a model, a command, or a profile with its prompt."""

    model_config = ConfigDict(
        json_schema_extra=_if_given("check", {"propertyNames": {"enum": [*_BESIDE_A_CHECK]}})
    )

    #: ``llm`` or ``local``; inferred when absent: local where there is a profile, or a command and no prompt
    mode: Literal["llm", "local"] | None = None
    prompt: StrictStr | None = None
    #: the mark of the envelopes in the prompt that the sender made; made anew for each request
    mark: Annotated[StrictStr, Field(pattern=envelopes.MARK)] | None = None
    command: StrictStr | None = None
    argv: list[StrictStr] | None = None
    #: name of a profile, which is given the prompt
    profile: StrictStr | None = None
    #: name of the tool whose command answers the stored task's prompt: argv, as the tool makes it of
    #: the prompt
    tool: Annotated[StrictStr, Field(min_length=1, max_length=64)] | None = None
    #: the text under one name for both modes: a command for ``local``, a prompt for ``llm``
    task: StrictStr | None = None
    model: StrictStr | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[StrictInt | StrictFloat, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    #: seconds the attempt may run
    timeout: Seconds | None = None
    min_budget: Dollars | None = None
    #: dollars that all attempts may cost together; a call that could pass it is not made
    max_budget: Dollars | None = None
    intensity: Literal["low", "medium", "high"] | None = None
    #: executes a check of the result under this lease instead: command:0 for the first of `expect.commands`,
    #: or model; only max_budget may stand beside it
    check: Annotated[StrictStr, Field(pattern=r"^(model|command:(0|[1-9][0-9]?))$")] | None = None
    #: true: executes no attempt, but asks for a summary that the task of a run is told in place of answers
    summary: pydantic.StrictBool = False

    @pydantic.model_validator(mode="after")
    def _check_stands_alone(self) -> Self:
        beside = self.model_fields_set - {*_BESIDE_A_CHECK}
        if self.check is not None and beside:
            raise ValueError(f"a check says itself what runs; leave out {', '.join(sorted(beside))}")
        return self

    @property
    def wanted_mode(self) -> Literal["llm", "local"]:
        """The mode that is named or meant."""
        if self.mode is not None:
            return self.mode
        if self.profile is not None:
            return "local"
        return "local" if self.prompt is None and (self.command or self.argv or self.task) else "llm"

    @property
    def text_for_model(self) -> str | None:
        """The prompt to send. Raises `InvalidRequest` where a command stands beside it, or two texts."""
        if self.profile is not None:
            raise InvalidRequest("A profile runs a command: mode must be local.", path="profile")
        return self._text("mode=llm takes a prompt")

    @property
    def text_for_profile(self) -> str | None:
        """The prompt that the profile is given. Raises `InvalidRequest` as `text_for_model`."""
        return self._text("a profile takes a prompt")

    def _text(self, what: str) -> str | None:
        if self.command is not None or self.argv is not None:
            raise InvalidRequest(f"{what}; leave command and argv out.", path="command")
        if self.prompt is not None and self.task is not None:
            raise InvalidRequest("Give the text as prompt or as task, not both.", path="task")
        return self.task if self.prompt is None else self.prompt

    @property
    def command_for_policy(self) -> tuple[str | None, tuple[str, ...] | None]:
        """The command line or the arguments. Raises `InvalidRequest` unless there is exactly one."""
        forms = [self.command, self.argv, self.task]
        if self.prompt is not None or sum(form is not None for form in forms) > 1:
            raise InvalidRequest(
                "mode=local takes one of command, argv and task, and no prompt.", path="command"
            )
        return self.command or self.task, None if self.argv is None else tuple(self.argv)


class CancelRequest(LeaseRequest):
    """Stop what runs under a lease."""


#: What a cancellation finds. stopping: it runs and ends within a second; ended: its outcome is stored;
#: remembered: it has not come here yet and will not start when it does; lost: its process is gone.
Found = Literal["stopping", "ended", "remembered", "lost"]


class CancelAnswer(pydantic.BaseModel):
    """What a cancellation found."""

    task_id: str
    lease: int
    status: Found


_NULL: Final = {"type": "null"}
_NUMBER: Final = {"type": "integer"}
#: A task is planned for itself.
_ALONE: Final = {"goal": _NULL, "directory": _NULL}


class PlanRequest(_Request):
    """Ask for a plan.

    With a lease, of the task under it: a model proposes. With a goal or a directory, of tasks for the queue:
    they are shown to a person, who adds them. With nothing, a model's tasks for the workspace are added.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _if_given("task_id", {"required": ["lease"], "properties": _ALONE | {"lease": _NUMBER}}),
                _if_given("lease", {"required": ["task_id"], "properties": {"task_id": {"type": "string"}}}),
                _if_given("goal", {"properties": {"directory": _NULL}}),
            ]
        }
    )

    task_id: Annotated[StrictStr, Field(min_length=1, max_length=300)] | None = None
    lease: Annotated[StrictInt, Field(ge=1, lt=2**63)] | None = None
    #: what is to be reached, in words
    goal: Annotated[StrictStr, Field(min_length=1, max_length=50_000)] | None = None
    #: relative to the workspace
    directory: Annotated[StrictStr, Field(min_length=1, max_length=1_000)] | None = None
    #: dollars that the tasks of a goal or a directory share
    max_budget: Dollars | None = None
    model: StrictStr | None = None
    #: seconds the model may take
    timeout: Seconds | None = None

    @pydantic.model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if (self.task_id is None) != (self.lease is None):
            raise ValueError("give task_id and lease together")
        if sum(each is not None for each in (self.task_id, self.goal, self.directory)) > 1:
            raise ValueError("give one of task_id with its lease, goal and directory")
        return self

    @property
    def ref(self) -> TaskRef | None:
        """The lease that is spoken of."""
        return None if self.task_id is None or self.lease is None else TaskRef(self.task_id, self.lease)


class ProposalAnswer(pydantic.BaseModel):
    """What a model proposes for a task: checked in shape and size, and for the caller to weigh."""

    status: Literal["proposed"] = "proposed"
    #: what it said
    proposal: Proposal
    model: str | None
    #: micro-dollars; null where nobody knows
    cost_micros: int | None


class ProposedTasksAnswer(pydantic.BaseModel):
    """Tasks that were read from a goal or a directory, and wait for a person's word."""

    status: Literal["asked"] = "asked"
    #: id of the decision; null where there is nothing to add
    decision: str | None
    #: the tasks, as they would be added
    tasks: list[dict[str, Any]]


class PlanAnswer(pydantic.BaseModel):
    """What was planned."""

    status: Literal["planned"] = "planned"
    files_scanned: int
    total_lines: int
    tasks_created: int
    task_ids: list[str]


class ModelAnswer(pydantic.BaseModel):
    """Whether a model can be asked."""

    ready: bool
    model: str | None
    endpoint: str | None
    reason: str


class RunningCycle(pydantic.BaseModel):
    """One attempt that is being executed."""

    task_id: str
    lease: int
    mode: Literal["llm", "local"]
    #: Unix seconds
    started_at: float


class LimitAnswer(pydantic.BaseModel):
    """What was spent of a limit."""

    #: day or total
    limit: str
    #: micro-dollars; null where no limit is set
    granted_micros: int | None
    #: micro-dollars
    spent_micros: int
    #: micro-dollars that calls under way may cost
    reserved_micros: int


class SandboxAnswer(pydantic.BaseModel):
    """What holds commands."""

    #: whether commands run
    ready: bool
    #: bubblewrap, landlock or off; none where commands do not run
    level: str | None
    #: what holds them, or why none runs and what to do
    reason: str
    #: what bounds the processes and the memory of a whole command
    bounds: str


class StatusAnswer(pydantic.BaseModel):
    """How the daemon stands. ``tasks``, ``completed`` and ``failed`` are the seed's counts."""

    #: waiting, running or in review
    tasks: int
    #: approved
    completed: int
    #: failed, refused or cancelled
    failed: int
    #: how many tasks have each status
    counts: dict[str, int]
    model: ModelAnswer
    #: whether the kill switch is on; its reason is told to those with the token
    kill_switch: bool
    #: whether the circuit breaker has tripped
    circuit_breaker: bool
    running: list[RunningCycle]
    #: what was spent today, and in all
    budget: list[LimitAnswer]
    #: the process that executes, as it is recorded with each start
    swarm: str
    #: what holds commands
    sandbox: SandboxAnswer


class Problem(pydantic.BaseModel):
    """What went wrong (RFC 9457). Further members belong to the `code`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    #: stable word for the problem
    code: str


#: What a route answers with.
Answer = Outcome | CancelAnswer | PlanAnswer | ProposalAnswer | ProposedTasksAnswer | StatusAnswer


def read_cycle(body: dict[str, Any]) -> CycleRequest:
    """The request for an execution. Raises `InvalidRequest` naming the field's path."""
    return _read(CycleRequest, body)


def read_cancel(body: dict[str, Any]) -> CancelRequest:
    """The request for a cancellation. Raises `InvalidRequest`."""
    return _read(CancelRequest, body)


def read_plan(body: dict[str, Any]) -> PlanRequest:
    """The request for a plan. Raises `InvalidRequest`."""
    return _read(PlanRequest, body)


class RequestRefused(InvalidRequest):
    """The request has a field that is missing, wrong or unknown."""

    http_status = 422


def _read(kind: type[Model], body: dict[str, Any]) -> Model:
    try:
        return kind.model_validate(body)
    except pydantic.ValidationError as error:
        raise _explain(error) from None


def _explain(error: pydantic.ValidationError) -> RequestRefused:
    """The first thing that is wrong, with the field's path."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in found["loc"] if part not in _NOT_IN_PATHS)
    rule = {"extra_forbidden": "is not known here; leave it out", "missing": "is missing"}.get(found["type"])
    told = rule or found["msg"].removeprefix("Value error, ")
    return RequestRefused(f"{path}: {told}" if path else told, path=path)


#: Parts of pydantic's locations that name a branch of a type, not a field.
_NOT_IN_PATHS = frozenset({"int", "float"})
