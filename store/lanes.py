"""Which ready task may start beside what runs: pure decisions over lanes.

A task's lane names every limit it falls under: its mode, whether it runs alone, and its limited model and
tags. Tasks of one lane are alike to every limit, so only the first ready task of each lane is ever looked
at, and a lane that is closed hides the tasks behind it at no cost, however many they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runtime_contract import Task

ALONE = "alone"


@dataclass(frozen=True)
class ConcurrencyLimits:
    """How many tasks with a tag or of a model may run at once."""

    tags: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> str:
        """The limits as the store keeps them."""
        return json.dumps([dict(self.tags), dict(self.models)], sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ConcurrencyLimits:
        """The limits that `as_json` told."""
        tags, models = json.loads(text)
        return cls(tags, models)

    def of(self, limit: str) -> int | None:
        """The limit a part of a lane stands for, or none."""
        kind, _, name = limit.partition(":")
        return (self.tags if kind == "tag" else self.models).get(name)


@dataclass(frozen=True)
class Gate:
    """What holds whole kinds of tasks back right now, each with the sentence that says why."""

    #: nothing is claimed
    paused: str | None = None
    #: mode -> why no task of it starts
    closed_modes: Mapping[str, str] = field(default_factory=dict)
    #: what stops all claiming: kill_switch, disk_full, audit, circuit_breaker or pause
    cause: str | None = None


@dataclass(frozen=True)
class Head:
    """The first ready task of a lane."""

    lane: str
    priority: int
    seq: int


def lane_of(task: Task, limits: ConcurrencyLimits) -> str:
    """The lane of a task: ``llm``, ``local|alone``, ``llm|model:x|tag:gpu``."""
    parts: list[str] = [task.mode]
    if not task.parallel_safe:
        parts.append(ALONE)
    if task.model in limits.models:
        parts.append(f"model:{task.model}")
    parts += sorted({f"tag:{tag}" for tag in task.tags if tag in limits.tags})
    return "|".join(parts)


def choose(
    heads: Iterable[Head], running: Sequence[str], gate: Gate, limits: ConcurrencyLimits
) -> str | None:
    """The lane to claim from next, or none while every ready task is held back.

    A task that runs alone lets what runs come to its end first, and nothing that stands behind it overtakes
    it meanwhile, so that it cannot starve.
    """
    for head in sorted(heads, key=lambda head: (-head.priority, head.seq)):
        if gate.paused is None and held_by_mode(head.lane, gate) is None:
            if _is_alone(head.lane):
                return None if running else head.lane
            if any(map(_is_alone, running)):
                return None
            if full_limit(head.lane, running, limits) is None:
                return head.lane
    return None


def held_by_mode(lane: str, gate: Gate) -> str | None:
    """Why no task of this lane's mode starts, or none."""
    return gate.closed_modes.get(lane.partition("|")[0])


def full_limit(lane: str, running: Sequence[str], limits: ConcurrencyLimits) -> str | None:
    """The first limit of this lane that is used up, or none."""
    counts = Counter(part for other in running for part in other.split("|")[1:])
    for part in lane.split("|")[1:]:
        limit = limits.of(part)
        if limit is not None and counts[part] >= limit:
            return part
    return None


def _is_alone(lane: str) -> bool:
    return ALONE in lane.split("|")
