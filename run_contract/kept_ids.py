"""Ids that lists and rounds of a run need for the tasks they become: nobody else may take them. Pure.

The items of a list `l` are `l.1`, `l.2` and so on, the rounds of a step `p` are `p.r2`, `p.r3`, and the items
of a list in a round `l.r2.1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from run_contract.shapes import Shape, deps_of, part

_ITEM: Final = re.compile(r"(.+)\.[1-9][0-9]*")
_ROUND: Final = re.compile(r"(.+)\.r[1-9][0-9]*")


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

    Rounds within others, where both are fresh, are none (`runs.round_rules.check`).
    """
    shapes = {**(there or {}), **fresh}
    deps = deps_of(shapes)
    owners: dict[str, str] = {}
    for name, each in shapes.items():
        if each.first is None:
            continue
        own = part(name, each.first, deps)
        step = min(own & owners.keys(), default=None)
        other = None if step is None else owners[step]
        if step is not None and other is not None and name in fresh:
            is_within = other in own or name in part(other, shapes[other].first or other, deps)
            if other not in fresh or not is_within:
                yield Crossing(name, other, step)
        owners |= dict.fromkeys(own - owners.keys(), name)


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
    deps = deps_of(shapes)
    rounds: set[str] = set()
    for name, each in shapes.items():
        if each.first is not None:
            rounds |= part(name, each.first, deps)
    return KeptIds(frozenset(name for name, each in shapes.items() if each.is_list), frozenset(rounds))
