"""Where the nodes and edges of a graph stand in a picture: layer by layer from left to right. Pure.

Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): each
node in a layer, long edges through bends in the layers between, the order within a layer by the barycentre of
the neighbours so that few edges cross, then each node as near to its neighbours as the others let it.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from panel.graph_order import Edge

#: What every figure here is in: user units of the picture.
BOX_WIDTH: Final = 184
BOX_HEIGHT: Final = 44
_GAP_X: Final = 56
_GAP_Y: Final = 14
_MARGIN: Final = 8
#: Rows of a bend, which is thinner than a box.
_BEND_HEIGHT: Final = 8
#: Bends in all; with more of them long edges go straight.
_MOST_BENDS: Final = 3_000
_SWEEPS: Final = 4
#: How the names of bends begin; no id does.
_BEND: Final = "\0"

_Neighbours = dict[str, list[str]]
_Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size, the left top corner of each box, and the points that each edge goes through."""

    width: int
    height: int
    boxes: Mapping[str, tuple[int, int]]
    points: Mapping[Edge, tuple[tuple[int, int], ...]]


@functools.lru_cache(maxsize=16)
def lay_out(layers: tuple[tuple[str, int], ...], edges: tuple[Edge, ...]) -> Layout:
    """Place nodes of known layers; every edge leads to a later layer. The same graph is laid out once."""
    layer_of = dict(layers)
    chains = _chains(layer_of, edges)
    before, after = _neighbours(chains.values())
    rows: _Rows = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for name, layer in layer_of.items():
        rows[layer].append(name)
    rows = _uncross(rows, before, after)
    middles = _place(rows, before, after)
    return _drawn(layers, layer_of, middles, chains)


def _chains(layer_of: dict[str, int], edges: Sequence[Edge]) -> dict[Edge, list[str]]:
    """What each edge leads through: its ends, and a bend in every layer between, which is entered there."""
    many = sum(layer_of[second] - layer_of[first] - 1 for first, second in edges) > _MOST_BENDS
    chains: dict[Edge, list[str]] = {}
    for number, (first, second) in enumerate(edges):
        between = [] if many else range(layer_of[first] + 1, layer_of[second])
        bends = {f"{_BEND}{number}.{layer}": layer for layer in between}
        layer_of |= bends
        chains[first, second] = [first, *bends, second]
    return chains


def _neighbours(chains: Iterable[list[str]]) -> tuple[_Neighbours, _Neighbours]:
    before: _Neighbours = {}
    after: _Neighbours = {}
    for chain in chains:
        for first, second in itertools.pairwise(chain):
            before.setdefault(second, []).append(first)
            after.setdefault(first, []).append(second)
    return before, after


def _uncross(rows: _Rows, before: _Neighbours, after: _Neighbours) -> _Rows:
    """Order each layer by where its neighbours stand, there and back a few times; the best that was seen."""
    place = {name: number for row in rows for number, name in enumerate(row)}
    best, fewest = [list(row) for row in rows], _crossings(rows, after, place)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        near = after if sweep % 2 else before
        for row in reversed(rows) if sweep % 2 else rows:
            _by_barycentre(row, near, place)
        found = _crossings(rows, after, place)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _by_barycentre(row: list[str], near: _Neighbours, place: dict[str, int]) -> None:
    def centre(name: str) -> float:
        others = near.get(name)
        return sum(place[other] for other in others) / len(others) if others else place[name]

    row.sort(key={name: centre(name) for name in row}.__getitem__)
    place |= {name: number for number, name in enumerate(row)}


def _crossings(rows: _Rows, after: _Neighbours, place: Mapping[str, int]) -> int:
    """How often edges cross between one layer and the next: pairs that stand the other way round there."""
    count = 0
    for row in rows:
        seen: list[int] = []
        for name in row:
            ends = sorted(place[other] for other in after.get(name, ()))
            count += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
            for end in ends:
                bisect.insort(seen, end)
    return count


# -- heights -----------------------------------------------------------------------------------------------


def _place(rows: _Rows, before: _Neighbours, after: _Neighbours) -> dict[str, float]:
    """The middle of each node: in the order of its layer, and as level with its neighbours as that allows."""
    middle: dict[str, float] = {}
    for row in rows:
        middle |= _apart(row, [_level(name, before, middle, 0.0) for name in row])
    for row in reversed(rows):
        middle |= _apart(row, [_level(name, after, middle, middle[name]) for name in row])
    for row in rows:
        middle |= _apart(row, [_level(name, before, middle, middle[name]) for name in row])
    return middle


def _level(name: str, near: _Neighbours, middle: Mapping[str, float], otherwise: float) -> float:
    others = [middle[other] for other in near.get(name, ()) if other in middle]
    return sum(others) / len(others) if others else otherwise


def _apart(row: Sequence[str], wanted: Sequence[float]) -> dict[str, float]:
    """Heights in the order of `row`, far enough apart, and together as near to `wanted` as can be.

    Less what must lie before each, that is the regression to a rising sequence, which pooling adjacent
    violators solves (Ayer and others, An empirical distribution function, 1955).
    """
    offsets = [0.0]
    for upper, lower in itertools.pairwise(row):
        offsets.append(offsets[-1] + (_height(upper) + _height(lower)) / 2 + _GAP_Y)
    pools: list[tuple[float, int]] = []  # the mean of each, and how many it holds
    for wish, offset in zip(wanted, offsets, strict=False):
        mean, count = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, held = pools.pop()
            mean, count = (mean * count + other * held) / (count + held), count + held
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return {name: mean + offset for name, mean, offset in zip(row, means, offsets, strict=False)}


def _height(name: str) -> int:
    return _BEND_HEIGHT if name.startswith(_BEND) else BOX_HEIGHT


def _drawn(
    layers: Iterable[tuple[str, int]],
    layer_of: Mapping[str, int],
    middles: Mapping[str, float],
    chains: Mapping[Edge, list[str]],
) -> Layout:
    top = min((middle - _height(name) / 2 for name, middle in middles.items()), default=0.0) - _MARGIN

    def left(name: str) -> int:
        return _MARGIN + layer_of[name] * (BOX_WIDTH + _GAP_X)

    boxes = {name: (left(name), round(middles[name] - top - BOX_HEIGHT / 2)) for name, _ in layers}
    points = {}
    for edge, chain in chains.items():
        through = [(left(edge[0]) + BOX_WIDTH, round(middles[edge[0]] - top))]
        for bend in chain[1:-1]:
            level = round(middles[bend] - top)
            through += [(left(bend), level), (left(bend) + BOX_WIDTH, level)]
        points[edge] = (*through, (left(edge[1]), round(middles[edge[1]] - top)))
    most = max(middles.values(), default=0.0) - top + BOX_HEIGHT / 2 + _MARGIN
    deepest = max((layer for _, layer in layers), default=-1)
    return Layout(_MARGIN * 2 + (deepest + 1) * (BOX_WIDTH + _GAP_X) - _GAP_X, round(most), boxes, points)
