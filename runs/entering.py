"""From a run as it is asked for to a run as the store takes it in: every rule is checked here, once.

What comes out is ordinary tasks under the ids ``RUN:TASK``. What a run in memory can do and a run of the
daemon cannot is refused here with the path of its field, so that nothing of a request is passed over.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from context import template
from errors import InvalidSetting, InvalidTask, SkepError
from limits import Limits
from money import dollars_to_micros
from run_contract.errors import DagInvalid, DepNotFound, InvalidInput, ModelUnknown, NotOnTheRoad
from run_contract.fitting import misfits
from run_contract.policy import ROLES, Role, RunPolicy
from run_contract.records import RunTask
from run_contract.shapes import Shape
from runs import conditions, reference_rules, round_rules, sub_runs
from runs.dependency_resolver import DependencyResolver
from runs.forking import items_for, kept_answers, request_of_fork, still_asked_for
from runs.originals import Original
from runs.policy_file import read_policies
from runs.request import ForkRequest, StartRunRequest, TaskRequest, read_task
from runs.task_shapes import shapes_of
from runs.turns import Turns, is_ruled
from runs.within import MOST_DEEP, MOST_NESTED
from runs.workflow import SubRun
from runtime_contract import Expect, normalize_task
from store import lanes
from store.records import NewTask
from store.run_keys import RequestKey
from store.runs import NewRun, NewRunTask

#: The round of the first copies.
FIRST_COPY: Final = 2


class Models(Protocol):
    """What is known of models."""

    def of_role(self, role: Role) -> str | None:
        """The model that has a role; none where none has."""

    def is_known(self, name: str) -> bool:
        """Whether somebody here could be asked by that name."""


@dataclass(frozen=True, slots=True)
class House:
    """What a request is held to: the limits, models and policies of a home."""

    limits: Limits
    models: Models
    #: ``config/policies.toml``
    policies_file: Path
    #: where the files of workflows are that a task may name; none: nowhere
    workflows: Path | None = None
    #: how many runs stand above the one that is asked for, and how many more may be asked for within it
    depth: int = 0
    nested: list[int] = field(default_factory=lambda: [MOST_NESTED])


def new_run(
    request: StartRunRequest,
    house: House,
    idempotency_key: str | None = None,
    forked_from: str | None = None,
    beside: frozenset[str] = frozenset(),
) -> NewRun:
    """The run that a request asks for. `beside`: tasks that are taken along with it and may be waited for.

    Raises `InvalidInput` and `NotOnTheRoad` with the path of the field, `DagInvalid`, `DagCycle`,
    `DepNotFound`, `ModelUnknown`, `InvalidSetting`.
    """
    if not request.tasks:
        raise InvalidInput("tasks: there must be at least one task", path="tasks")
    given = request.policy
    policy = given if isinstance(given, RunPolicy) else _named(given, house.policies_file)
    _check_policy(policy)
    _check_fallbacks(policy, house.models)
    if len(request.tasks) > policy.max_tasks:
        most = f"max_tasks allows {policy.max_tasks:,}"
        raise InvalidInput(f"tasks: the run would have {len(request.tasks):,} tasks; {most}", path="tasks")
    run_id = request.id or f"run-{secrets.token_hex(6)}"
    _check_graph(request.tasks, (), beside)
    told = request.model_dump(mode="json", exclude_unset=True)
    tasks = new_tasks(request.tasks, run_id, policy, frozenset(request.memory), house)
    tasks = round_rules.waiting(tasks, request.tasks, run_id)
    del told["tasks"]
    return NewRun(
        id=run_id,
        name=request.name,
        request=told,
        policy=policy.model_dump(mode="json", exclude_unset=True),
        tasks=tasks,
        digest=request.digest(),
        on_failure=policy.on_failure,
        budget_micros=None if policy.budget_micros is None else max(1, policy.budget_micros),
        max_tasks=policy.max_tasks,
        timeout_s=policy.run_timeout_ms / 1000 if policy.run_timeout_ms else None,
        is_open=request.open,
        memory=dict(request.memory),
        idempotency_key=idempotency_key,
        forked_from=forked_from,
    )


def forked(original: Original, fork: ForkRequest, house: House, key: RequestKey | None = None) -> NewRun:
    """A fork of a run. Raises as `new_run`, and `TaskNotFound`.

    What stood in others' words for the run does so for its fork. Tasks that answers asked for are asked for
    anew where such an answer is. `key`: under which a repeat of the request is known.
    """
    docs = still_asked_for(original, fork.task)
    request, items = request_of_fork(original, docs, fork), items_for(original, docs)
    beside = frozenset(doc["id"] for doc in items)
    made = new_run(request, house, forked_from=original.run["id"], beside=beside)
    policy = RunPolicy.model_validate(made.policy)
    taken = [
        new_task(read_task(doc), made.id, policy, house, f"items[{number}]")
        for number, doc in enumerate(items)
    ]
    names = {task.id for task in made.tasks} | beside
    kept = {name: source for name, source in kept_answers(original, fork.task).items() if name in names}
    made = replace(
        made,
        tasks=[_as_it_stood(task, original) for task in (*made.tasks, *taken)],
        reused=kept,
        foreign_inputs=tuple(json.loads(original.run["foreign_inputs"] or "[]")),
    )
    return made if key is None else replace(made, idempotency_key=key.text, digest=key.digest)


def _as_it_stood(task: NewRunTask, original: Original) -> NewRunTask:
    """A task of a fork with what it stems from."""
    asker = original.added_by.get(task.id)
    return replace(
        task,
        parent=original.became.get(task.id),
        added_by=None if asker is None else original.became.get(asker, asker),
        depth=original.depths.get(task.id, 0),
    )


def _named(name: str | None, file: Path) -> RunPolicy:
    """The policy of that name, or the default. Raises `InvalidInput` for no such name, `InvalidSetting`."""
    policies = read_policies(file)
    try:
        return policies.named(name)
    except InvalidSetting as error:
        raise InvalidInput(f"policy: {error.message}", path="policy") from None


def added_tasks(
    tasks: Sequence[TaskRequest],
    run_id: str,
    policy: RunPolicy,
    memory: frozenset[str],
    known: Iterable[str],
    house: House,
    there: Mapping[str, Shape] | None = None,
) -> list[NewRunTask]:
    """Tasks that are added to a run whose tasks of the ids `known` they may wait for. Raises as `new_run`.

    `there`: what there is of it, as far as it matters to them (`store.run_shapes.there`). What may have come
    to the run since, and which rounds they wait for, is looked at when they are added (`store.runs.add`).
    """
    _check_graph(tasks, known, there=there)
    return new_tasks(tasks, run_id, policy, memory, house, there)


def _check_graph(
    tasks: Sequence[TaskRequest],
    known: Iterable[str],
    beside: frozenset[str] = frozenset(),
    there: Mapping[str, Shape] | None = None,
) -> None:
    """Raise where tasks share an id, wait for one that is not there, or wait for each other in a circle."""
    names = {task.id for task in tasks}
    outside = frozenset(known)
    seen: set[str] = set()
    for number, task in enumerate(tasks):
        if task.id in seen or task.id in outside:
            path = f"tasks[{number}].id"
            raise DagInvalid(f"{path}: two tasks have the id {task.id}", path=path)
        seen.add(task.id)
        for place, dep in enumerate(task.deps):
            if dep not in names and dep not in outside and dep not in beside:
                path = f"tasks[{number}].deps[{place}]"
                raise DepNotFound(f"{path}: task {task.id} depends on {dep}, which is not there", path=path)
    _check_fit(tasks, there or {})
    resolver = DependencyResolver()
    inner = [RunTask(task.id, deps=[dep for dep in task.deps if dep in names]) for task in tasks]
    resolver.validate(resolver.build_dag(inner))


def _check_fit(tasks: Sequence[TaskRequest], there: Mapping[str, Shape]) -> None:
    """Raise `DagInvalid` where a list or rounds would need the id of a task, or do what others do again."""
    places = {task.id: f"tasks[{number}]" for number, task in enumerate(tasks)}
    for name, misfit in misfits(shapes_of(tasks), there, places).items():
        path = f"{places[name]}.{misfit.field}"
        raise DagInvalid(f"{path}: {misfit.reason}", path=path)


def _check_policy(policy: RunPolicy) -> None:
    """Raise `NotOnTheRoad` for what only a run in memory is held to."""
    found = next(_not_on_the_road(policy), None)
    if found is not None:
        path, told = found
        raise NotOnTheRoad(f"{path}: {told}", path=path)


def _not_on_the_road(policy: RunPolicy) -> Iterator[tuple[str, str]]:
    if policy.mode == "batch":
        told = "batch is for comparison in memory; the daemon starts a task when it can start: leave it out"
        yield "policy.mode", told
    if "stop_grace_ms" in policy.model_fields_set:
        told = "the daemon itself ends what is cancelled or out of time, and no work outlasts its run"
        yield "policy.stop_grace_ms", f"{told}: leave it out"


def _task_not_on_the_road(task: TaskRequest) -> Iterator[tuple[str, str]]:
    if task.for_each is not None and task.command is not None:
        yield "for_each", "an item is told in arguments alone; give the command as argv"
    if task.for_each is not None and task.argv and template.references(task.argv[0]):
        yield "argv[0]", "an item may be an argument of a program, and not name one"
    if task.cache and not task.is_for_model:
        yield "cache", "only answers of models are taken again; a command may do something else each time"


def new_tasks(
    tasks: Sequence[TaskRequest],
    run_id: str,
    policy: RunPolicy,
    memory: frozenset[str],
    house: House,
    there: Mapping[str, Shape] | None = None,
) -> list[NewRunTask]:
    """The tasks as the store takes them in. `there`: those that they are added to. Raises as `new_run`."""
    found = []
    models: dict[str, bool] = {}
    repeated = round_rules.check(tasks, there)
    outputs = {each.id: {*each.outputs, *each.files} for each in tasks if each.for_each is None}
    for number, task in enumerate(tasks):
        path = f"tasks[{number}]"
        reference_rules.check(task, memory, path, repeated, outputs)
        found.append(new_task(task, run_id, policy, house, path, models))
    return found


def new_task(
    task: TaskRequest,
    run_id: str,
    policy: RunPolicy,
    house: House,
    path: str,
    models: dict[str, bool] | None = None,
) -> NewRunTask:
    """One task as the store takes it in. `models`: which were asked about. Raises as `new_run`."""
    for name, told in _task_not_on_the_road(task):
        raise NotOnTheRoad(f"{path}.{name}: {told}", path=f"{path}.{name}")
    if task.run is not None:
        task = _with_its_run(task, task.run, policy, house, f"{path}.run")
    model = _model(task, house.models, {} if models is None else models, path)
    part = lanes.run_part(run_id, policy.max_parallelism)
    return _one(task, run_id, policy, model, house.limits, path, part)


def _one(
    task: TaskRequest, run_id: str, policy: RunPolicy, model: str | None, limits: Limits, path: str, part: str
) -> NewRunTask:
    """One task as the store takes it in. Raises `InvalidInput`."""
    attempts = _attempts(task, run_id, policy, model) or 0
    if attempts > limits.max_attempts:
        field = "policy.retry.max_attempts"
        told = f"with the models of fallbacks, {task.id} could be tried {attempts:,} times"
        most = f"{limits.max_attempts:,} is the bound (settings: limit_max_attempts)"
        raise InvalidInput(f"{field}: {told}; {most}", path=field)
    try:
        made, document = normalize_task(_document(task, run_id, policy, model), limits, path)
    except InvalidTask as error:
        raise InvalidInput(error.message, **error.details) from error
    full = f"{run_id}:{task.id}"
    part = lanes.joined(lanes.ASK, part) if task.ask is not None or task.run is not None else part
    new = NewTask(made.model_copy(update={"id": full}), {**document, "id": full}, part)
    asked = task.model_dump(mode="json", exclude_unset=True)
    subtree = None if task.subtree_budget is None else max(1, dollars_to_micros(task.subtree_budget))
    return NewRunTask(task.id, new, asked, task.required, task.needs == "any", subtree_micros=subtree)


def _with_its_run(
    task: TaskRequest, wanted: SubRun, policy: RunPolicy, house: House, path: str
) -> TaskRequest:
    """A task with the workflow of its run as it is now, which could be started. Raises `InvalidInput`."""
    house.nested[0] -= 1
    if house.depth >= min(policy.max_depth, MOST_DEEP) or house.nested[0] < 0:
        told = f"{path}: runs within runs stand too deep, or are too many (max_depth {policy.max_depth})"
        raise InvalidInput(told, path=path)
    try:
        workflow = sub_runs.workflow_of(wanted, house.workflows)
        kept = wanted.model_copy(update={"workflow": workflow, "file": None})
        new_run(sub_runs.request_of(kept, "x", house.policies_file), replace(house, depth=house.depth + 1))
    except (SkepError, OSError) as error:
        raise _refused_within(error, path, wanted) from error
    return task.model_copy(update={"run": kept})


def _refused_within(error: SkepError | OSError, path: str, wanted: SubRun) -> InvalidInput:
    """Why a run within a run cannot be started, with the whole way to the field once."""
    if isinstance(error, OSError):
        return InvalidInput(f"{path}: {error.strerror}", path=path)
    told, field = error.message, str(error.details.get("path") or "")
    if field.startswith("tasks[") and told.startswith(f"{field}: "):
        told = told.removeprefix(f"{field}: ")
        within = f"{path}.workflow" if wanted.workflow is not None else path
        path = f"{within}.steps{field.removeprefix('tasks')}"
    return InvalidInput(f"{path}: {told}", path=path)


def item_tasks(
    task: RunTask,
    asked: dict[str, Any],
    model: str | None,
    items: Sequence[str],
    run_id: str,
    policy: RunPolicy,
    limits: Limits,
) -> list[NewRunTask]:
    """The tasks that do the items of a task, which was asked for as in `asked`. Raises `InvalidInput`."""
    part = lanes.run_part(run_id, policy.max_parallelism)
    kept = {
        name: value for name, value in asked.items() if name not in {"for_each", "when", "subtree_budget"}
    }
    found = []
    for child in conditions.item_tasks(task, list(items)):
        inputs = dict(child.inputs.inputs) if child.inputs is not None else {}
        told = kept | {"id": child.id, "deps": child.deps, "inputs": inputs}
        if model is not None:
            told["model"] = model
        if kept.get("argv") is not None:
            told["argv"] = [template.render(each, inputs) for each in kept["argv"]]
        made = _one(read_task(told), run_id, policy, model, limits, child.id, part)
        found.append(replace(made, parent=task.id))
    return found


def round_tasks(
    copies: Mapping[str, RunTask],
    asked: Mapping[str, dict[str, Any]],
    models: Mapping[str, str | None],
    run_id: str,
    policy: RunPolicy,
    limits: Limits,
) -> list[NewRunTask]:
    """The tasks of another round, by the tasks they stand for, the one that asked for it last.

    `asked` and `models`: as those were asked for, and the models that were chosen. Raises `InvalidInput`.
    """
    part = lanes.run_part(run_id, policy.max_parallelism)
    found = []
    *_, last = copies
    names = {name: copy.id for name, copy in copies.items()}
    parent = last if copies[last].round <= FIRST_COPY else last.rpartition(".r")[0]
    for name, copy in copies.items():
        told = _as_copy(asked[name], copy, models[name], names)
        made = _one(read_task(told), run_id, policy, models[name], limits, copy.id, part)
        found.append(replace(made, parent=parent, depth=copy.depth, round=copy.round, previous=last))
    return found


def _as_copy(
    asked: dict[str, Any], copy: RunTask, model: str | None, names: Mapping[str, str]
) -> dict[str, Any]:
    """What is asked of a copy: the same, with references that mean those of its own round."""
    told = {name: value for name, value in asked.items() if name != "model_role"}
    told |= {"id": copy.id, "deps": list(copy.deps), "cache": copy.cache}
    told |= {} if model is None else {"model": model}
    for name in ("prompt", "ask"):
        if told.get(name) is not None and copy.inputs is not None:
            told[name] = copy.inputs.prompt
    if told.get("run") is not None:
        inputs = told["run"].get("inputs", {})
        told["run"] = told["run"] | {
            "inputs": {name: template.renamed(text, names) for name, text in inputs.items()}
        }
    if copy.when is not None:
        told["when"] = asdict(copy.when)
    if copy.for_each is not None:
        told["for_each"] = copy.for_each
    if copy.repeat is not None:
        told["repeat"] = asdict(copy.repeat)
    return told


def _document(task: TaskRequest, run_id: str, policy: RunPolicy, model: str | None) -> dict[str, Any]:
    """The task as one of the road."""
    timeout_ms = policy.timeout_ms if task.timeout_ms is None else task.timeout_ms
    timeout_ms = 0 if task.ask is not None or task.run is not None else timeout_ms  # theirs is no attempt's
    expect = _expected(task)
    told: dict[str, Any] = {
        "id": task.id,
        "prompt": _words(task),
        "command": task.command,
        "argv": task.argv,
        "depends_on": [f"{run_id}:{dep}" for dep in dict.fromkeys(task.deps)] or None,
        "run_id": run_id,
        "priority": task.priority or None,
        "model": model,
        "max_tokens": task.max_tokens,
        "temperature": task.temperature,
        "max_budget": task.budget,
        "timeout_s": timeout_ms / 1000 if timeout_ms else None,
        "max_attempts": _attempts(task, run_id, policy, model),
        "effect": task.effect,
        "review": None if task.review == "auto" else task.review,
        "expect": expect and expect.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "decompose": None if task.is_command else "never",
    }
    return {name: value for name, value in told.items() if value is not None}


def _words(task: TaskRequest) -> str | None:
    """What stands as the prompt of a task on the road."""
    if task.run is not None and task.run.workflow is not None:
        return f"Run the workflow {task.run.workflow.name}."
    return task.prompt if task.ask is None else task.ask


def _expected(task: TaskRequest) -> Expect | None:
    """What the result must be: with the files that are its outputs, which must be there."""
    if not task.files:
        return task.expect
    expect = task.expect or Expect()
    files = list(dict.fromkeys([*expect.files, *task.files.values()]))
    return expect.model_copy(update={"files": files})


def _attempts(task: TaskRequest, run_id: str, policy: RunPolicy, model: str | None) -> int | None:
    """Attempts with all models that may be asked in turn; none: as the settings say."""
    if not is_ruled(policy):
        return None
    if model is None and task.is_for_model:  # the home's own, which is known when it is asked
        others = max(map(len, policy.fallbacks.values()), default=0)
        return policy.retry.max_attempts * (1 + others)
    return Turns(run_id, task.id, policy, model or "", task.model_role).most


def _check_fallbacks(policy: RunPolicy, models: Models) -> None:
    """Raise `ModelUnknown` for a fallback that nobody knows, or one of a model or role that nobody knows."""
    for key, names in policy.fallbacks.items():
        if key not in ROLES and not models.is_known(key):
            path = f"policy.fallbacks.{key}"
            told = f"{path}: {key!r} is no role ({', '.join(ROLES)}), and {_UNKNOWN.format(name=key)}"
            raise ModelUnknown(told, path=path)
        for place, name in enumerate(names):
            if not models.is_known(name):
                path = f"policy.fallbacks.{key}[{place}]"
                raise ModelUnknown(f"{path}: {_UNKNOWN.format(name=name)}", path=path)


_UNKNOWN = (
    "nobody knows the model {name!r}: it is not in config/models.toml or the price list, not "
    "SKEP_LLM_MODEL, and the model server does not list it"
)


def _model(task: TaskRequest, models: Models, known: dict[str, bool], path: str) -> str | None:
    """The model of a task by its name. Raises `ModelUnknown`."""
    name = task.model
    if not task.is_for_model:
        if name is not None or task.model_role is not None:
            field = "model" if name is not None else "model_role"
            raise InvalidInput(f"{path}.{field}: a command has no model", path=f"{path}.{field}")
        return None
    if name is None and task.model_role is not None:
        name = models.of_role(task.model_role)
        if name is None:
            told = f"no model has the role {task.model_role}; name one under [roles] of config/models.toml"
            raise ModelUnknown(f"{path}.model_role: {told}", path=f"{path}.model_role")
    if name is not None and not known.setdefault(name, models.is_known(name)):
        raise ModelUnknown(f"{path}.model: {_UNKNOWN.format(name=name)}", path=f"{path}.model")
    return name
