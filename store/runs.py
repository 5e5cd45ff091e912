"""Starting runs and adding to them: one transaction for the run, its tasks and the event that tells of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from run_contract.errors import DagInvalid, InvalidInput, RunCompleted, RunExists, RunNotFound, TaskExists
from run_contract.fitting import misfits, waits
from run_contract.shapes import Shape
from runtime_contract import Status
from store import claims, ending, intake, lanes, recording, run_ends, run_keys, run_shapes
from store.records import Intake, NewTask, TaskRef
from store.run_keys import RequestKey
from store.transaction import Transaction, dump


@dataclass(frozen=True, slots=True)
class NewRunTask:
    """A task of a run that is to be entered."""

    #: within the run
    id: str
    #: the task that it is on the road
    new: NewTask
    #: as it was submitted
    doc: dict[str, Any]
    required: bool
    #: whether one completed dependency will do, once all have ended
    needs_any: bool = False
    #: the task of the run whose item or whose next round it does
    parent: str | None = None
    #: what it may cost with all that stem from it; none: no limit of its own
    subtree_micros: int | None = None
    #: the task whose answer asked for it
    added_by: str | None = None
    #: how many tasks stand between it and the request
    depth: int = 0
    #: which round it is of, and the task whose last answer it is told then
    round: int = 1
    previous: str | None = None


def waiting(made: Sequence[NewRunTask], run_id: str, ends: Mapping[str, Sequence[str]]) -> list[NewRunTask]:
    """The tasks, which wait for the end of rounds as well: of those in `ends`, by their ids."""
    return [also(each, ends.get(each.id, ()), run_id) for each in made]


def also(made: NewRunTask, ends: Sequence[str], run_id: str) -> NewRunTask:
    """A task that waits for the end of these of its run as well."""
    known = made.new.task.depends_on
    more = [name for name in (f"{run_id}:{end}" for end in ends) if name not in known]
    if not more:
        return made
    task = made.new.task.model_copy(update={"depends_on": [*known, *more]})
    doc = {**made.new.doc, "depends_on": task.depends_on}
    return replace(made, new=replace(made.new, task=task, doc=doc))


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is to be started; every rule but those of the store has been checked."""

    id: str
    name: str | None
    #: as it was submitted, without the tasks
    request: dict[str, Any]
    policy: dict[str, Any]
    tasks: Sequence[NewRunTask]
    #: SHA-256 of the request
    digest: str
    on_failure: str
    budget_micros: int | None
    max_tasks: int
    #: seconds from now; none: no limit
    timeout_s: float | None
    is_open: bool = False
    memory: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    forked_from: str | None = None
    #: the span that it was started from (W3C traceparent)
    traceparent: str | None = None
    #: id of the task whose work it does, how many runs stand above it, and inputs that hold others' words
    parent: str | None = None
    depth: int = 0
    foreign_inputs: tuple[str, ...] = ()
    #: tasks that begin with an answer of the run it was forked from, each with the task there that gave it
    reused: Mapping[str, str] = field(default_factory=dict)


def find(tx: Transaction, run_id: str) -> sqlite3.Row:
    """The row of a run. Raises `RunNotFound`."""
    row = tx.one("get_run", id=run_id)
    if row is None:
        raise RunNotFound(f"There is no run {run_id!r}.", run_id=run_id)
    return row


