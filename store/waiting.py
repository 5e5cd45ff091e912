"""Why a task is not running: one sentence, made in one place, the same on every face. Pure."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clock import to_local_text
from store import lanes


@dataclass(frozen=True)
class Situation:
    """What is going on in the home, as far as it holds tasks back."""

    gate: lanes.Gate = field(default_factory=lanes.Gate)
    limits: lanes.ConcurrencyLimits = field(default_factory=lanes.ConcurrencyLimits)
    #: lanes of what runs
    running: Sequence[str] = ()
    #: the first ready task of each lane
    heads: Sequence[lanes.Head] = ()
    #: why nobody would take a task; none where a worker does, or where nobody has looked
    absent: str | None = None
    #: says what holds a task that a budget holds, as it is now; none where it is no budget
    money: Callable[[sqlite3.Row], str | None] = lambda _: None


def waiting_for(
    row: sqlite3.Row, parents: Sequence[sqlite3.Row], question: sqlite3.Row | None, now: Situation
) -> str | None:
    """What holds the task; none when it runs or has ended.

    `parents` are the dependencies with their states, `question` the open decision about the task.
    """
    state = row["state"]
    if state == "blocked":
        return _dependencies(row["id"], parents)
    if state == "delayed":
        return _time(row, now)
    if state == "ready":
        return _turn(row, now)
    if state == "review":
        return "a person: " + question["question"] if question is not None else "its review"
    if state == "running":
        return _way(row, now)
    return None


def _way(row: sqlite3.Row, now: Situation) -> str | None:
    """What a task that was claimed waits for; none where somebody executes it."""
    if now.absent is not None:
        return now.absent
    if row["cancel_requested"]:
        return "being stopped"
    return now.gate.paused if now.gate.waits_for_swarm else None


def _dependencies(task_id: str, parents: Sequence[sqlite3.Row]) -> str:
    missing = [parent["id"] for parent in parents if parent["state"] is None]
    schedules = [parent["id"] for parent in parents if parent["every"] is not None]
    open_ones = [
        parent["id"]
        for parent in parents
        if parent["state"] not in {None, "approved"} and parent["id"] not in schedules
    ]
    parts = [parent["id"] for parent in parents if parent["plan_parent"] == task_id]
    told = []
    if subtasks := [each for each in open_ones if each in parts]:
        told.append(f"its subtasks {_some(subtasks)} to be approved")
        open_ones = [each for each in open_ones if each not in parts]
    if schedules:
        told.append(f"{_some(schedules)}, a schedule, which never ends: depend on one of its firings")
    if open_ones:
        told.append(f"{_some(open_ones)} to be approved")
    if missing:
        told.append(f"{_some(missing)}, which {'do' if len(missing) > 1 else 'does'} not exist")
    return "; ".join(told)


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _time(row: sqlite3.Row, now: Situation) -> str:
    if row["not_before"] is None:
        return now.money(row) or str(row["waiting_for"])  # what holds its model call
    moment = to_local_text(row["not_before"])
    if row["every"]:
        return f"its next firing at {moment} (every {row['every']})"
    return f"{row['waiting_for']}; next try at {moment}" if row["waiting_for"] else f"its time, {moment}"


def _stopped(now: Situation) -> str | None:
    """Why nothing is started; that nobody would take it comes before what swarm once said of itself."""
    if now.absent is not None and (now.gate.cause is None or now.gate.waits_for_swarm):
        return now.absent
    return now.gate.paused


def _limit(full: str, limits: lanes.ConcurrencyLimits) -> str:
    kind, _, name = full.partition(":")
    if kind == "run":
        return f"a slot of its run ({limits.of(full)} of its tasks at once: max_parallelism)"
    return f"the concurrency limit of {kind} {name} ({limits.of(full)} at once)"


def _turn(row: sqlite3.Row, now: Situation) -> str:
    lane = row["lane"]
    closed = lanes.held_by_mode(lane, now.gate)
    stopped = _stopped(now)
    # What was found of models and the sandbox stays true while no daemon runs, and says more.
    if stopped is not None and (closed is None or stopped != now.absent):
        return stopped
    if closed is not None:
        return closed
    room = lanes.closed_room(lane, now.gate)
    if room is not None:
        model = lanes.rated_model(lane, now.gate)
        return f"rate limit of {model} ({room.limit}); next try at {to_local_text(room.opens_at)}"
    full = lanes.full_limit(lane, now.running, now.limits, now.gate.default_model)
    if full is not None:
        return _limit(full, now.limits)
    if lanes.is_alone(lane) and now.running:
        count = "a running task" if len(now.running) == 1 else f"{len(now.running)} running tasks"
        why = "its process has ended amid it before" if lanes.is_suspect(lane) else "parallel_safe is false"
        return f"{count} to end: it runs alone ({why})"
    if any(map(lanes.is_alone, now.running)):
        return "a task that runs alone to end"
    ahead = None
    if now.heads:
        ahead = lanes.ahead_alone(
            lanes.Head(lane, row["priority"], row["seq"]), now.heads, now.running, now.gate
        )
    if ahead is not None:
        return f"{ahead.id} to go first: it runs alone, when what runs has ended"
    model = lanes.rated_model(lane, now.gate)
    return "a free slot" if model is None else f"a free slot, within the rate of {model}"
