"""The graph as SVG (w3.org/TR/SVG2) and as a list.

Written here and not in a template because a picture has thousands of parts: this takes a tenth of the time.
Only the patterns below are markup; `Markup`'s `%` escapes everything that is put into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from panel.graph_fit import fitted, with_note
from panel.graph_layout import BOX_HEIGHT, BOX_WIDTH
from panel.graph_views import MISSING
from panel.words import count_of, one_line, plain

#: Pixels of a line in a box, between its margins, and of the letters of its two lines.
_ROOM: Final = BOX_WIDTH - 24
_NAME_SIZE: Final = 13.0
_WORD_SIZE: Final = 11.5
#: How wide letters are that are not bold, beside those that are.
_LIGHT: Final = 0.88
#: Names that are told of what one task waits for.
_MOST_NAMES: Final = 20

_EDGE: Final = Markup('<path class="%(look)s" d="%(line)s" marker-end="url(#%(tip)s)"/>\n')
_NODE: Final = Markup(
    '<a id="node-%(number)s" data-task="%(key)s" href="%(href)s" aria-label="%(label)s">'
    '<g class="%(look)s" transform="translate(%(x)s %(y)s)"><title>%(title)s</title>'
    '<rect width="%(width)s" height="%(height)s" rx="8"/>'
    '<text class="name" x="12" y="18">%(name)s</text>'
    '<text class="word" x="12" y="35">%(word)s</text></g></a>\n'
)
_ITEM: Final = Markup(
    '<li><a href="%(href)s"><bdi>%(name)s</bdi></a>: '
    '<span class="status %(status)s">%(word)s</span>%(waits)s '
    '(<a href="%(graph)s" aria-label="Graph around %(name)s">graph</a>)</li>\n'
)
_WAITS: Final = Markup("; waits for <bdi>%(names)s</bdi>%(more)s")


def edges_drawn(graph: Mapping[str, Any]) -> Markup:
    """Every dependency as a line."""
    return Markup().join(
        _EDGE
        % {
            "look": "edge critical" if edge["critical"] else "edge",
            "line": line_of(edge["points"]),
            "tip": "tip-critical" if edge["critical"] else "tip",
        }
        for edge in graph["edges"]
    )


def nodes_drawn(graph: Mapping[str, Any]) -> Markup:
    """Every task, or group of tasks, as a box that leads on."""
    tell = _group if graph["kind"] == "groups" else _task
    return Markup().join(
        _NODE
        % {
            "number": number,
            "x": node["x"],
            "y": node["y"],
            "width": BOX_WIDTH,
            "height": BOX_HEIGHT,
            **tell(graph, node, node.get("word") or word_of(node["status"])),
        }
        for number, node in enumerate(graph["nodes"])
    )


def items_listed(graph: Mapping[str, Any]) -> Markup:
    """The same for those who do not look at pictures."""
    return Markup().join(
        _ITEM
        % {
            "href": task_href(node["id"]),
            "name": plain(name_of(graph, node)),
            "status": node["status"],
            "word": node.get("word") or word_of(node["status"]),
            "waits": _waits(node["waits_for"]),
            "graph": graph_href(graph, task=node["id"], run=None),
        }
        for node in graph["nodes"]
    )


def _task(graph: Mapping[str, Any], node: Mapping[str, Any], word: str) -> dict[str, str]:
    name = plain(name_of(graph, node))
    is_there = node["status"] != MISSING
    reason = f": {one_line(node['reason'])}" if node["reason"] else ""
    look = f"node {node['status']}"
    look += " critical" if node["critical"] else ""
    look += " here" if node["id"] == graph["task"] else ""
    run, _, within = name.partition(":")
    asides = ("longest way", "longest") if node["critical"] else (run,) if within else ()
    return {
        "key": plain(node["id"]),
        "href": task_href(node["id"]) if is_there else graph_href(graph, task=None),
        "label": f"{name}: {word}{', on the longest way' if node['critical'] else ''}",
        "look": look,
        "title": f"{name}: {word}{reason}",
        "name": fitted(within or name, _ROOM, _NAME_SIZE),
        "word": with_note(word, asides, _ROOM, _WORD_SIZE * _LIGHT),
    }


def _group(graph: Mapping[str, Any], node: Mapping[str, Any], word: str) -> dict[str, str]:
    first, last = node["of_layers"]
    layers = f"layer {first + 1}" if first == last else f"layers {first + 1} to {last + 1}"
    told = f"{count_of(node['count'], 'task')}, {word}, {layers}"
    return {
        "key": node["id"],
        "href": graph_href(graph, layer=node["layer"], status=node["status"]),
        "label": told,
        "look": f"node {node['status']}",
        "title": told,
        "name": count_of(node["count"], "task"),
        "word": f"{word} · {layers}",
    }


def _waits(names: list[str]) -> Markup | str:
    if not names:
        return ""
    more = len(names) - _MOST_NAMES
    told = ", ".join(plain(name) for name in names[:_MOST_NAMES])
    return _WAITS % {"names": told, "more": f" and {more} more" if more > 0 else ""}


def line_of(points: Iterable[tuple[int, int]]) -> str:
    """An edge as the data of a path: curves between layers, straight through them."""
    (left, top), *rest = points
    told = [f"M{left} {top}"]
    for number, (x, y) in enumerate(rest):
        if number % 2:
            told.append(f"H{x}")
        else:
            middle = (left + x) // 2
            told.append(f"C{middle} {top} {middle} {y} {x} {y}")
        left, top = x, y
    return "".join(told)


def name_of(graph: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """What a task is called in a graph: within a run, by its id there."""
    return str(node.get("name") or node["id"].removeprefix(f"{graph['run']}:"))


def short_of(graph: Mapping[str, Any], task_id: str) -> str:
    """What a task is called beside others: by its id within the run where all of them are of one."""
    run = graph["run"] or task_id.partition(":")[0]
    is_of_one = all(name.startswith(f"{run}:") for name in graph["critical_path"])
    return plain(task_id.removeprefix(f"{run}:") if is_of_one else task_id)


def word_of(status: str) -> str:
    """A status as people read it."""
    return status.replace("_", " ")


def task_href(task_id: str) -> str:
    """The page of a task."""
    return f"/tasks/{quote(task_id, safe='', errors='replace')}"


def graph_href(graph: Mapping[str, Any], **more: Any) -> str:
    """The graph of the same task or run, or of another that is named, narrowed to a group."""
    wanted = {"task": graph["task"], "run": graph["run"]} | more
    asked = {name: value for name, value in wanted.items() if value is not None}
    return f"/graph?{urlencode(asked, errors='replace')}" if asked else "/graph"
