"""Tools: what there are, what became of the tasks they were found for, and which a request would be given."""

from __future__ import annotations

from typing import Annotated, Any, Final

import flask
import pydantic
from pydantic import ConfigDict, Field

from panel.api import fields
from panel.api.describing import MAYBE, NUMBER, REAL, TEXT, get, list_of, post_of, ref, shape
from panel.context import panel
from panel.tool_routes import MOST_CHARS
from panel.tool_views import tools_of

blueprint = flask.Blueprint("api_tools", __name__, url_prefix="/api/v1/tools")


class Asked(pydantic.BaseModel):
    """A request to be routed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARS)]


PATHS: Final[dict[str, Any]] = {
    "/api/v1/tools": get("Every tool, and what became of the tasks it was found for", "Tools"),
    "/api/v1/tools/route": post_of(
        Asked,
        "Which tool a request would be given, and why, as `skep route` says; nothing runs",
        answers="Route",
        text=f"the request, at most {MOST_CHARS:,} characters",
    ),
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
    "Route": shape(
        tool=MAYBE,
        confidence=REAL,
        route={"type": "string", "enum": ["none", "exact", "match"]},
        outcome={"type": "string", "enum": ["none", "run", "context"]},
        argv={"type": ["array", "null"], "items": TEXT},
        profile=MAYBE,
        reason=TEXT,
        candidates=list_of(shape(tool=TEXT, confidence=REAL, score=REAL, shared=list_of(TEXT))),
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


@blueprint.post("/route")
def route() -> dict[str, Any]:
    """Which tool a request would be given, and why; nothing runs."""
    return panel().tools.route(fields.document(flask.request, Asked).text)
