"""The page of the graph: what waits for what, as a picture and as a list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

import flask

from panel.api.graph import scope_of
from panel.context import panel
from panel.graph_layout import BOX_HEIGHT, BOX_WIDTH
from panel.graph_views import MOST_DRAWN, MOST_EDGES, MOST_LISTED, graph_of
from panel.standing import conditional

blueprint = flask.Blueprint("graph", __name__, url_prefix="/graph")


@blueprint.get("")
def show() -> str:
    """The whole page."""
    told = _graph()
    return flask.render_template("graph.html", tag=_tag(told), **_what_is_shown(told))


@blueprint.get("/live")
def live() -> flask.Response:
    """The picture; 304 while nothing in it has changed, whatever else has."""
    told = _graph()
    return conditional(
        _tag(told), lambda: flask.render_template("parts/graph_live.html", **_what_is_shown(told))
    )


def _graph() -> dict[str, Any]:
    return graph_of(panel().reader, scope_of(flask.request.args))


def _tag(told: dict[str, Any]) -> str:
    text = json.dumps(told) + panel().start_id
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _what_is_shown(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "graph": told,
        "box": (BOX_WIDTH, BOX_HEIGHT),
        "most": {"drawn": MOST_DRAWN, "edges": MOST_EDGES, "listed": MOST_LISTED},
        "line_of": line_of,
        "task_href": task_href,
        "graph_href": graph_href,
        "asked": flask.request.args,
    }


def line_of(points: Iterable[tuple[int, int]]) -> str:
    """An edge as an SVG path: curves between layers, straight through them (w3.org/TR/SVG2/paths.html)."""
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


def task_href(task_id: str) -> str:
    """The page of a task."""
    return f"/tasks/{quote(task_id.encode('utf-8', 'replace'), safe='')}"


def graph_href(told: dict[str, Any], **more: Any) -> str:
    """The graph of the same task or run, or of another that is named, narrowed to a group."""
    wanted = {"task": told["task"], "run": told["run"]} | more
    asked = {name: value for name, value in wanted.items() if value is not None}
    return f"{flask.url_for('graph.show')}?{urlencode(asked, errors='replace')}"
