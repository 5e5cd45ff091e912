"""The graph of what waits for what, for page and API: drawn whole while it can be read, else in groups."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from errors import InvalidRequest, NotFound
from panel.graph_layout import Layout, lay_out
from panel.graph_order import Edge, in_order, layers_of, longest_path
from redaction import clean
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.transaction import dump

#: Tasks that are drawn one by one; more are drawn in groups.
MOST_DRAWN: Final = 500
#: Dependencies that are read at once.
MOST_EDGES: Final = 3_000
#: Layers of a picture in groups; deeper graphs put several into one.
MOST_BANDS: Final = 24
#: Tasks of one group that are listed.
MOST_LISTED: Final = 100
MISSING: Final = "missing"
_STATUS: Final = {state: status.value for state, status in STATUS_OF_STATE.items()}
_ENDED: Final = frozenset({"approved", "failed", "safety_blocked", "cancelled"})


@dataclass(frozen=True)
class Scope:
    """What is looked at: a task with everything before and after it, a run, or (neither) the queue."""

    task: str | None = None
    run: str | None = None
    #: of a picture in groups, only the tasks of one: its band and status
    band: int | None = None
    status: str | None = None

    def __post_init__(self) -> None:
        """Raise `InvalidRequest` where it names two things."""
        if self.task and self.run:
            raise InvalidRequest("Name a task or a run, not both.")
        if (self.band is None) != (self.status is None):
            raise InvalidRequest("layer and status name a group together.")


@dataclass
class Found:
    """Tasks and dependencies as they were read."""

    ids: list[str]
    edges: list[Edge]
    #: whether there is more than was read
    more: bool
    rows: dict[str, sqlite3.Row] = field(default_factory=dict)
    #: by id; `MISSING` for what somebody waits for and does not exist
    status: dict[str, str] = field(default_factory=dict)

    def look_up(self, reader: Reader) -> None:
        """Read what is known of each task."""
        self.rows = {row["id"]: row for row in reader.all("nodes_of", ids=dump(self.ids))}
        self.status = dict.fromkeys(self.ids, MISSING)
        self.status |= {name: _STATUS[row["state"]] for name, row in self.rows.items()}


def graph_of(reader: Reader, scope: Scope) -> dict[str, Any]:
    """The graph as JSON. Raises `NotFound` for a task or run that does not exist."""
    found = _find(reader, scope)
    order, edges = in_order(found.ids, found.edges)
    layers = layers_of(order, edges)
    path = longest_path(order, edges, _weights(found))
    told: dict[str, Any] = {
        "task": scope.task,
        "run": scope.run,
        "tasks": len(found.rows),
        "missing": len(order) - len(found.rows),
        "dependencies": len(found.edges),
        "more": found.more,
        "statuses": dict(Counter(found.status[name] for name in order)),
        "layers": max(layers.values(), default=-1) + 1,
        "critical_path": path[:MOST_DRAWN],
        "critical_is_ahead": any(found.status[name] not in _ENDED for name in path),
    }
    if scope.band is not None:
        return told | _group_of(found, order, layers, scope)
    if len(order) > MOST_DRAWN:
        return told | _in_groups(found, order, edges, layers)
    return told | _drawn(found, order, edges, layers, path)


# -- reading -----------------------------------------------------------------------------------------------


def _find(reader: Reader, scope: Scope) -> Found:
    if scope.task:
        found = _around(reader, scope.task)
    elif scope.run:
        found = _of_run(reader, scope.run)
    else:
        rows = reader.all("newest_edges", limit=MOST_EDGES + 1)
        found = _joined([], _edges(rows[:MOST_EDGES]), more=len(rows) > MOST_EDGES)
    found.look_up(reader)
    return found


def _around(reader: Reader, task_id: str) -> Found:
    """A task with what is nearest to it on both sides: never more than can be drawn."""
    if reader.task(task_id) is None:
        raise NotFound(f"There is no task {task_id[:200]!r}.")
    most = MOST_DRAWN // 2
    up = [row["id"] for row in reader.all("ancestors", id=task_id, limit=most + 1)]
    down = [row["id"] for row in reader.all("descendants", id=task_id, limit=most + 1)]
    near = dict.fromkeys([*up[:most], *down[:most]])
    rows = reader.all("edges_of", ids=dump(list(near)), limit=MOST_EDGES + 1)
    edges = [edge for edge in _edges(rows[:MOST_EDGES]) if edge[0] in near]
    return Found(list(near), edges, len(up) > most or len(down) > most or len(rows) > MOST_EDGES)


def _of_run(reader: Reader, run: str) -> Found:
    rows = reader.all("tasks_of_run", run=run, limit=MOST_EDGES + 1)
    if not rows:
        raise NotFound(f"There is no task of a run {run[:200]!r}.")
    ids = [row["id"] for row in reversed(rows[:MOST_EDGES])]
    edges = reader.all("edges_of", ids=dump(ids), limit=MOST_EDGES + 1)
    more = len(rows) > MOST_EDGES or len(edges) > MOST_EDGES
    return _joined(ids, _edges(edges[:MOST_EDGES]), more=more)


def _joined(ids: Sequence[str], edges: Sequence[Edge], *, more: bool) -> Found:
    names = dict.fromkeys([*ids, *(name for edge in reversed(edges) for name in edge)])
    return Found(list(names), list(edges), more)


def _edges(rows: Iterable[sqlite3.Row]) -> list[Edge]:
    return [(row["parent"], row["child"]) for row in rows if row["parent"] != row["child"]]


def _weights(found: Found) -> dict[str, float]:
    """What is ahead counts one a task; where nothing is, what a task took counts, in seconds.

    What does not exist is no step of any way.
    """
    no_step = _ENDED | {MISSING}
    ahead = {name: float(found.status[name] not in no_step) for name in found.ids}
    return ahead if any(ahead.values()) else {name: _took(found.rows.get(name)) for name in found.ids}


def _took(row: sqlite3.Row | None) -> float:
    if row is None or row["started"] is None or row["finished"] is None:
        return 0.0
    return float(max(0.0, row["finished"] - row["started"]))


# -- telling -----------------------------------------------------------------------------------------------


def _drawn(
    found: Found, order: Sequence[str], edges: Sequence[Edge], layers: Mapping[str, int], path: Sequence[str]
) -> dict[str, Any]:
    """Every task and dependency with its place."""
    layout = lay_out(tuple((name, layers[name]) for name in found.ids), tuple(edges))
    on_path, steps = set(path), set(itertools.pairwise(path))
    waits: dict[str, list[str]] = {}
    for first, second in found.edges:
        waits.setdefault(second, []).append(first)
    nodes = [
        {
            "id": name,
            "status": found.status[name],
            "layer": layers[name],
            "critical": name in on_path,
            "waits_for": waits.get(name, []),
            "reason": clean(_reason(found, name)),
            **_box(layout, name),
        }
        for name in order
    ]
    return {"kind": "tasks", "nodes": nodes} | _lines(layout, edges, steps, {})


def _reason(found: Found, name: str) -> str:
    row = found.rows.get(name)
    return "" if row is None else str(row["reason"] or "")[:200]


def _in_groups(
    found: Found, order: Sequence[str], edges: Sequence[Edge], layers: Mapping[str, int]
) -> dict[str, Any]:
    """What would be too much to read, one box for the tasks of a status in a layer, or in a few."""
    each = _layers_each(layers)
    band = {name: layer // each for name, layer in layers.items()}
    group = {name: f"{band[name]}/{found.status[name]}" for name in order}
    members = Counter(group.values())
    crossing = Counter((group[first], group[second]) for first, second in edges if band[first] < band[second])
    names = sorted(members, key=_by_band)
    layout = lay_out(tuple((name, _by_band(name)[0]) for name in names), tuple(sorted(crossing)))
    nodes = [
        {
            "id": name,
            "status": name.partition("/")[2],
            "layer": _by_band(name)[0],
            "of_layers": [_by_band(name)[0] * each, _by_band(name)[0] * each + each - 1],
            "count": members[name],
            "critical": False,
            **_box(layout, name),
        }
        for name in names
    ]
    return {"kind": "groups", "nodes": nodes} | _lines(layout, sorted(crossing), set(), crossing)


def _layers_each(layers: Mapping[str, int]) -> int:
    """Layers of one band."""
    return -(-(max(layers.values(), default=0) + 1) // MOST_BANDS)


def _by_band(group: str) -> tuple[int, str]:
    band, _, status = group.partition("/")
    return int(band), status


def _group_of(found: Found, order: Sequence[str], layers: Mapping[str, int], scope: Scope) -> dict[str, Any]:
    each = _layers_each(layers)
    members = [
        name for name in order if layers[name] // each == scope.band and found.status[name] == scope.status
    ]
    listed = [{"id": name, "status": scope.status, "layer": layers[name]} for name in members[:MOST_LISTED]]
    return {"kind": "list", "nodes": listed, "in_group": len(members), "edges": [], "width": 0, "height": 0}


def _box(layout: Layout, name: str) -> dict[str, int]:
    left, top = layout.boxes[name]
    return {"x": left, "y": top}


def _lines(
    layout: Layout, edges: Iterable[Edge], critical: set[Edge], counts: Mapping[Edge, int]
) -> dict[str, Any]:
    lines = [
        {
            "from": edge[0],
            "to": edge[1],
            "critical": edge in critical,
            "count": counts.get(edge, 1),
            "points": layout.points[edge],
        }
        for edge in edges
    ]
    return {"edges": lines, "width": layout.width, "height": layout.height}
