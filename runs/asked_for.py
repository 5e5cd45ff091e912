"""Tasks that an answer asks for: how an answer says so, and what it may have. Pure.

A model's answer is anybody's word. So only a task that was given `may_add` is listened to, each entry is held
to the schema of requests and to the rights of the task that asks, and one that is refused costs itself alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from errors import InvalidFile
from limits import Limits
from money import MICROS_PER_DOLLAR, dollars_to_micros
from run_contract.errors import InvalidInput, RunError
from run_contract.fitting import misfits
from run_contract.policy import Role
from run_contract.shapes import Shape, deps_of, part
from runs import named_outputs, reference_rules, round_rules
from runs.request import TaskRequest, read_task
from runs.task_shapes import shapes_of
from runtime_contract import Expect
from store.queue_file import strict_json
from task_errors import shorten

#: Tasks that one answer may ask for.
MOST: Final = 1_000
#: The block at the end of an answer.
_BLOCK: Final = re.compile(r"^```skep-tasks[ \t]*\r?\n(.*?)^```[ \t]*\s*\Z", re.DOTALL | re.MULTILINE)
#: Reviews from the mildest to the strictest.
_REVIEWS: Final = ("none", "auto", "critic", "human")
#: What a task that may add is told.
HOW: Final = """\
You may have tasks added to this run. If that serves what is asked, end your answer with a block of this
form, and nothing after it:

```skep-tasks
{"tasks": [{"id": "a-short-name", "prompt": "what is to be done", "deps": ["ids of tasks it builds on"]}]}
```

