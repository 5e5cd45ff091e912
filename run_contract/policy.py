"""The policy of a run: how much at once, how long, for how much, and what happens when something fails.

One schema for files, requests and code: unknown keys, negative numbers and unknown words are refused with
their path, so that a typing error never removes a limit.
"""

from __future__ import annotations

import reprlib
from typing import Annotated, Final, Literal, Self, get_args

import pydantic
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from money import dollars_to_micros

#: Milliseconds in a leap year, the longest time limit.
MOST_MS: Final = 366 * 24 * 3_600_000
#: Dollars that a run may be allowed to spend.
MOST_DOLLARS: Final = 1_000_000.0


def _as_dollars(given: object) -> object:
    """Refuse what is no amount in one sentence, and not in one for each type of number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= MOST_DOLLARS:
        told = f"must be dollars, a number over 0 and at most {MOST_DOLLARS:,.0f}, got {reprlib.repr(given)}"
        raise ValueError(told)
    return given


#: An amount that may be spent.
Dollars = Annotated[
    StrictInt | StrictFloat,
    Field(gt=0, le=MOST_DOLLARS, allow_inf_nan=False),
    pydantic.BeforeValidator(_as_dollars),
]
Milliseconds = Annotated[StrictInt, Field(ge=0, le=MOST_MS)]
Role = Literal["flagship", "balanced", "fast"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Strategy = Literal["none", "truncate", "keep_last_n", "summarise"]


class Section(pydantic.BaseModel):
    """A part of a policy: frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetLimit(Section):
    """What a run may cost."""

    #: dollars
    amount: Dollars
    #: prices are dollars, and nothing is converted
    currency: Literal["USD"] = "USD"

    @property
    def micros(self) -> int:
        """The limit in micro-dollars."""
        return dollars_to_micros(self.amount)


class ContextPolicy(Section):
    """How much of what went before a task is told."""

    #: tokens of messages, memory and placed answers together; 0: no limit
    max_tokens: Annotated[StrictInt, Field(ge=0, le=10**9)] = 0
    #: what is done with what is over the limit: refuse it, leave out the oldest messages, keep the newest
    #: ones, or have the model say the oldest in fewer words
    strategy: Strategy = "none"
    #: messages that ``keep_last_n`` keeps; 0: all
    keep_last_n: Annotated[StrictInt, Field(ge=0, le=10**6)] = 0
    #: tokens that ``truncate`` and ``summarise`` shrink to; 0: to ``max_tokens``
    truncate_to: Annotated[StrictInt, Field(ge=0, le=10**9)] = 0

    @pydantic.model_validator(mode="after")
    def _shrinks(self) -> Self:
        if self.truncate_to > self.max_tokens:
            raise ValueError("truncate_to must be at most max_tokens")
        if self.strategy == "summarise" and not self.max_tokens:
            raise ValueError("summarise needs max_tokens over 0")
        return self

    @property
    def target(self) -> int:
        """Tokens to shrink to."""
        return self.truncate_to or self.max_tokens


class RetryPolicy(Section):
    """How often a task is tried with one model, and how long it waits in between."""

    #: attempts with one model, the first included
    max_attempts: Annotated[StrictInt, Field(ge=1, le=100)] = 1
    #: milliseconds before the second attempt
    base_ms: Milliseconds = 1_000
    #: by which each further wait is longer
    factor: Annotated[StrictInt | StrictFloat, Field(ge=1, le=100)] = 2.0
    #: milliseconds that no wait is longer than
    max_ms: Milliseconds = 60_000
    #: share of the wait that is left to chance
    jitter: Annotated[StrictInt | StrictFloat, Field(ge=0, le=1)] = 0.5
    #: timeout; transient: what the error itself calls worth another try; any: every error of the work
    retry_on: tuple[Literal["timeout", "transient", "any"], ...] = ("timeout", "transient")


class RunPolicy(Section):
    """Everything a run is held to."""

    #: milliseconds one attempt of a task may take, from the moment it has a slot; 0: no limit
    timeout_ms: Milliseconds = 0
    #: milliseconds for the whole run, waiting included; 0: no limit
    run_timeout_ms: Milliseconds = 0
    #: tasks that run at once
    max_parallelism: Annotated[StrictInt, Field(ge=1, le=1_000)] = 1
    #: what the run may cost; none: no limit
    budget_limit: BudgetLimit | None = None
    #: how much of earlier answers a task is told
    context_policy: ContextPolicy = ContextPolicy()
    #: fail_fast: the first failure stops the run; continue: what does not need the failed task goes on;
    #: required: the same, but for a required task, whose failure stops the run
    on_failure: Literal["fail_fast", "continue", "required"] = "fail_fast"
    #: when a failed attempt is made again
    retry: RetryPolicy = RetryPolicy()
    #: models that are asked when a task's own has failed, by the role or the name of its own
    fallbacks: dict[StrictStr, tuple[StrictStr, ...]] = Field(default_factory=dict)
    #: batch: nothing new starts before everything that runs has ended; for comparison
    mode: Literal["continuous", "batch"] = "continuous"
    #: tasks a run may have, those it adds while it runs included
    max_tasks: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 100_000
    #: items that one list may be mapped over
    max_items: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1_000
    #: how deep tasks may add tasks that add tasks
    max_depth: Annotated[StrictInt, Field(ge=0, le=100)] = 8
    #: whether a task whose very question was answered before takes that answer, and does not ask again
    cache: StrictBool = False
    #: milliseconds that work may take to end after it was asked to
    stop_grace_ms: Milliseconds = 5_000

    @pydantic.model_validator(mode="after")
    def _batches_are_plain(self) -> Self:
        if self.mode == "batch" and (self.retry.max_attempts > 1 or self.fallbacks):
            raise ValueError("mode batch is for comparison and has no retries or fallbacks")
        return self

    @property
    def budget_micros(self) -> int | None:
        """The limit of the run in micro-dollars; none: no limit."""
        return None if self.budget_limit is None else self.budget_limit.micros