def start(tx: Transaction, new: NewRun, source: str, limits: lanes.ConcurrencyLimits) -> sqlite3.Row:
    """Start a run; its row.

    The same request under the same idempotency key is answered with the run it started. Raises `RunExists`,
    and of those `KeyUsed` where the key was another request's.
    """
    if new.idempotency_key is not None:
        known = run_keys.known(tx, RequestKey(new.idempotency_key, new.digest))
        if known is not None:
            return known
    _check_is_free(tx, new.id)
    before, last = tx.one("last_event_seq"), tx.one("last_run_seq")
    seq = int(last["seq"]) + 1 if last else 1
    tx.run(
        "insert_run",
        seq=seq,
        id=new.id,
        called=new.name,
        request=dump(new.request),
        policy=dump(new.policy),
        memory=dump(new.memory),
        on_failure=new.on_failure,
        budget_micros=new.budget_micros,
        max_tasks=new.max_tasks,
        tasks=len(new.tasks),
        is_open=int(new.is_open),
        deadline=None if new.timeout_s is None else tx.now + new.timeout_s,
        idempotency_key=new.idempotency_key,
        digest=new.digest,
        forked_from=new.forked_from,
        traceparent=new.traceparent,
        source=source,
        after_event=before["seq"] if before else 0,
        created=tx.now,
        parent=new.parent,
        depth=new.depth,
        foreign_inputs=dump([*new.foreign_inputs]) if new.foreign_inputs else None,
    )
    row = find(tx, new.id)
    told = {} if new.idempotency_key is None else _key_as_told(new.idempotency_key, new.digest)
    run_ends.tell(
        tx, "run.started", row, count=len(new.tasks), source=source, forked_from=new.forked_from, **told
    )
    _enter(tx, seq, new.tasks, source, limits)
    if new.reused:
        _reuse(tx, new)
    return find(tx, new.id)


def _check_is_free(tx: Transaction, run_id: str) -> None:
    """Raise `RunExists` where a run has the id, or had it before the database was rebuilt."""
    if tx.one("get_run", id=run_id) is not None:
        raise RunExists(f"There is a run {run_id!r} already; give another id, or none.", run_id=run_id)
    left = tx.one("task_left_of_run", run=run_id)
    if left is not None:
        told = f"There is a task {left['id']} of a run {run_id!r} that was lost with a damaged database"
        raise RunExists(f"{told}; give another id, or none.", run_id=run_id)


def _key_as_told(key: str, request_digest: str) -> dict[str, str]:
    """What a rebuilt database needs to know a repeat of the start by."""
    return {"key_digest": run_keys.digest_of(key), "request_digest": request_digest}


def _reuse(tx: Transaction, new: NewRun) -> None:
    """Give tasks the answers that they begin with, and only then let those go that waited for them.

    One whose answer is not approved any more is done anew.
    """
    wanted = dump([f"{new.forked_from}:{source}" for source in new.reused.values()])
    answers = {answer["id"].partition(":")[2]: answer for answer in tx.all("run_answers", ids=wanted)}
    names = []
    for name, source in sorted(new.reused.items()):
        task_id, answer = f"{new.id}:{name}", answers.get(source)
        if answer is not None and answer["state"] == "approved":
            tx.run("reuse_answer", id=task_id, result=answer["result"], now=tx.now)
            tx.run("note_reuse", id=task_id, run=new.forked_from, source=answer["id"])
            reason = f"its answer is that of {answer['id']}"
            tx.emit("task.reused", task_id=task_id, status="approved", reason=reason)
            names.append(task_id)
    for task_id in names:
        ending.release_children(tx, task_id)
    run_ends.follow(tx, [(name, Status.APPROVED) for name in names], ending.end_together)


def _enter(
    tx: Transaction, run: int, tasks: Sequence[NewRunTask], source: str, limits: lanes.ConcurrencyLimits
) -> None:
    """Enter tasks in the order of their ids, by which they are taken where nothing else tells them apart."""
    ordered = sorted(tasks, key=lambda task: task.id)
    kept = intake.kept_limits(tx, limits)
    last = tx.one("last_seq")
    first = int(last["seq"]) + 1 if last else 1
    # Entered before anything follows from the tasks: where one of them ends at once, its run knows it.
    rows = [(first + at, run, *_columns(task)) for at, task in enumerate(ordered)]
    intake.enter(
        tx,
        Intake([task.new for task in ordered]),
        source,
        kept,
        and_then=lambda: tx.insert("insert_run_task", rows),
    )