Whoever does such a task is told its prompt and the answers of its deps, and nothing else."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the task that asks may itself, which nothing that it asks for passes."""

    priority: int = 0
    review: str = "auto"
    #: whether the run fails with it, where the policy is `required`
    required: bool = True
    #: whether it is a command of this machine
    is_command: bool = False
    #: micro-dollars that it has left of its own budget; none: it has none of its own
    left_micros: int | None = None
    #: the tasks whose answers it was told, in the end, and itself
    told: frozenset[str] = frozenset()
    #: its own model and role, which what names neither gets
    model: str | None = None
    role: Role | None = None
    #: the models that may be named: its own, and those that follow it by the policy
    models: frozenset[str] = frozenset()
    #: tokens that it may answer with as it was asked for itself, which what names none gets
    max_tokens: int | None = None
    #: tokens that it may answer with; none: nobody knows
    most_tokens: int | None = None
    #: milliseconds for an attempt as it was asked for itself, which what names none gets
    timeout_ms: int | None = None
    #: milliseconds that an attempt of its may take; none: no limit
    longest_ms: int | None = None
    #: whether the run says so, and not the settings alone: then 0 would be longer
    is_timed: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A task that is not added."""

    path: str
    #: for a person
    reason: str


@dataclass(slots=True)
class Screened:
    """What is left of the tasks that an answer asks for."""

    #: place in the answer -> the task
    tasks: dict[int, TaskRequest]
    refused: list[Refusal]

    def refuse(self, place: int, field: str, reason: str) -> None:
        """Leave one out, and tell why."""
        self.tasks.pop(place, None)
        path = f"tasks[{place}]{'.' if field else ''}{field}"
        self.refused.append(Refusal(path, f"{path}: {reason}"))

    def refuse_for(self, place: int, error: RunError) -> None:
        """Leave one out for an error that names a field of it, as the first of a list or by itself."""
        field = str(error.details.get("path") or "").removeprefix("tasks[0]").lstrip(".")
        told = error.message.removeprefix("tasks[0]").removeprefix(f".{field}").removeprefix(field)
        self.refuse(place, field, told.removeprefix("The body").removeprefix(": "))


def entries(text: str) -> list[Any]:
    """What an answer asks for at its end; nothing where it does not. Raises `InvalidInput`."""
    found = _BLOCK.search(text)
    if found is None:
        return []
    try:
        told = strict_json.parse(found[1].encode("utf-8", "replace"), Limits())
    except InvalidFile as error:
        raise InvalidInput(
            f"tasks: the block skep-tasks is no JSON: {error.message}", path="tasks"
        ) from error
    listed = told.get("tasks") if isinstance(told, dict) and set(told) == {"tasks"} else told
    if not isinstance(listed, list):
        raise InvalidInput('tasks: the block skep-tasks must hold {"tasks": [...]}', path="tasks")
    if len(listed) > MOST:
        raise InvalidInput(
            f"tasks: {len(listed):,} tasks are too many; {MOST:,} may be asked for", path="tasks"
        )
    return listed


def screened(
    listed: Sequence[Any], rights: Rights, known: Mapping[str, Shape], memory: Collection[str]
) -> Screened:
    """Those of the entries that may be added to a run whose tasks are `known`; why the others may not."""
    found = Screened({}, [])
    for place, entry in enumerate(listed):
        try:
            found.tasks[place] = _one(entry, rights)
        except RunError as error:
            found.refuse_for(place, error)
    _check_rounds(found, rights, known)
    _check_references(found, known, memory)
    _check_ids(found, known)
    _check_told(found, rights.told, known)
    _share_money(found, rights.left_micros)
    check_deps(found, rights.told)
    return found


def _one(entry: Any, rights: Rights) -> TaskRequest:
    """One entry as a task. Raises `RunError` with the path of the field."""
    task = read_task(entry)
    if not rights.is_command:
        _check_is_for_a_model(task)
    if task.ask is not None:
        raise InvalidInput("only a request can ask a person", path="ask")
    if task.run is not None:
        raise InvalidInput("only a request can have a run in a run", path="run")
    if task.priority > rights.priority:
        told = f"{task.priority} is over the {rights.priority} of the task that asks"
        raise InvalidInput(told, path="priority")
    _check_model(task, rights)
    _check_tokens(task, rights)
    _check_time(task, rights)
    _check_asks_nobody(task, rights)
    review = _review(task, rights)
    return _inheriting(task, rights, {} if review == task.review else {"review": review})


def _review(task: TaskRequest, rights: Rights) -> str:
    """Who judges its answer: the same as of the one that asks.

    A milder review lets through what that one's would not, and a stricter one may end at a person.
    """
    review = task.review if "review" in task.model_fields_set else rights.review
    if review != rights.review:
        how = "milder" if _REVIEWS.index(review) < _REVIEWS.index(rights.review) else "stricter"
        told = f"{review} is {how} than the {rights.review} of the task that asks"
        raise InvalidInput(told, path="review")
    return review


def _inheriting(task: TaskRequest, rights: Rights, update: dict[str, Any]) -> TaskRequest:
    """The task with the model, tokens and time of the one that asks, where it names none itself.

    It is required only where that one is: else what is not required could fail the run after all.
    """
    if task.required and not rights.required:
        update["required"] = False
    if task.is_for_model and task.max_tokens is None and rights.max_tokens is not None:
        update["max_tokens"] = rights.max_tokens
    if task.is_for_model and task.model is None and task.model_role is None:
        named = {"model": rights.model, "model_role": rights.role}
        update |= {name: value for name, value in named.items() if value is not None}
    if task.timeout_ms is None and rights.timeout_ms is not None:
        update["timeout_ms"] = rights.timeout_ms
    return task.model_copy(update=update) if update else task


def _check_model(task: TaskRequest, rights: Rights) -> None:
    if task.model is not None and task.model not in rights.models:
        told = f"{task.model} is neither the model of the task that asks nor one of its fallbacks"
        raise InvalidInput(told, path="model")
    if task.model_role is not None and task.model_role != rights.role:
        raise InvalidInput(f"{task.model_role} is not the role of the task that asks", path="model_role")


def _check_tokens(task: TaskRequest, rights: Rights) -> None:
    given, most = task.max_tokens, rights.most_tokens
    if given is not None and most is not None and given > most:
        told = f"{given:,} is more than the {most:,} that the task that asks may answer with"
        raise InvalidInput(told, path="max_tokens")


def _check_asks_nobody(task: TaskRequest, rights: Rights) -> None:
    """Refuse what has a person asked, or would where the critics cannot judge or work was interrupted."""
    if task.effect is not None:
        raise InvalidInput("only a request can say what an interruption means", path="effect")
    if rights.review == "human":
        return
    if task.review == "human":
        raise InvalidInput("only a request can have a person judge an answer", path="review")
    expect = task.expect or Expect()
    for field, given in (("schema", expect.json_schema), ("python_compiles", expect.python_compiles)):
        if given:
            told = f"only a request can name {field}: where it cannot be applied a person is asked"
            raise InvalidInput(told, path=f"expect.{field}")
    for at, path in enumerate(expect.files):
        if not named_outputs.is_of_workspace(path):
            told = f"{shorten(path)} is no path of a file in the workspace"
            raise InvalidInput(told, path=f"expect.files[{at}]")


def _check_time(task: TaskRequest, rights: Rights) -> None:
    given = task.timeout_ms
    if given is None:
        return
    if rights.is_timed and given == 0:
        raise InvalidInput("0 is longer than the time of the task that asks", path="timeout_ms")
    if rights.longest_ms is not None and given > rights.longest_ms:
        told = f"{given:,} is longer than the {rights.longest_ms:,} of the task that asks"
        raise InvalidInput(told, path="timeout_ms")


def _check_is_for_a_model(task: TaskRequest) -> None:
    if task.is_command:
        path = "command" if task.command is not None else "argv"
        raise InvalidInput("only a command may have commands added", path=path)
    if task.expect is not None and task.expect.commands:
        raise InvalidInput("only a command may have commands added", path="expect.commands")


def _check_rounds(found: Screened, rights: Rights, known: Mapping[str, Shape]) -> None:
    """Leave out those that cannot be repeated as they ask, or would do again what they may not ask for."""
    places, tasks = [*found.tasks], [*found.tasks.values()]
    for each in round_rules.wrong(tasks, known):
        found.refuse(places[each.number], each.field, each.reason)
    deps = deps_of({**known, **shapes_of(tasks)})
    for place, task in [*found.tasks.items()]:
        own = () if task.repeat is None else part(task.id, task.repeat.first or task.id, deps)
        more = next(
            (name for name in sorted(own) if name in known and not _may_repeat(known[name], rights)), None
        )
        if more is not None:
            found.refuse(
                place, "repeat", f"its rounds would do {more} again, which only a request can ask for"
            )


def _may_repeat(task: Shape, rights: Rights) -> bool:
    """Whether the rounds of what is asked for may do this task of the run again."""
    if task.does == "command":
        return rights.is_command
    return task.does is None or (task.does == "review" and rights.review == "human")


def _check_references(found: Screened, known: Mapping[str, Shape], memory: Collection[str]) -> None:
    """Leave out those with references that stand for nothing."""
    repeated = round_rules.repeated([*found.tasks.values()], known)
    for place, task in [*found.tasks.items()]:
        try:
            reference_rules.check(task, memory, "tasks[0]", repeated)
        except RunError as error:
            found.refuse_for(place, error)


def _check_ids(found: Screened, known: Mapping[str, Shape]) -> None:
    """Leave out those whose ids are taken, or kept for what lists and rounds become; and crossing rounds."""
    seen = set(known)
    for place, task in [*found.tasks.items()]:
        if task.id in seen:
            found.refuse(place, "id", f"there is a task {task.id} already")
        seen.add(task.id)
    places = {task.id: place for place, task in found.tasks.items()}
    told = {name: f"tasks[{place}]" for name, place in places.items()}
    for name, misfit in misfits(shapes_of([*found.tasks.values()]), known, told).items():
        found.refuse(places[name], misfit.field, misfit.reason)


def _check_told(found: Screened, told: Collection[str], known: Collection[str]) -> None:
    """Leave out those that would read what the task that asks was never told."""
    for place, task in [*found.tasks.items()]:
        at = next((at for at, dep in enumerate(task.deps) if dep in known and dep not in told), None)
        if at is not None:
            reason = f"the task that asks was not told the answer of {task.deps[at]}"
            found.refuse(place, f"deps[{at}]", reason)


def _share_money(found: Screened, left: int | None) -> None:
    """Hold tasks to what is left of a budget: those that name a part of it get that, the rest share alike.

    A part is for a task with all that stems from it: its items, its rounds, and what these add.
    """
    if left is None:
        return
    for place, task in [*found.tasks.items()]:
        if task.budget is not None:
            micros = dollars_to_micros(task.budget)
            if micros > left:
                found.refuse(
                    place, "budget", f"the task that asks has {left / MICROS_PER_DOLLAR:g} dollars left"
                )
            else:
                left -= micros
                found.tasks[place] = _with_share(task, task.budget)
    poor = [place for place, task in found.tasks.items() if task.budget is None and _may_cost(task)]
    share = left // len(poor) if poor else 0
    for place in poor:
        if share < 1:
            found.refuse(place, "budget", "nothing is left of the budget of the task that asks")
        else:
            found.tasks[place] = _with_share(found.tasks[place], share / MICROS_PER_DOLLAR)


def _may_cost(task: TaskRequest) -> bool:
    return task.is_for_model or task.may_add


def _with_share(task: TaskRequest, dollars: float) -> TaskRequest:
    """A task that may cost so much, alone and with all that stems from it."""
    own = task.subtree_budget
    whole = dollars if own is None else min(own, dollars)
    return task.model_copy(update={"budget": dollars, "subtree_budget": whole})


def check_deps(found: Screened, known: Collection[str]) -> None:
    """Leave out those that wait for a task that is not there, or for each other in a circle."""
    while True:
        there = {task.id for task in found.tasks.values()} | set(known)
        lost = [
            (place, at, dep)
            for place, task in found.tasks.items()
            for at, dep in enumerate(task.deps)
            if dep not in there
        ]
        for place, at, dep in lost:
            if place in found.tasks:
                found.refuse(place, f"deps[{at}]", f"{dep} is not there")
        if not lost:
            break
    for place in _in_a_circle(found.tasks):
        found.refuse(place, "deps", "it waits for itself in the end")


def _in_a_circle(tasks: dict[int, TaskRequest]) -> list[int]:
    """Tasks that wait for each other, or for some that do."""
    left = {task.id: set(task.deps) for task in tasks.values()}
    while True:
        free = {name for name, deps in left.items() if deps.isdisjoint(left)}
        if not free:
            return [place for place, task in tasks.items() if task.id in left]
        left = {name: deps for name, deps in left.items() if name not in free}
