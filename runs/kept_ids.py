"""Ids that lists and rounds of a run need for the tasks they become: nobody else may take them. Pure.

The items of a list `l` are `l.1`, `l.2` and so on, the rounds of a step `p` are `p.r2`, `p.r3`, and the items
of a list in a round `l.r2.1`.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from run_contract.errors import DagInvalid
from run_contract.records import RunTask
from runs import round_rules
from runs.request import TaskRequest

_ITEM: Final = re.compile(r"(.+)\.[1-9][0-9]*")
_ROUND: Final = re.compile(r"(.+)\.r[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Shape:
    """A task of a run as far as ids and dependencies go."""

    deps: Sequence[str] = ()
    is_list: bool = False
    #: the task that its rounds begin with; none: it has no rounds
    first: str | None = None


@dataclass(frozen=True, slots=True)
class KeptIds:
    """The ids that are kept, by what becomes more tasks."""

    lists: frozenset[str]
    #: all that is part of rounds
    rounds: frozenset[str]

    def owner(self, name: str) -> str | None:
        """The list or the part of rounds that an id is kept for; none where it is free."""
        item, again = _ITEM.fullmatch(name), _ROUND.fullmatch(name)
        if again is not None:
            return again[1] if again[1] in self.rounds else None
        if item is None:
            return None
        inner = _ROUND.fullmatch(item[1])
        whole = inner[1] if inner is not None and inner[1] in self.rounds else item[1]
        return whole if whole in self.lists or item[1] in self.lists else None


@dataclass(frozen=True, slots=True)
class Crossing:
    """Two rounds that would both do a task again, for which one id would be needed twice."""

    #: who has the rounds, the later one first
    name: str
    other: str
    #: what both would do again
    step: str

    def told(self, where: str = "") -> str:
        """Why that cannot be, for a person. `where`: the place of the other."""
        place = f" ({where})" if where else ""
        return (
            f"the rounds of {self.name} and those of {self.other}{place} would both do {self.step} again; "
            "have one task repeat it, or let one of them begin later"
        )


def crossings(fresh: Mapping[str, Shape], there: Mapping[str, Shape] | None = None) -> Iterator[Crossing]:
    """Rounds of fresh tasks that cross others, of these too or of tasks that are there.

    Rounds within others, where both are fresh, are none (`round_rules.check`).
    """
    shapes = {**(there or {}), **fresh}
    deps = {name: each.deps for name, each in shapes.items()}
    owners: dict[str, str] = {}
    for name, each in shapes.items():
        if each.first is None:
            continue
        own = _part(name, each.first, deps)
        step = min(own & owners.keys(), default=None)
        other = None if step is None else owners[step]
        if step is not None and other is not None and name in fresh:
            is_within = other in own or name in _part(other, shapes[other].first or other, deps)
            if other not in fresh or not is_within:
                yield Crossing(name, other, step)
        owners |= dict.fromkeys(own - owners.keys(), name)


def _part(name: str, first: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    return frozenset({name}) if first == name else round_rules.part(name, first, deps)


def may_own(name: str) -> Iterator[str]:
    """Ids of tasks that an id may be kept for, if they are lists or parts of rounds."""
    for pattern in (_ITEM, _ROUND):
        found = pattern.fullmatch(name)
        if found is not None:
            yield found[1]
            yield from may_own(found[1])


def told(name: str, owner: str) -> str:
    """Why an id cannot be taken, for a person."""
    return f"{name} is kept for an item or a round of {owner}; choose another id"


def of(shapes: Mapping[str, Shape]) -> KeptIds:
    """The ids that these tasks need."""
    deps = {name: each.deps for name, each in shapes.items()}
    rounds: set[str] = set()
    for name, each in shapes.items():
        if each.first is not None:
            rounds |= _part(name, each.first, deps)
    return KeptIds(frozenset(name for name, each in shapes.items() if each.is_list), frozenset(rounds))


def shapes_of(tasks: Sequence[TaskRequest]) -> dict[str, Shape]:
    """Tasks as they are asked for, as shapes by their ids."""
    return {
        task.id: Shape(
            task.deps,
            task.for_each is not None,
            None if task.repeat is None else task.repeat.first or task.id,
        )
        for task in tasks
    }


def shapes_in_memory(tasks: Mapping[str, RunTask]) -> dict[str, Shape]:
    """Tasks of a run in memory as shapes; what a task became is none of its dependencies."""
    return {
        name: Shape(
            [dep for dep in task.deps if dep not in (task.items or ())],
            task.for_each is not None,
            None if task.repeat is None else task.repeat.first or name,
        )
        for name, task in tasks.items()
    }


def shapes_of_rows(rows: Iterable[sqlite3.Row]) -> dict[str, Shape]:
    """Tasks of a run in the store (``run_shapes``) as shapes."""
    found = {}
    for each in rows:
        repeat = json.loads(each["repeat"] or "null")
        first = None if repeat is None else repeat.get("first") or each["id"]
        found[each["id"]] = Shape(json.loads(each["deps"] or "[]"), bool(each["is_list"]), first)
    return found


def check(tasks: Mapping[str, RunTask]) -> None:
    """Raise `DagInvalid` for a task of a run in memory whose id another needs, and for crossing rounds."""
    shapes = shapes_in_memory(tasks)
    for crossing in crossings(shapes):
        raise DagInvalid(crossing.told())
    kept = of(shapes)
    for name in tasks:
        owner = kept.owner(name)
        if owner is not None:
            raise DagInvalid(told(name, owner))


def told_to(name: str, shapes: Mapping[str, Shape]) -> frozenset[str]:
    """A task, and all whose answers went into what it was told."""
    return round_rules.reached(name, {each: shape.deps for each, shape in shapes.items()})
