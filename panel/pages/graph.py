"""The page of the graph: what waits for what, as a picture and as a list."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import flask

from panel import graph_picture
from panel.api.graph import scope_of
from panel.context import panel
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
        "most": {"drawn": MOST_DRAWN, "edges": MOST_EDGES, "listed": MOST_LISTED},
        "picture": graph_picture,
        "asked": flask.request.args,
    }
