"""Tools: what there are, and what became of the tasks they were found for."""

from __future__ import annotations

from typing import Any

import flask

from panel.api import fields
from panel.context import panel
from panel.tool_views import tools_of

blueprint = flask.Blueprint("api_tools", __name__, url_prefix="/api/v1/tools")


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every tool, with hits, approvals, rejections and what it saved."""
    fields.check_parameters(flask.request.args)
    return tools_of(panel())
