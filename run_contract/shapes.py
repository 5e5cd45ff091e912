"""Tasks of a run as far as ids and dependencies go, and what of a graph rounds are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Shape:
    """A task of a run as far as ids and dependencies go."""

    deps: Sequence[str] = ()
    is_list: bool = False
    #: the task that its rounds begin with; none: it has no rounds
    first: str | None = None
    #: the task whose item or whose later round it does
    part_of: str | None = None
    #: what it is more than a question to a model: a command, a question to a person (`ask`), done by a run,
    #: or an answer that a person judges (`review`)
    does: Literal["command", "ask", "run", "review"] | None = None


def firsts(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """The tasks that are repeated with others before them, each with the one that begins a round."""
    return {
        name: each.first for name, each in shapes.items() if each.first is not None and each.first != name
    }


def deps_of(shapes: Mapping[str, Shape]) -> dict[str, Sequence[str]]:
    """What each of the tasks depends on."""
    return {name: each.deps for name, each in shapes.items()}


def part(last: str, first: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The tasks of a round that goes from one to another."""
    if first == last:
        return frozenset({last})
    before = reached(last, deps)
    after: dict[str, list[str]] = {}
    for name in before:
        for dep in deps.get(name, ()):
            after.setdefault(dep, []).append(name)
    return reached(first, after) & before


def reached(name: str, deps: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """A task, and all that it waits for in the end, as far as they are told here."""
    found, left = {name}, [name]
    while left:
        more = [dep for dep in deps.get(left.pop(), ()) if dep not in found]
        found.update(more)
        left += more
    return frozenset(found)
