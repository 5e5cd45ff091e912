"""A run as it is asked for, over HTTP or in a file: its tasks and its policy. One strict schema.

The shape is the reference's, with more that may be said of a task. Unknown keys and wrong types are refused
with their path.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import pydantic
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from run_contract import asking
from run_contract.errors import InvalidInput
from run_contract.policy import ContextPolicy, Dollars, Milliseconds, Role, RunPolicy, Section
from run_contract.records import ID, RunTask
from runs import named_outputs, run_names
from runs.workflow import FILE_PATTERN, Rounds, SubRun, When, Workflow, as_items
from runtime_contract import Expect
from task_errors import shorten
from unseen import MUST_SAY, SAYS, is_blank, program_of

Id = Annotated[StrictStr, Field(pattern=rf"^{ID.pattern}$")]
Text = Annotated[StrictStr, Field(max_length=1_000_000)]
_Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Model = TypeVar("Model", bound=Section)


def _as_run_name(given: str) -> str:
    told = run_names.refusal(given)
    if told is not None:
        raise ValueError(told)
    return given


_RunName = Annotated[
    StrictStr,
    Field(min_length=1, max_length=run_names.MOST, json_schema_extra={"pattern": run_names.PATTERN}),
    pydantic.AfterValidator(_as_run_name),
]
#: Tasks that one request may bring.
MOST_TASKS = 100_000


#: Of a task's forms of work one is given; a null counts as left out.
_ONE_FORM: Final[dict[str, Any]] = {
    "oneOf": [
        {"required": ["prompt"], "properties": {"prompt": {"type": "string", "pattern": SAYS}}},
        {"required": ["command"], "properties": {"command": {"type": "string", "pattern": SAYS}}},
        {"required": ["argv"], "properties": {"argv": {"type": "array", "minItems": 1}}},
        {"required": ["ask"], "properties": {"ask": {"type": "string", "pattern": r"\S"}}},
        {"required": ["run"], "properties": {"run": {"type": "object"}}},
    ]
}


class TaskRequest(Section):
    """One task of a run: a prompt for a model, or a command of this machine."""

    model_config = pydantic.ConfigDict(json_schema_extra=_ONE_FORM)

    #: within its run
    id: Id
    #: what is asked, with references such as ``{{deps.A.output}}`` and ``{{inputs.NAME}}``
    prompt: Text | None = None
    #: a command line in place of a prompt, read without a shell; it is told nothing of other tasks
    command: Text | None = None
    #: the same as arguments
    argv: list[StrictStr] | None = None
    #: a question to a person in place of a prompt, whose answer is the task's; references are filled in
    ask: Text | None = None
    #: what may be answered; none: what the person writes
    choices: asking.Choices = Field(default_factory=list)
    #: a run of its own that does it, whose answer is the task's
    run: SubRun | None = None
    #: names of what its answer gives as a JSON object, for `{{deps.ID.outputs.NAME}}`
    outputs: Annotated[list[named_outputs.Name], Field(max_length=100)] = Field(default_factory=list)
    #: of a command: files of the workspace that are its outputs when it has ended, by their names
    files: Annotated[dict[named_outputs.Name, named_outputs.RelativePath], Field(max_length=100)] = Field(
        default_factory=dict
    )
    #: tasks of the run it waits for, and whose answers it is told
    deps: list[Id] = Field(default_factory=list)
    #: texts that the prompt refers to as ``{{inputs.NAME}}``
    inputs: dict[_Name, Text] = Field(default_factory=dict)
    #: kept with the task, for whoever reads it
    metadata: dict[_Name, Text] = Field(default_factory=dict)
    model: _Name | None = None
    #: what the model is to be good for, in place of its name
    model_role: Role | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[StrictInt | StrictFloat, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    #: among tasks that could start the highest goes first
    priority: Annotated[StrictInt, Field(ge=-1_000_000, le=1_000_000)] = 0
    #: all: every dependency completed; any: all have ended, and one completed
    needs: Literal["all", "any"] = "all"
    #: whether the run fails with it, where the policy is `required`
    required: StrictBool = True
    #: a condition under which it runs
    when: When | None = None
    #: a list, or a text with references that gives one, to run the task over
    for_each: Annotated[list[StrictStr] | Text | None, pydantic.BeforeValidator(as_items)] = None
    #: whether it is done again until its answer will do
    repeat: Rounds | None = None
    #: whether further tasks are added to the run that its answer asks for at its end, within its own rights
    may_add: StrictBool = False
    #: dollars for the task
    budget: Dollars | None = None
    #: dollars for the task with all that stem from it
    subtree_budget: Dollars | None = None
    #: milliseconds for one attempt, in place of the policy's; 0: as the settings say; of a question: until it
    #: must be answered; without it as decisions of the home
    timeout_ms: Milliseconds | None = None
    #: in place of the policy's
    context: ContextPolicy | None = None
    #: whether the answer that the very same question had before is taken, in place of the policy's word
    cache: StrictBool | None = None
    #: what the answer must be to be approved
    expect: Expect | None = None
    #: who judges the answer
    review: Literal["auto", "critic", "human", "none"] = "auto"
    #: what an interruption of a command means: run it again, or stop and ask
    effect: Literal["idempotent", "unsafe"] | None = None

    @pydantic.model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        ways = (self.prompt, self.command, self.argv, self.ask, self.run)
        if sum(given is not None for given in ways) != 1:
            raise ValueError("give one of prompt, command, argv, ask and run")
        if self.prompt is not None and is_blank(self.prompt):
            raise ValueError(f"prompt {MUST_SAY}")
        if self.command is not None and is_blank(program_of(self.command)):
            raise ValueError(f"command {MUST_SAY}")
        if self.argv and is_blank(self.argv[0]):
            raise ValueError(f"argv[0] {MUST_SAY}")
        if self.ask is not None and not self.ask.strip():
            raise ValueError("ask must not be empty")
        given = {name for name in self.model_fields_set if getattr(self, name) not in (None, [], {}, False)}
        named_outputs.check_files(self.files, self.outputs, is_command=self.is_command)
        asking.check(self.ask is not None, given, self.choices)
        asking.check_run(self.run is not None, given)
        return self

    @property
    def is_for_model(self) -> bool:
        """Whether a model does it."""
        return self.prompt is not None

    @property
    def is_command(self) -> bool:
        """Whether this machine does it."""
        return self.command is not None or self.argv is not None


class StartRunRequest(Section):
    """A run that is to be started."""

    #: none: one is made
    id: Id | None = None
    #: what people call it
    name: _RunName | None = None
    #: the policy itself, or the name of one in ``config/policies.toml``; none: the one named there as default
    policy: RunPolicy | _Name | None = None
    #: what all tasks are told, referred to as ``{{memory.KEY}}``
    memory: dict[_Name, Text] = Field(default_factory=dict)
    #: true: the run goes on when all its tasks have ended, so that more can be added, until it is closed
    open: StrictBool = False
    #: the tasks, in any order
    tasks: Annotated[list[TaskRequest], Field(min_length=1, max_length=MOST_TASKS)]

    @pydantic.field_validator("policy", mode="before")
    @classmethod
    def _one_or_the_other(cls, given: Any) -> Any:
        return RunPolicy.model_validate(given) if isinstance(given, dict) else given

    def digest(self) -> str:
        """SHA-256 of what it says, by which a repeat is told from another."""
        return hashlib.sha256(self.model_dump_json(exclude_unset=True).encode()).hexdigest()


class EnqueueRequest(Section):
    """Tasks that are to be added to a run."""

    tasks: Annotated[list[TaskRequest], Field(min_length=1, max_length=MOST_TASKS)]


class ForkRequest(Section):
    """A run that is to be made of another."""

    #: the task from which on everything is done anew
    task: Id
    #: id of the new run; none: one is made
    id: Id | None = None
    #: in place of the task's own
    prompt: Text | None = None
    model: _Name | None = None
    #: its context policy, in place of what it was
    context: ContextPolicy | None = None


def read_start(body: object) -> StartRunRequest:
    """The request in a body. Raises `InvalidInput` with the path of the field."""
    return read(StartRunRequest, body)


def read_enqueue(body: object) -> EnqueueRequest:
    """The tasks in a body: a list under ``tasks``, or one task by itself. Raises `InvalidInput`."""
    if isinstance(body, dict) and "tasks" not in body and "id" in body:
        body = {"tasks": [body]}
    return read(EnqueueRequest, body)


def read_task(body: object) -> TaskRequest:
    """One task. Raises `InvalidInput`."""
    return read(TaskRequest, body)


def read_fork(body: object) -> ForkRequest:
    """What a run is to be made of another. Raises `InvalidInput`."""
    return read(ForkRequest, body)


def read(model: type[Model], body: object) -> Model:
    """A body as the model says. Raises `InvalidInput` with the path of the field."""
    try:
        return model.model_validate(body)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False)[0]
        path = path_of(found["loc"])
        raise InvalidInput(f"{path or 'The body'}: {_words(found)}", path=path) from None


def path_of(parts: Sequence[str | int]) -> str:
    """The path of a field as people write it: ``tasks[2].deps[0]``."""
    kept = [part for part in parts if isinstance(part, int) or not _is_arm(part)]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in kept).lstrip(".")


def _is_arm(part: str) -> bool:
    """Whether pydantic names an arm of a union here, which stands nowhere in the request."""
    arms = {"str", "int", "float", "RunPolicy"}
    return part.startswith(("constrained-", "list[", "function-")) or part in arms


def _words(found: Any) -> str:
    if found["type"] == "missing":
        return "is missing"
    if found["type"] == "extra_forbidden":
        return "is not a key that is known here"
    if found["type"] == "string_pattern_mismatch":
        rule = _RULES.get(found["ctx"]["pattern"], "is empty, or holds a character that is not taken here")
        return f"{rule}, got {shorten(found['input'])}"
    message = found["msg"].removeprefix("Value error, ")
    got = "" if found["type"] == "value_error" else f", got {shorten(found['input'])}"
    return f"{message[:1].lower()}{message[1:]}{got}"


#: What patterns of fields ask for, in words.
_RULES: Final = {
    f"^{ID.pattern}$": (
        "must be letters, digits, dots, underlines and hyphens, at most 128, a letter or digit first"
    ),
    named_outputs.NAME_PATTERN: "must be letters, digits, dots, underlines and hyphens, at most 100",
    named_outputs.PATH_PATTERN: "must be a path within the workspace, without control characters",
    FILE_PATTERN: "must be the name of a file in workflows/ that ends in .yaml, .yml or .json",
}


def of_workflow(
    workflow: Workflow, run_id: str, tasks: Sequence[RunTask], policy: RunPolicy
) -> StartRunRequest:
    """The request for a run of a workflow, whose tasks are as `runs.compiling` made them."""
    steps = {step.id: step for step in workflow.steps}
    made = []
    for task in tasks:
        step, given = steps[task.id], task.inputs
        prompt = "" if given is None else given.prompt
        told = " ".join(step.run.inputs.values()) if step.run is not None else ""
        words = " ".join([prompt, told, step.when.of if step.when else "", json.dumps(step.for_each)])
        used = {name: text for name, text in _inputs(task).items() if f"inputs.{name}" in words}
        made.append(
            TaskRequest(
                id=task.id,
                prompt=prompt if step.ask is None and step.run is None else None,
                run=step.run,
                ask=prompt if step.ask is not None else None,
                choices=step.choices,
                deps=list(task.deps),
                inputs=used,
                metadata=dict(given.metadata) if given else {},
                model=task.model or None,
                model_role=task.role,
                max_tokens=step.max_tokens,
                priority=step.priority,
                needs=step.needs,
                required=step.required,
                when=step.when,
                for_each=step.for_each,
                repeat=step.repeat,
                may_add=step.may_add,
                outputs=[name for name in step.outputs if _OUTPUT.fullmatch(name)],
                budget=step.budget,
                subtree_budget=step.subtree_budget,
                timeout_ms=step.timeout_ms,
                context=step.context,
                cache=step.cache,
            )
        )
    return StartRunRequest(
        id=run_id,
        name=run_names.mended(workflow.name),
        policy=policy,
        memory=dict(workflow.memory),
        tasks=made,
    )


#: Names that a reference can mean.
_OUTPUT: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


def _inputs(task: RunTask) -> dict[str, str]:
    return {} if task.inputs is None else dict(task.inputs.inputs)
