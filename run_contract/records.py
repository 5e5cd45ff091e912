"""The records of a run: plain data that the components of `runs`, `cost` and `context` pass around.

Amounts of money are whole micro-dollars, times Unix seconds. Nothing here decides anything. Within a run one
thread changes these records; whoever works on a task is handed a `Job` (`run_contract.job`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from run_contract.policy import ContextPolicy, Role, RunPolicy

#: Ids of runs and of tasks within them.
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class RunState(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"


class TaskState(StrEnum):
    """Where a task of a run stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


#: States that a task does not leave.
ENDED: Final = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.SKIPPED})


@dataclass(slots=True)
class Usage:
    """What was used."""

    tokens: int = 0
    micros: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens + other.tokens, self.micros + other.micros)


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What a task was given when the run began."""

    prompt: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task or a run did not complete."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was left out of a task's context, by the hashes under which the archive keeps it."""

    strategy: str
    #: bytes before and after
    bytes_before: int
    bytes_after: int
    #: SHA-256 of every message as it was
    messages: tuple[str, ...]
    #: SHA-256 of those that were left out or summarised
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What the work of a task gave."""

    output: str
    #: named outputs beside it
    outputs: Mapping[str, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: entries for the run's memory
    memory: Mapping[str, str] = field(default_factory=dict)
    #: tasks that are added to the run
    adds: tuple[RunTask, ...] = ()
    compaction: Compaction | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a task is to run at all, by what went before."""

    #: a text with references such as ``{{deps.A.output}}``
    of: str
    test: Literal["equals", "not_equals", "contains", "not_contains", "at_least", "at_most"]
    value: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Rounds of a task, or of a part of the graph that ends with it, until a condition is met."""

    #: on the answer of the task, which is ``{{output}}`` here
    until: Condition
    #: rounds at most, the first included
    most: int
    #: the task that a round begins with; none: the task itself
    first: str | None = None
    #: what becomes of it when the rounds are used up: it fails, or the last answer is taken
    otherwise: Literal["fail", "take"] = "fail"


@dataclass(frozen=True, slots=True)
class InnerRun:
    """A run that does the work of a task, as it begins."""

    #: they are new, and begin as they stand here
    tasks: tuple[RunTask, ...]
    policy: RunPolicy = field(default_factory=RunPolicy)
    #: its inputs, with references of the task whose work it does
    inputs: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)
    #: the task of it whose answer is the output; none: the last ones
    output: str | None = None


@dataclass(slots=True)
class RunTask:
    """One task of a run."""

    id: str
    inputs: TaskInput | None = None
    deps: list[str] = field(default_factory=list)
    #: a model by name; else `role` names one, else the home's own answers
    model: str = ""
    role: Role | None = None
    #: higher starts first
    priority: int = 0
    #: tokens of the answer at most; 0: as the settings say
    max_tokens: int = 0
    #: all: every dependency completed; any: all have ended, and one completed
    needs: Literal["all", "any"] = "all"
    #: whether the run fails with it, under the failure policy ``required``
    required: bool = True
    when: Condition | None = None
    #: a list, or a reference to one, to run the task over, item by item
    for_each: str | list[str] | None = None
    repeat: Repeat | None = None
    #: which round it is, and what the round before answered
    round: int = 1
    previous: str = ""
    #: the same task in the next round, whose answer stands for this one's from then on
    later: str | None = None
    #: micro-dollars for the task, and for it with all that it adds; none: no limit of its own
    budget_micros: int | None = None
    subtree_micros: int | None = None
    #: milliseconds; none: as the policy says
    timeout_ms: int | None = None
    context: ContextPolicy | None = None
    #: whether a run of its own does it; in memory, what that run begins as
    is_run: bool = False
    inner: InnerRun | None = None
    #: names of the outputs that its answer gives as a JSON object
    named: tuple[str, ...] = ()
    #: whether tasks are added that its answer asks for
    may_add: bool = False
    #: what a person may answer, where one is asked; empty: in their own words; none: nobody is asked
    choices: tuple[str, ...] | None = None
    #: whether the answer to the very same question is taken again; none: as the policy says
    cache: bool | None = None
    #: the task that added it
    parent: str | None = None
    depth: int = 0

    state: TaskState = TaskState.PENDING
    #: outputs of its dependencies, by their ids, apart from the inputs a person gave
    routed: dict[str, str] = field(default_factory=dict)
    outputs: TaskResult | None = None
    error: TaskError | None = None
    #: attempts that were started
    attempts: int = 0
    #: the models of the first and the last attempt
    asked_first: str = ""
    asked: str = ""
    estimated: Usage = field(default_factory=Usage)
    actual: Usage = field(default_factory=Usage)
    #: monotonic seconds
    started_at: float | None = None
    ended_at: float | None = None
    compaction: Compaction | None = None
    #: whether a budget could not pay it when its turn came
    held: bool = False
    #: ids of the tasks that a task became: its items, or the end of its next round
    items: list[str] | None = None
    #: the run that does it, once that has begun
    child: Run | None = field(default=None, repr=False, compare=False)

    @property
    def is_in_rounds(self) -> bool:
        """Whether it was done and became a further round of itself."""
        return self.items is not None and self.for_each is None


@dataclass(slots=True)
class DagNode:
    """A task's place in the graph."""

    id: str
    deps: list[str]
    next: list[str] = field(default_factory=list)
    #: dependencies that have not ended, with rounds that it waits for beside them
    pending: int = 0
    #: tasks that wait for its rounds to end, however they do, and are told nothing of it
    beside: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Dag:
    """Which task waits for which."""

    nodes: dict[str, DagNode] = field(default_factory=dict)
    edges: dict[str, list[str]] = field(default_factory=dict)
    #: what rounds do again, by the tasks that end them and without those
    rounds: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A graph of tasks with its policy, and how far it is."""

    id: str
    policy: RunPolicy = field(default_factory=RunPolicy)
    dag: Dag | None = None
    tasks: dict[str, RunTask] = field(default_factory=dict)
    state: RunState = RunState.PENDING
    usage: Usage = field(default_factory=Usage)
    #: what its tasks keep for each other
    memory: dict[str, str] = field(default_factory=dict)
    #: the same within one part of it, by the task that added the part
    scopes: dict[str, dict[str, str]] = field(default_factory=dict)
    error: TaskError | None = None
    created_at: float | None = None
    updated_at: float | None = None
    #: tasks that have ended
    ended: int = 0
    #: what counts against its budgets; `cost.budget_enforcer` alone writes here
    books: dict[Any, Any] = field(default_factory=dict)
    #: texts that compaction left out, by their SHA-256
    archive: dict[str, str] = field(default_factory=dict)
    #: tasks whose work was told to end and had not when the run did
    lingering: list[str] = field(default_factory=list)
    #: the run that this one is within, and the task of it whose work it does
    above: tuple[Run, RunTask] | None = field(default=None, repr=False, compare=False)
    #: inputs that hold words of tasks of the run above
    foreign: frozenset[str] = frozenset()

    def line_above(self) -> Iterator[tuple[Run, RunTask]]:
        """The runs that it is within, the nearest first, each with the task that leads here."""
        found = self.above
        while found is not None:
            yield found
            found = found[0].above

    def answering(self, task_id: str) -> RunTask | None:
        """The task whose answer counts as that of an id: its last round that completed; none for no task.

        A later round that is named by its own id means itself.
        """
        found = self.tasks.get(task_id)
        if found is not None and found.round > 1:
            return found
        while found is not None and found.later is not None:
            after = self.tasks.get(found.later)
            if after is None or after.state is not TaskState.COMPLETED:
                break
            found = after
        return found