def _columns(task: NewRunTask) -> tuple[Any, ...]:
    """What stands in the table of a task's own."""
    told = (task.id, dump(task.doc), int(task.required), int(task.needs_any))
    stems = (task.parent, task.subtree_micros, task.added_by, task.depth, task.round, task.previous)
    return (*told, *stems)


def add(
    tx: Transaction, run_id: str, tasks: Sequence[NewRunTask], source: str, limits: lanes.ConcurrencyLimits
) -> sqlite3.Row:
    """Add tasks to a run that goes on; its row.

    Raises `RunNotFound`, `RunCompleted`, `TaskExists`, `InvalidInput` over `max_tasks`.
    """
    row = find(tx, run_id)
    if row["state"] != "running" or row["is_stopping"]:
        raise RunCompleted(f"The run {run_id!r} is {row['state']} and takes no more tasks.", run_id=run_id)
    _check_are_new(tx, row, tasks)
    _grow(tx, row, _fitting(tx, row, tasks), source, limits)
    return find(tx, run_id)


def _fitting(tx: Transaction, run: sqlite3.Row, tasks: Sequence[NewRunTask]) -> list[NewRunTask]:
    """The tasks, which wait for rounds that they depend on a part of. Raises `DagInvalid`.

    They were held to the run before, but for what came to it since.
    """
    places = {task.id: f"tasks[{number}]" for number, task in enumerate(tasks)}
    fresh, there = _shapes(tx, run, tasks)
    for name, misfit in misfits(fresh, there, places).items():
        path = f"{places[name]}.{misfit.field}"
        raise DagInvalid(f"{path}: {misfit.reason}", path=path)
    return waiting(tasks, run["id"], waits(fresh, there))


