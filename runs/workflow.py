"""A workflow as a file says it: steps with roles, what they wait for, what they ask, and a policy.

`spec-default` holds the steps to the four roles of a specification and their order (`runs.spec_default`);
`custom` lets them be anything. Unknown keys and wrong types are refused with line and column.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

import pydantic
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from run_contract import asking
from run_contract.policy import ContextPolicy, Dollars, Milliseconds, Role, RunPolicy, Section
from task_errors import shorten

_Name = Annotated[StrictStr, Field(max_length=200)]
_Input = Annotated[StrictStr, Field(max_length=1_000_000)]
_Text = Annotated[StrictStr, Field(min_length=1, max_length=1_000_000)]

#: What a file in `workflows/` may be called.
FILE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(ya?ml|json)$"


def as_items(given: object) -> object:
    """Refuse what is no list of texts in one sentence, and not in one for each way to say one."""
    wrong = [each for each in given if not isinstance(each, str)] if isinstance(given, list) else []
    if wrong or not isinstance(given, list | str | None):
        got = shorten(wrong[0] if wrong else given)
        raise ValueError(f"must be a list of texts, or one text, got {got}; write numbers as texts")
    return given


class When(Section):
    """A condition."""

    #: a text with references
    of: _Text
    #: how they are compared
    test: Literal["equals", "not_equals", "contains", "not_contains", "at_least", "at_most"]
    #: what it is compared with
    value: StrictStr | StrictInt | StrictFloat


class Rounds(Section):
    """Rounds until a condition is met."""

    #: what the answer must be, which is `{{output}}` here
    until: When
    #: rounds at most, the first included
    most: Annotated[StrictInt, Field(ge=1, le=100)] = 3
    #: the step that a round begins with, where it is more than the step itself
    first: StrictStr | None = None
    #: what becomes of the step when the rounds are used up: it fails, or the last answer is taken
    otherwise: Literal["fail", "take"] = "fail"


class SubRun(Section):
    """A run that does the work of a task."""

    #: the workflow itself
    workflow: Workflow | None = None
    #: or its file, in `workflows/` of the home
    file: Annotated[StrictStr, Field(pattern=FILE_PATTERN)] | None = None
    #: its inputs; references are filled in
    inputs: dict[StrictStr, _Input] = Field(default_factory=dict)
    #: the step of it whose answer is the output; none: the last ones
    output: StrictStr | None = None

    @pydantic.model_validator(mode="after")
    def _is_one_workflow(self) -> Self:
        if (self.workflow is None) == (self.file is None):
            raise ValueError("give one of workflow and file")
        return self


class Step(Section):
    """One step of a workflow."""

    #: as others name it: letters, digits, dots, underlines and hyphens
    id: StrictStr
    #: who does it, which chooses the model by `Workflow.models`, and the prompt in ``spec-default``
    role: _Name | None = None
    #: what is asked, with references such as ``{{deps.A.output}}`` and ``{{inputs.NAME}}``
    prompt: _Text | None = None
    #: a question to a person in place of a prompt, whose answer is the step's; references are filled in
    ask: _Text | None = None
    #: what may be answered; none: what the person writes
    choices: asking.Choices = Field(default_factory=list)
    #: a run of its own in place of a prompt, whose answer is the step's
    run: SubRun | None = None
    #: steps it waits for, and whose answers it is told
    depends_on: list[StrictStr] = Field(default_factory=list)
    #: names of what it makes, told to whoever does it
    outputs: list[_Name] = Field(default_factory=list)
    model: _Name | None = None
    #: what the model is to be good for, in place of its name
    model_role: Role | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    #: among steps that could start the highest goes first
    priority: Annotated[StrictInt, Field(ge=-1_000_000, le=1_000_000)] = 0
    #: all: every dependency completed; any: all have ended, and one completed
    needs: Literal["all", "any"] = "all"
    #: whether the run fails with it, where the policy is `required`
    required: StrictBool = True
    #: a condition under which it runs
    when: When | None = None
    #: a list, or a text with references that gives one, to run the step over
    for_each: Annotated[list[StrictStr] | _Text | None, pydantic.BeforeValidator(as_items)] = None
    #: whether it is done again until its answer will do
    repeat: Rounds | None = None
    #: whether further tasks are added to the run that its answer asks for at its end, within its own rights
    may_add: StrictBool = False
    #: dollars for the step
    budget: Dollars | None = None
    #: dollars for the step with all that stem from it, such as the items of a list
    subtree_budget: Dollars | None = None
    #: milliseconds for one attempt, in place of the policy's; of a question: until it must be answered
    timeout_ms: Milliseconds | None = None
    #: in place of the policy's
    context: ContextPolicy | None = None
    #: whether the answer that the very same question had before is taken, in place of the policy's word
    cache: StrictBool | None = None

    @pydantic.model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if sum(given is not None for given in (self.prompt, self.ask, self.run)) > 1:
            raise ValueError("give one of prompt, ask and run")
        given = {name for name in self.model_fields_set if getattr(self, name) not in (None, [], False)}
        asking.check(self.ask is not None, given, self.choices)
        asking.check_run(self.run is not None, given)
        return self


class Workflow(Section):
    """A whole workflow."""

    #: what runs are called by, with something new behind it
    name: StrictStr
    #: whether the steps are held to the roles of a specification
    type: Literal["spec-default", "custom"] = "custom"
    #: the policy itself, or the name of one in ``config/policies.toml``; none: the one named there as default
    policy: RunPolicy | _Name | None = None
    #: role of a step -> model
    models: dict[StrictStr, _Name] = Field(default_factory=dict)
    #: roles that may follow the validator, in place of the two that are built in
    optional_roles: list[StrictStr] | None = None
    #: those of them that this workflow uses
    optional_enabled: list[StrictStr] | None = None
    #: texts that prompts refer to as ``{{inputs.NAME}}``; null: to be given when it is run
    inputs: dict[StrictStr, _Input | None] = Field(default_factory=dict)
    #: what the tasks keep for each other from the start
    memory: dict[StrictStr, _Text] = Field(default_factory=dict)
    #: the steps, in any order
    steps: list[Step]

    @pydantic.field_validator("policy", mode="before")
    @classmethod
    def _one_or_the_other(cls, given: Any) -> Any:
        # Decided here, so that what is wrong in a policy is not told as "neither an object nor a name".
        return RunPolicy.model_validate(given) if isinstance(given, dict) else given


class WorkflowFile(Section):
    """What a workflow file holds."""

    workflow: Workflow


SubRun.model_rebuild()
Step.model_rebuild()
