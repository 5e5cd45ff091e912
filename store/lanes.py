"""Which ready task may start beside what runs: pure decisions over lanes.

A task's lane names every limit it falls under: its mode, whether it runs alone, its limited model and tags,
and the model whose rate is limited. Tasks of one lane are alike to every limit, so only the first ready task
of each lane is ever looked at, and a lane that is closed hides the tasks behind it at no cost, however many
they are.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self
from urllib.parse import quote, unquote

from runtime_contract import Task
from settings import Settings
from store.processes import SWARM, SWARM_STARTING

ALONE = "alone"
#: The part of a lane for a task that may be what ends its process (`store.suspects`): it runs alone.
SUSPECT: Final = "suspect"
#: Begins the part of a lane that names a model of which so many tasks may run at once; no name: as of `RATE`.
MODEL: Final = "model:"
#: Begins the part of a lane that names a model whose rate is limited; no name: the model that is used where a
#: task names none.
RATE: Final = "rate:"
#: Stands for every model, where rates are given by model.
EVERY_OTHER: Final = "*"
#: Begins the part of a lane that names a run, with how many of its tasks may run at once: ``run:4/ID``.
RUN: Final = "run:"
#: The part of a lane for what a person or another run does: it needs no model, no sandbox and no room at one.
ASK: Final = "ask"


@dataclass(frozen=True)
class ConcurrencyLimits:
    """How many tasks with a tag or of a model may run at once, and which models have a rate."""

    tags: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)
    #: models whose rate is limited, or `EVERY_OTHER`
    rated: frozenset[str] = frozenset()

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        rated = frozenset(settings.rate_requests) | frozenset(settings.rate_tokens)
        return cls(settings.tag_limits, settings.model_limits, rated)

    def as_json(self) -> str:
        """The limits as the store keeps them."""
        # Tasks that name no model were once in no lane of one: where models are limited this tells it apart.
        unnamed = ["unnamed"] if self.models else []
        told = [dict(self.tags), dict(self.models), sorted(self.rated), *unnamed]
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The limits that `as_json` told."""
        tags, models, *rated = json.loads(text)
        return cls(tags, models, frozenset(*rated[:1]))

    def of(self, limit: str) -> int | None:
        """The limit a part of a lane stands for, or none."""
        kind, _, name = limit.partition(":")
        if kind == "run":
            return int(name.partition("/")[0])
        return {"tag": self.tags, "model": self.models}.get(kind, {}).get(name)


@dataclass(frozen=True)
class Room:
    """How often a model whose rate is limited may be asked right now."""

    calls: int
    #: such as ``60 requests a minute``
    limit: str
    #: when it may be asked once more, Unix seconds
    opens_at: float


@dataclass(frozen=True)
class Gate:
    """What holds whole kinds of tasks back right now, each with the sentence that says why."""

    #: nothing is claimed
    paused: str | None = None
    #: mode -> why no task of it starts
    closed_modes: Mapping[str, str] = field(default_factory=dict)
    #: what stops all claiming: kill_switch, disk_full, audit, circuit_breaker, swarm, swarm_starting or pause
    cause: str | None = None
    #: model -> its room; a model that is not here may be asked
    rooms: Mapping[str, Room] = field(default_factory=dict)
    #: the model that is used where a task names none
    default_model: str = ""

    @property
    def next_opening(self) -> float | None:
        """When the first model that may not be asked now may be again, Unix seconds."""
        return min((room.opens_at for room in self.rooms.values() if room.calls < 1), default=None)

    @property
    def is_starting(self) -> bool:
        """Whether nothing is claimed only because swarm is about to come up."""
        return self.cause == SWARM_STARTING

    @property
    def waits_for_swarm(self) -> bool:
        """Whether nothing is claimed because swarm is not up."""
        return self.cause in {SWARM, SWARM_STARTING}

    def lasting(self) -> Gate:
        """The gate without what changes by the second, for a view in which every task is written down."""
        if self.is_starting:
            return replace(self, rooms={}, paused=None, cause=None)
        return replace(self, rooms={})

    def after_claim(self, lane: str) -> Gate:
        """The gate when a task of this lane has been claimed: its model may be asked once less."""
        model = rated_model(lane, self)
        if model is None or model not in self.rooms:
            return self
        room = self.rooms[model]
        return replace(self, rooms={**self.rooms, model: replace(room, calls=room.calls - 1)})


@dataclass(frozen=True)
class Head:
    """The first ready task of a lane."""

    lane: str
    priority: int
    seq: int
    id: str = ""


def lane_of(task: Task, limits: ConcurrencyLimits) -> str:
    """The lane of a task: ``llm``, ``local|alone``, ``llm|model:x|tag:gpu``."""
    if task.parallel_safe and not (limits.tags or limits.models or limits.rated):
        return task.mode
    parts: list[str] = [task.mode]
    if not task.parallel_safe:
        parts.append(ALONE)
    if task.model in limits.models:
        parts.append(f"{MODEL}{task.model}")
    elif limits.models and task.model is None and task.mode == "llm":
        parts.append(MODEL)
    parts += sorted({f"tag:{tag}" for tag in task.tags if tag in limits.tags})
    if limits.rated and task.mode == "llm" and _is_rated(task.model, limits):
        parts.append(RATE + quote(task.model or "", safe="/:"))
    return "|".join(parts)