def _shapes(
    tx: Transaction, run: sqlite3.Row, tasks: Sequence[NewRunTask]
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Tasks that are added, and what is there of their run."""
    fresh = {task.id: run_shapes.of_request({**task.doc, "id": task.id}) for task in tasks}
    return fresh, run_shapes.there(tx, run, fresh)


def _grow(
    tx: Transaction,
    run: sqlite3.Row,
    tasks: Sequence[NewRunTask],
    source: str,
    limits: lanes.ConcurrencyLimits,
) -> None:
    _check_are_new(tx, run, tasks)
    count = run["tasks"] + len(tasks)
    if count > run["max_tasks"]:
        most = f"max_tasks allows {run['max_tasks']:,}"
        raise InvalidInput(f"tasks: the run would have {count:,} tasks; {most}", path="tasks")
    tx.run("run_added", seq=run["seq"], count=len(tasks))
    run_ends.tell(tx, "run.tasks_added", run, count=len(tasks), source=source)
    _enter(tx, run["seq"], tasks, source, limits)


def _check_are_new(tx: Transaction, run: sqlite3.Row, tasks: Sequence[NewRunTask]) -> None:
    known = tx.one("run_taken_ids", run=run["id"], ids=dump([one.id for one in tasks]))
    if known is not None:
        raise TaskExists(_why_taken(known), task_id=known["id"])


def _why_taken(task: sqlite3.Row) -> str:
    """Why a run takes no task of an id, which one has that may not be shown with it."""
    if task["is_lost"]:
        return (
            f"The run had a task {task['id']!r} that was lost with a damaged database; give another id, and "
            "ask for it anew."
        )
    return f"The run has a task {task['id']!r} already."


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a run takes of the tasks that an answer asks for."""

    tasks: list[NewRunTask]
    #: the others, each with the field of it that says why, none for the task itself, and the reason
    left_out: dict[str, tuple[str, str]]


def fitting(
    tx: Transaction, run: sqlite3.Row, tasks: Sequence[NewRunTask], places: Mapping[str, str]
) -> Fitted:
    """Those of the tasks that fit a run and that it has room for, in their order; why the others do not.

    One that waits for a task which is left out is left out too. `places`: where they stand in the answer.
    """
    taken = {row["id"] for row in tx.all("run_taken_ids", run=run["id"], ids=dump([one.id for one in tasks]))}
    left_out = {task.id: ("id", f"there is a task {task.id} already") for task in tasks if task.id in taken}
    fresh, there = _shapes(tx, run, [task for task in tasks if task.id not in taken])
    found = misfits(fresh, there, places)
    left_out |= {name: (each.field, each.reason) for name, each in found.items()}
    kept = [task for task in tasks if task.id not in left_out]
    room = max(0, run["max_tasks"] - run["tasks"])
    left_out |= {task.id: ("", f"max_tasks allows {run['max_tasks']:,}") for task in kept[room:]}
    _leave_out_behind(kept[:room], left_out)
    kept = [task for task in kept if task.id not in left_out]
    return Fitted(
        waiting(kept, run["id"], waits({task.id: fresh[task.id] for task in kept}, there)), left_out
    )


def _leave_out_behind(tasks: Sequence[NewRunTask], left_out: dict[str, tuple[str, str]]) -> None:
    """Leave out those too that depend on a task which is."""
    left = [*tasks]
    for task in left:  # grows while it is read
        deps = task.doc.get("deps") or ()
        lost = next((at for at, dep in enumerate(deps) if dep in left_out), None)
        if task.id not in left_out and lost is not None:
            left_out[task.id] = (f"deps[{lost}]", f"{deps[lost]} is not there")
            left += tasks


def enter_added(tx: Transaction, run_id: str, tasks: Sequence[NewRunTask], source: str) -> None:
    """Enter tasks that fit (`fitting`) a run that goes on."""
    _grow(tx, find(tx, run_id), tasks, source, lanes.ConcurrencyLimits())


def expand(
    tx: Transaction, ref: TaskRef, tasks: Sequence[NewRunTask], limits: lanes.ConcurrencyLimits
) -> bool:
    """Have a claimed task wait for those that do its items; false where the claim is no longer ours.

    Raises `TaskExists`, `InvalidInput` over `max_tasks`.
    """
    row = claims.held(tx, ref, "the items of a list")
    if row is None or recording.end_withdrawn(tx, row):
        return False
    become(tx, row, tasks, [task.id for task in tasks], limits)
    recording.end_attempt(tx, row, "mapped")
    tx.emit(
        "task.mapped", task_id=row["id"], status="queued", count=len(tasks), reason="it waits for its items"
    )
    fail_behind_the_dead(tx, tasks)
    return True


def become(
    tx: Transaction,
    row: sqlite3.Row,
    tasks: Sequence[NewRunTask],
    waits_for: Sequence[str],
    limits: lanes.ConcurrencyLimits,
) -> None:
    """Enter tasks that do the work of another, and have it wait for those of them that are named.

    Raises `TaskExists`, `InvalidInput` over `max_tasks`, and has changed nothing then.
    """
    run_id = run_ends.run_of(row["id"])
    _grow(tx, find(tx, run_id), tasks, "run", limits)
    names = [f"{run_id}:{name}" for name in waits_for]
    tx.run_many("insert_edge", ({"child": row["seq"], "parent": name} for name in names))
    tx.run("put_items", task=row["seq"], items=dump([*waits_for]))
    states = intake.states_of(tx, names)
    waiting_on = sum(state != "approved" for state in states.values())
    tx.run("wait_for_items", seq=row["seq"], waiting_on=waiting_on)
    tx.mark_dirty(row["seq"])


def fail_behind_the_dead(tx: Transaction, tasks: Sequence[NewRunTask]) -> None:
    """Whoever waits for a task that ended as it was entered fails with it."""
    states = intake.states_of(tx, [task.new.task.id for task in tasks])
    dead = next((name for name, state in states.items() if ending.is_dead(state)), None)
    if dead is not None:
        ending.fail_children(tx, dead, Status(states[dead]))
