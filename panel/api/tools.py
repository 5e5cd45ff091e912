"""Tools: what there are, and what became of the tasks they were found for."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import MAYBE, NUMBER, REAL, TEXT, get, list_of, ref, shape
from panel.context import panel
from panel.tool_views import tools_of

blueprint = flask.Blueprint("api_tools", __name__, url_prefix="/api/v1/tools")

PATHS: Final[dict[str, Any]] = {
    "/api/v1/tools": get("Every tool, and what became of the tasks it was found for", "Tools"),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Tool": shape(
        name=TEXT,
        kind={"type": "string", "enum": ["run", "context", "gone"]},
        description=TEXT,
        hits=NUMBER,
        approvals=NUMBER,
        rejections=NUMBER,
        saved_tokens=NUMBER,
        standing=REAL | {"description": "by what its confidence is multiplied, 0 to 1"},
    ),
    "Tools": shape(
        tools=list_of(ref("Tool")),
        trouble=MAYBE | {"description": "what is wrong with the files, where they cannot be read"},
    ),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every tool, with hits, approvals, rejections and what it saved."""
    fields.check_parameters(flask.request.args)
    return tools_of(panel())
