"""What is asked of Skep, in the words of its API: plain dictionaries that a type checker knows the keys of.

Skep reads requests strictly and names the path of what is wrong; nothing is checked twice here. Each may be
written as a call with keywords: ``TaskRequest(id="a", prompt="Say hello.")``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Role = Literal["flagship", "balanced", "fast"]


class BudgetLimit(TypedDict, total=False):
    """What a run may cost."""

    #: dollars
    amount: float
    currency: Literal["USD"]


class ContextPolicy(TypedDict, total=False):
    """How much of what went before a task is told."""

    #: tokens; 0: no limit
    max_tokens: int
    strategy: Literal["none", "truncate", "keep_last_n", "summarise"]
    #: messages that `keep_last_n` keeps; 0: all
    keep_last_n: int
    #: tokens to shrink to; 0: to `max_tokens`
    truncate_to: int


class RetryPolicy(TypedDict, total=False):
    """How often a task is tried with one model, and how long it waits in between."""

    max_attempts: int
    #: milliseconds before the second attempt
    base_ms: int
    factor: float
    #: milliseconds that no wait is longer than
    max_ms: int
    jitter: float
    retry_on: Sequence[Literal["timeout", "transient", "any"]]


class RunPolicy(TypedDict, total=False):
    """Everything a run is held to."""

    #: milliseconds for one attempt of a task; 0: no limit
    timeout_ms: int
    #: milliseconds for the whole run, waiting included; 0: no limit
    run_timeout_ms: int
    #: tasks that run at once
    max_parallelism: int
    budget_limit: BudgetLimit | None
    context_policy: ContextPolicy
    on_failure: Literal["fail_fast", "continue", "required"]
    retry: RetryPolicy
    #: models that are asked when a task's own has failed, by the role or the name of its own
    fallbacks: Mapping[str, Sequence[str]]
    mode: Literal["continuous", "batch"]
    max_tasks: int
    max_items: int
    max_depth: int
    #: milliseconds that work may take to end after it was asked to
    stop_grace_ms: int
    #: whether a task whose very question was answered before takes that answer, and does not ask again
    cache: bool


class When(TypedDict):
    """A condition under which a task runs."""

    #: a text with references
    of: str
    test: Literal["equals", "not_equals", "contains", "not_contains", "at_least", "at_most"]
    value: str | float


class _Until(TypedDict):
    until: When


class Rounds(_Until, total=False):
    """Rounds until a condition is met."""

    most: int
    first: str | None
    otherwise: Literal["fail", "take"]


class Expect(TypedDict, total=False):
    """What an answer must be to be approved."""

    #: files that must exist in the workspace afterwards
    files: Sequence[str]
    format: Literal["json"] | None
    #: JSON Schema (draft 2020-12) that the answer must satisfy
    schema: Mapping[str, Any]
    contains: Sequence[str]
    not_contains: Sequence[str]
    python_compiles: bool | Sequence[str]
    #: commands that must end with exit code 0 afterwards, each a list of arguments
    commands: Sequence[Sequence[str]]


class TaskOptions(TypedDict, total=False):
    """What may be said of a task beside its id and what is asked."""

    #: tasks of the run it waits for, and whose answers it is told
    deps: Sequence[str]
    #: texts that the prompt refers to as ``{{inputs.NAME}}``
    inputs: Mapping[str, str]
    metadata: Mapping[str, str]
    model: str | None
    #: what the model is to be good for, in place of its name
    model_role: Role | None
    #: tokens the model may answer with
    max_tokens: int | None
    #: from 0 to 2
    temperature: float | None
    priority: int
    needs: Literal["all", "any"]
    required: bool
    when: When | None
    for_each: Sequence[str] | str | None
    repeat: Rounds | None
    #: whether further tasks are added that its answer asks for
    may_add: bool
    #: names of what its answer gives as a JSON object
    outputs: Sequence[str]
    #: dollars for the task
    budget: float | None
    #: dollars for the task with all that stem from it
    subtree_budget: float | None
    #: milliseconds for one attempt, in place of the policy's
    timeout_ms: int | None
    context: ContextPolicy | None
    expect: Expect | None
    #: whether an answer to the very same question is taken, in place of the policy's word
    cache: bool | None
    review: Literal["auto", "critic", "human", "none"]
    effect: Literal["idempotent", "unsafe"] | None


class _Named(TypedDict):
    #: within its run
    id: str


class TaskRequest(_Named, TaskOptions, total=False):
    """One task of a run: one of `prompt`, `command`, `argv`, `ask` and `run`, and what is said of it."""

    #: what is asked, with references such as ``{{deps.A.output}}``
    prompt: str
    #: a command line, read without a shell
    command: str
    #: the same as arguments
    argv: Sequence[str]
    #: a question to a person, whose answer is the task's
    ask: str
    #: what may be answered; none: what the person writes
    choices: Sequence[str]
    #: a run of its own that does it: its ``workflow`` or ``file``, ``inputs`` and ``output``
    run: Mapping[str, Any]
    #: of a command: files of the workspace that are its outputs, by their names
    files: Mapping[str, str]


class ForkOptions(TypedDict, total=False):
    """What a fork changes of the task it begins with."""

    #: id of the new run; none: one is made
    id: str | None
    prompt: str | None
    model: str | None
    context: ContextPolicy | None


#: The id of the task of a run of one.
ONE = "answer"
#: The prompt of a task whose words come as an input, where nothing is read for references.
PLAIN_PROMPT = "{{inputs.prompt}}"


def plain_task(task_id: str, prompt: str, options: TaskOptions) -> TaskRequest:
    """A task that asks a text as it is: braces in it are braces, and refer to nothing."""
    inputs = {**options.get("inputs", {}), "prompt": prompt}
    asked = TaskRequest(id=task_id, prompt=PLAIN_PROMPT)
    asked.update(options)  # type: ignore[typeddict-item]  # all that it may hold
    asked["inputs"] = inputs
    return asked
