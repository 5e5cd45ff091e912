"""Entering tasks: edges, cycles, and the state each begins in, for one or for ten thousand at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import cronsim

from clock import to_local
from runtime_contract import Status, Task
from store import cycles, ending, lanes
from store.records import EndedTask, Intake, NewTask, RefusedTask, task_of
from store.transaction import Transaction, dump

#: How many names of a dependency cycle are told.
CYCLE_TOLD: Final = 20
#: The limits that the leader goes by, kept so that every process enters tasks into the same lanes.
LANE_LIMITS: Final = "lane_limits"
#: Seconds between two times of a schedule, at the least.
_MINUTE: Final = 60.0


def enter_unknown(
    tx: Transaction, brought: Intake, source: str, limits: lanes.ConcurrencyLimits
) -> list[str]:
    """Enter what the store does not know; of entries with one id the first. The ids of the new tasks."""
    limits = kept_limits(tx, limits)
    ids = [new.task.id for new in brought.new]
    ids += [entry.id for entry in brought.refused] + [entry.id for entry in brought.ended]
    known = states_of(tx, ids)
    fresh, again = {}, list(brought.duplicates)
    for new in brought.new:
        if new.task.id in known or new.task.id in fresh:
            again.append(new.task.id)
        else:
            fresh[new.task.id] = new
    refused = [entry for entry in brought.refused if entry.id not in known]
    ended = [entry for entry in brought.ended if entry.id not in known]
    return enter(tx, Intake(list(fresh.values()), refused, ended, again), source, limits)


def kept_limits(tx: Transaction, own: lanes.ConcurrencyLimits) -> lanes.ConcurrencyLimits:
    """The limits that the leader goes by; before there was one, this process's own."""
    kept = tx.meta(LANE_LIMITS)
    return own if kept is None else lanes.ConcurrencyLimits.from_json(kept)


def enter(
    tx: Transaction,
    intake: Intake,
    source: str,
    limits: lanes.ConcurrencyLimits,
    and_then: Callable[[], None] | None = None,
) -> list[str]:
    """Enter everything an intake holds; return the ids of the new tasks. Ids must be unknown to the store.

    `and_then` is done when the tasks are there and nothing has followed from it yet.
    """
    _enter_ended(tx, intake.ended, source)
    _enter_refused(tx, intake.refused, source)
    first = _next_seq(tx)
    seqs = {new.task.id: first + index for index, new in enumerate(intake.new)}
    waiting = _wait_counts(tx, intake.new, seqs)
    tx.insert("insert_new_task", [_row(tx, new, seqs, waiting, source, limits) for new in intake.new])
    if and_then is not None:
        and_then()
    _enter_edges(tx, intake.new, seqs)
    _tell_queued(tx, intake.new, source)
    if seqs:
        tx.run("mark_new_dirty", first=first)
    for known in intake.duplicates:
        tx.emit("task.duplicate", task_id=known, source=source, reason="a task of this id is already known")
    settle_dependencies(tx, [new.task for new in intake.new], [*intake.refused, *intake.ended])
    return list(seqs)


def _tell_queued(tx: Transaction, new: Sequence[NewTask], source: str) -> None:
    """One event a task; most tasks have nothing to tell but their mode, so that is written once."""
    plain: dict[str, str] = {}
    rows = []
    for entry in new:
        task = entry.task
        if task.depends_on or task.every:
            told = {
                "source": source,
                "mode": task.mode,
                "depends_on": task.depends_on or None,
                "every": task.every,
            }
            data = dump({name: value for name, value in told.items() if value is not None})
        else:
            data = plain.get(task.mode) or plain.setdefault(
                task.mode, dump({"source": source, "mode": task.mode})
            )
        rows.append((task.id, data))
    tx.emit_many("task.queued", "queued", rows)


def _next_seq(tx: Transaction) -> int:
    row = tx.one("last_seq")
    return int(row["seq"]) + 1 if row else 1


def _row(
    tx: Transaction,
    new: NewTask,
    seqs: Mapping[str, int],
    waiting: Mapping[str, int],
    source: str,
    limits: lanes.ConcurrencyLimits,
) -> tuple[object, ...]:
    task = new.task
    not_before = first_time(task, tx.now)
    waiting_on = waiting.get(task.id, 0)
    is_later = not_before is not None and not_before > tx.now
    return (
        seqs[task.id],
        task.id,
        "blocked" if waiting_on else "delayed" if is_later else "ready",
        lanes.joined(lanes.lane_of(task, limits), new.lane_part),
        task.priority,
        not_before,
        task.every,
        waiting_on,
        dump(new.doc),
        source,
        tx.now,
    )


