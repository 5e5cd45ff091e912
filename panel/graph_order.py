"""What comes before what in a graph of tasks: layers, and the path that takes longest. Pure.

An edge is (before, after): what is waited for, and who waits. One that closes a cycle orders nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

#: (before, after)
Edge = tuple[str, str]


def in_order(ids: Sequence[str], edges: Sequence[Edge]) -> tuple[list[str], list[Edge]]:
    """The ids so that what is waited for comes first, and the edges without those that close a cycle.

    Where all that is left waits for another the first of them is taken, and what it waits for is left out
    (A. B. Kahn, Topological sorting of large networks, 1962).
    """
    after: dict[str, list[str]] = {name: [] for name in ids}
    waits = dict.fromkeys(ids, 0)
    for first, second in edges:
        after[first].append(second)
        waits[second] += 1
    place: dict[str, int] = {}
    ready = deque(name for name in ids if not waits[name])
    rest = iter(ids)
    while len(place) < len(waits):
        name = ready.popleft() if ready else next(each for each in rest if each not in place)
        if name in place:
            continue
        place[name] = len(place)
        for other in after[name]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
    kept = [(first, second) for first, second in edges if place[first] < place[second]]
    return list(place), kept


def layers_of(order: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """How many steps lead to each at most; `order` and `edges` are those of `in_order`."""
    layer = dict.fromkeys(order, 0)
    before = _before(order, edges)
    for name in order:
        layer[name] = max((layer[first] + 1 for first in before[name]), default=0)
    return layer


def longest_path(order: Sequence[str], edges: Sequence[Edge], weight: Mapping[str, float]) -> list[str]:
    """The path whose weights add up to the most; what weighs nothing is on none."""
    before = _before(order, edges)
    total: dict[str, float] = {}
    via: dict[str, str | None] = {}
    for name in order:
        best = max(before[name], key=lambda first: total[first], default=None)
        is_worth = best is not None and total[best] > 0
        via[name] = best if is_worth else None
        total[name] = weight[name] + (total[best] if best is not None and is_worth else 0)
    last = max(order, key=lambda name: total[name], default=None)
    path: list[str] = []
    while last is not None:
        path.append(last)
        last = via[last]
    return [name for name in reversed(path) if weight[name] > 0]


def _before(order: Sequence[str], edges: Sequence[Edge]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in order}
    for first, second in edges:
        found[second].append(first)
    return found
