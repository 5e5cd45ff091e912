"""What waits for what."""

from __future__ import annotations

from typing import Any, Final

import flask
from werkzeug.datastructures import MultiDict

from errors import InvalidRequest
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    MAYBE,
    NUMBER,
    PLACE,
    TEXT,
    any_of,
    get,
    list_of,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.graph_views import MISSING, Scope, graph_of
from runtime_contract import Status

blueprint = flask.Blueprint("api_graph", __name__, url_prefix="/api/v1/graph")

_STATUS: Final = TEXT | {"enum": [*(status.value for status in Status), MISSING]}
PATHS: Final[dict[str, Any]] = {
    "/api/v1/graph": get(
        "What waits for what: around a task, in a run, or in the whole queue",
        "Graph",
        query("task", "a task, with what is before and after it"),
        query("run", "a run_id; not beside `task`"),
        query(
            "layer", "of a graph in groups, the layer of the group to list; `status` says its status", **PLACE
        ),
        query("status", "and its status", **any_of([*Status, MISSING])),
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "GraphNode": shape(
        id=TEXT | {"description": "id of the task; of a group its layer and status"},
        status=_STATUS,
        layer=NUMBER | {"description": "how many steps lead to it at most; of a group its number"},
        of_layers=list_of(NUMBER) | {"description": "of a group: its first and last layer"},
        count=NUMBER | {"description": "of a group: how many tasks"},
        critical=FLAG,
        waits_for=list_of(TEXT),
        reason=TEXT,
        x=NUMBER,
        y=NUMBER,
    ),
    "GraphEdge": {
        "type": "object",
        "properties": {
            "from": TEXT,
            "to": TEXT,
            "critical": FLAG,
            "count": NUMBER | {"description": "dependencies that one line between groups stands for"},
            "points": list_of(list_of(NUMBER)),
        },
    },
    "Graph": shape(
        kind=TEXT | {"enum": ["tasks", "groups", "list"]},
        task=MAYBE,
        run=MAYBE,
        tasks=NUMBER,
        missing=NUMBER | {"description": "what is waited for and does not exist; `tasks` leaves it out"},
        dependencies=NUMBER,
        more=FLAG | {"description": "whether there is more than was read: the nearest or newest are told"},
        statuses=ANY_OBJECT | {"additionalProperties": NUMBER},
        layers=NUMBER,
        critical_path=list_of(TEXT)
        | {"description": "the longest chain that is ahead; else, that took longest"},
        critical_is_ahead=FLAG,
        nodes=list_of(ref("GraphNode")),
        edges=list_of(ref("GraphEdge")),
        in_group=NUMBER | {"description": "tasks of the group that is listed"},
        width=NUMBER,
        height=NUMBER,
    ),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Tasks and dependencies with their places in a picture; in groups where they are more than 500."""
    return graph_of(panel().reader, scope_of(flask.request.args))


def scope_of(given: MultiDict[str, str]) -> Scope:
    """What an address asks for. Raises `InvalidRequest`."""
    fields.check_parameters(given, "task", "run", "layer", "status")
    status = given.get("status") or None
    if status is not None and status not in {*Status, MISSING}:
        raise InvalidRequest(f"{status[:80]!r} is not a status; choose of {', '.join(Status)}, {MISSING}.")
    return Scope(given.get("task") or None, given.get("run") or None, fields.place(given, "layer"), status)