def first_time(task: Task, now: float) -> float | None:
    """When a task may start; a schedule at the first of its times to come that is not before `not_before`."""
    earliest = task.not_before
    if task.every is None:
        return earliest
    moment = next_firing(task.every, now if earliest is None else max(now, earliest - _MINUTE))
    while earliest is not None and moment < earliest:  # at that very time it may fire
        moment = next_firing(task.every, moment)
    return moment


def next_firing(every: str, after: float) -> float:
    """When a schedule fires next, Unix seconds; cron runs on local time, summer and winter."""
    return float(next(cronsim.CronSim(every, to_local(after))).timestamp())


def _wait_counts(tx: Transaction, new: Sequence[NewTask], seqs: Mapping[str, int]) -> dict[str, int]:
    """How many dependencies of each new task are not approved yet."""
    outside = {parent for entry in new for parent in entry.task.depends_on if parent not in seqs}
    known = states_of(tx, outside)
    return {
        entry.task.id: sum(known.get(parent) != "approved" for parent in dict.fromkeys(entry.task.depends_on))
        for entry in new
        if entry.task.depends_on
    }


def states_of(tx: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """The states of those tasks that exist."""
    wanted = list(ids)
    return {row["id"]: row["state"] for row in tx.all("states_of", ids=dump(wanted))} if wanted else {}


def _enter_edges(tx: Transaction, new: Sequence[NewTask], seqs: Mapping[str, int]) -> None:
    edges = [
        {"child": seqs[entry.task.id], "parent": parent} for entry in new for parent in entry.task.depends_on
    ]
    if edges:
        tx.run_many("insert_edge", edges)


def _enter_ended(tx: Transaction, entries: Sequence[EndedTask], source: str) -> None:
    for entry in entries:
        _insert_ended(tx, entry.id, entry.status, dump(entry.doc), source, None, None)
        tx.emit("task.imported", task_id=entry.id, status=entry.status.value, source=source)


def _enter_refused(tx: Transaction, entries: Sequence[RefusedTask], source: str) -> None:
    for entry in entries:
        doc = dump({"id": entry.id, "raw": entry.raw})
        _insert_ended(tx, entry.id, Status.FAILED, doc, source, entry.code, entry.reason)
        tx.emit(
            "task.refused",
            task_id=entry.id,
            status="failed",
            source=source,
            reason=entry.reason,
            code=entry.code,
            path=entry.path,
        )


def _insert_ended(
    tx: Transaction, task_id: str, status: Status, doc: str, source: str, code: str | None, reason: str | None
) -> None:
    seq = _next_seq(tx)
    tx.run(
        "insert_task",
        seq=seq,
        id=task_id,
        state=status.value,
        lane="none",
        priority=0,
        not_before=None,
        every=None,
        waiting_on=0,
        doc=doc,
        code=code,
        reason=reason,
        source=source,
        created=tx.now,
        finished=tx.now,
    )
    tx.mark_dirty(seq)


def settle_dependencies(
    tx: Transaction,
    changed: Sequence[Task],
    ended: Sequence[RefusedTask | EndedTask] = (),
    *,
    reaches_older: bool = False,
) -> None:
    """What follows from new edges: cycles and dead dependencies fail tasks, missing ones are noted.

    `reaches_older`: tasks that are not among the changed may wait for these, so a cycle may lead through
    them.
    """
    arrived = [task.id for task in changed] + [entry.id for entry in ended]
    was_missing = {row["parent"] for row in tx.all("missing_among", ids=dump(arrived))}
    for parent in was_missing:
        tx.run("delete_missing_parent", parent=parent)
    dependants = [task for task in changed if task.depends_on]
    _fail_cycles(tx, dependants, reaches_older or bool(was_missing))
    _note_missing_and_dead(tx, dependants)
    for entry in ended:
        if entry.id in was_missing:
            _tell_children(tx, entry)


def _tell_children(tx: Transaction, entry: RefusedTask | EndedTask) -> None:
    """A task arrived that has ended already, and somebody waited for it."""
    status = entry.status if isinstance(entry, EndedTask) else Status.FAILED
    if status is Status.APPROVED:
        ending.release_children(tx, entry.id)
    else:
        ending.fail_children(tx, entry.id, status)


def _note_missing_and_dead(tx: Transaction, dependants: Sequence[Task]) -> None:
    known = states_of(tx, {parent for task in dependants for parent in task.depends_on})
    for task in dependants:
        missing = [parent for parent in task.depends_on if parent not in known]
        if missing:
            _note_missing(tx, task.id, missing)
        dead = next((parent for parent in task.depends_on if ending.is_dead(known.get(parent))), None)
        if dead is not None:
            ending.fail_children(tx, dead, Status(known[dead]))


def _note_missing(tx: Transaction, task_id: str, missing: list[str]) -> None:
    row = tx.one("get_task", id=task_id)
    if row is not None and row["state"] == "blocked":
        tx.run_many(
            "insert_missing_parent",
            ({"child": row["seq"], "parent": parent, "since": tx.now} for parent in missing),
        )


def warn_of_missing(tx: Transaction, before: float) -> int:
    """Say once of each task that a dependency has been missing since `before`; return how many."""
    rows = tx.all("missing_to_warn", before=before)
    for row in rows:
        missing = row["parents"].split("\n")
        tx.emit(
            "task.waiting",
            task_id=row["id"],
            missing=missing,
            reason=f"waits for {', '.join(missing)}, which does not exist; add it, or edit depends_on",
        )
        tx.run("mark_missing_warned", child=row["seq"])
    return len(rows)


def _fail_cycles(tx: Transaction, dependants: Sequence[Task], reaches_older: bool) -> None:
    """Fail every member of every dependency cycle that the changed tasks close."""
    graph: dict[str, set[str]] = {task.id: set(task.depends_on) for task in dependants}
    if reaches_older:
        for row in tx.all("blocked_upwards", ids=dump(list(graph))):
            graph.setdefault(row["child"], set()).add(row["parent"])
    for cycle in find_cycles(graph):
        rows = [tx.one("get_task", id=member) for member in dict.fromkeys(cycle)]
        ending.end_together(
            tx,
            [row for row in rows if row is not None and row["state"] == "blocked"],
            code=cycles.CYCLE,
            reason=f"depends on itself: {_told_of(cycle)}; correct depends_on of one of them with "
            f"`skep edit --retry {cycle[0]}`",
            **_way_of(cycle),
        )


def _way_of(cycle: Sequence[str]) -> dict[str, Any]:
    """The fields that tell a cycle; of a long one its beginning, with how many ids come behind that."""
    if len(cycle) <= CYCLE_TOLD + 1:
        return {"cycle": list(cycle)}
    return {"cycle": list(cycle[:CYCLE_TOLD]), "cycle_left_out": len(cycle) - CYCLE_TOLD}


def _told_of(cycle: Sequence[str]) -> str:
    """The path of a cycle; of a long one its beginning and its end, for each of its members tells it."""
    most = CYCLE_TOLD // 2
    if len(cycle) <= CYCLE_TOLD + 1:
        return " -> ".join(cycle)
    left_out = f"({len(cycle) - 2 * most:,} more)"
    return " -> ".join([*cycle[:most], left_out, *cycle[-most:]])


def find_cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Cycles of a graph of id -> dependencies, each as a path that ends where it began.

    After a cycle is found its members are taken out, so every task is in at most one. One walk in depth:
    the time is that of reading the graph, however many cycles it has.
    """
    found: list[list[str]] = []
    done: set[str] = set()
    for start in graph:
        path: dict[str, Iterator[str]] = {} if start in done else {start: iter(graph[start])}
        while path:
            name, parents = next(reversed(path.items()))
            parent = next(parents, None)
            if parent is None:
                done.add(name)
                del path[name]
            elif parent in path:
                names = list(path)
                cycle = names[names.index(parent) :]
                found.append([*cycle, parent])
                done.update(cycle)
                for member in cycle:
                    del path[member]
            elif parent not in done:
                path[parent] = iter(graph.get(parent, ()))
    return found


def assign_lanes(tx: Transaction, limits: lanes.ConcurrencyLimits) -> None:
    """Put every open task into the lane that `limits` ask for."""
    for row in tx.all("open_docs"):
        lane = lanes.lane_of(task_of(row["doc"], row["id"]), limits)
        lane = lanes.joined(lane, lanes.lasting_part_of(row["lane"]))
        if lane != row["lane"]:
            tx.run("set_lane", seq=row["seq"], lane=lane)
