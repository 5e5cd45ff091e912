"""The page of tools: what each was found for, and what came of it."""

from __future__ import annotations

import flask

from panel.context import panel
from panel.tool_views import tools_of

blueprint = flask.Blueprint("tools", __name__)


@blueprint.get("/tools")
def show() -> str:
    """The whole page."""
    return flask.render_template("tools.html", **tools_of(panel()))