def run_part(run_id: str, at_once: int) -> str:
    """The part of a lane for the tasks of a run, of which so many may run at once."""
    return f"{RUN}{at_once}/{run_id}"


def lasting_part_of(lane: str) -> str:
    """The parts of a lane that do not follow from the words of its task and the limits."""
    return "|".join(part for part in lane.split("|") if part in {ASK, SUSPECT} or part.startswith(RUN))


def is_suspect(lane: str) -> bool:
    """Whether the tasks of a lane may be what ends their process."""
    return SUSPECT in lane.split("|")


def unsuspected(lane: str) -> str:
    """The lane of the same task when it is cleared of that."""
    return "|".join(part for part in lane.split("|") if part != SUSPECT)


def is_ask(lane: str) -> bool:
    """Whether the tasks of a lane are done by a person or by another run."""
    return ASK in lane.split("|")


def joined(lane: str, part: str) -> str:
    """A lane with one more part; an empty part changes nothing."""
    return f"{lane}|{part}" if part else lane


def _is_rated(model: str | None, limits: ConcurrencyLimits) -> bool:
    return model is None or model in limits.rated or EVERY_OTHER in limits.rated


def rated_model(lane: str, gate: Gate) -> str | None:
    """The model of this lane whose rate is limited, or none."""
    part = next((part for part in lane.split("|") if part.startswith(RATE)), None)
    return None if part is None or is_ask(lane) else unquote(part.removeprefix(RATE)) or gate.default_model


def spread(rows: Iterable[sqlite3.Row]) -> list[str]:
    """The lanes of what runs, one for each task, from rows that count them."""
    return [lane for row in rows for lane in [row["lane"]] * row["count"]]


def choose(
    heads: Iterable[Head], running: Sequence[str], gate: Gate, limits: ConcurrencyLimits
) -> str | None:
    """The lane to claim from next, or none while every ready task is held back.

    A task that runs alone lets what runs come to its end first, and nothing that stands behind it overtakes
    it meanwhile, so that it cannot starve.
    """
    for head in sorted(heads, key=lambda head: (-head.priority, head.seq)):
        if _is_let_through(head.lane, gate):
            if is_alone(head.lane):
                return None if running else head.lane
            if any(map(is_alone, running)):
                return None
            if full_limit(head.lane, running, limits, gate.default_model) is None:
                return head.lane
    return None


def _is_let_through(lane: str, gate: Gate) -> bool:
    is_open = held_by_mode(lane, gate) is None and closed_room(lane, gate) is None
    return gate.paused is None and is_open


def ahead_alone(task: Head, heads: Iterable[Head], running: Sequence[str], gate: Gate) -> Head | None:
    """The task that runs alone, goes before this one and waits for what runs; or none."""
    if not running:
        return None
    place = (-task.priority, task.seq)
    before = [
        head
        for head in heads
        if is_alone(head.lane) and _is_let_through(head.lane, gate) and (-head.priority, head.seq) < place
    ]
    return min(before, key=lambda head: (-head.priority, head.seq), default=None)


def at_once(lane: str, heads: Iterable[Head], gate: Gate, slots: int) -> int:
    """How many tasks of the chosen lane may be taken before the choice must be made again.

    All there are slots for where its tasks fall under no limit and no other lane has a say.
    """
    is_contested = any(head.lane != lane and _is_let_through(head.lane, gate) for head in heads)
    return 1 if is_contested or "|" in lane else slots


def held_by_mode(lane: str, gate: Gate) -> str | None:
    """Why no task of this lane's mode starts, or none."""
    return None if is_ask(lane) else gate.closed_modes.get(lane.partition("|")[0])


def closed_room(lane: str, gate: Gate) -> Room | None:
    """The room of this lane's model where it may not be asked now, or none."""
    model = rated_model(lane, gate)
    room = None if model is None else gate.rooms.get(model)
    return room if room is not None and room.calls < 1 else None


def full_limit(
    lane: str, running: Sequence[str], limits: ConcurrencyLimits, default_model: str = ""
) -> str | None:
    """The first limit of this lane that is used up, or none; with the model that a task without one asks."""
    counts = Counter(part for other in running for part in _limited(other, default_model))
    for part in _limited(lane, default_model):
        limit = limits.of(part)
        if limit is not None and counts[part] >= limit:
            return part
    return None


def _limited(lane: str, default_model: str) -> list[str]:
    """The parts of a lane that stand for limits, with the name of the model where the task names none."""
    parts = lane.split("|")[1:]
    if ASK in parts:
        return [part for part in parts if part != MODEL]
    return [MODEL + default_model if part == MODEL else part for part in parts]


def is_alone(lane: str) -> bool:
    """Whether a task of this lane runs with nothing beside it."""
    return not {ALONE, SUSPECT}.isdisjoint(lane.split("|"))
