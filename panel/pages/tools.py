"""The page of tools: what each was found for, what came of it, and which a request would be given."""

from __future__ import annotations

from typing import Any

import flask

from errors import InvalidRequest
from panel.api import fields
from panel.context import panel
from panel.standing import conditional, tag_of
from panel.tool_routes import MOST_CHARS
from panel.tool_views import KINDS, MOST_SHOWN, tools_of

blueprint = flask.Blueprint("tools", __name__, url_prefix="/tools")


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template("tools.html", tag=_tag(), most_chars=MOST_CHARS, **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    return conditional(_tag(), lambda: flask.render_template("parts/tools_live.html", **_what_is_shown()))


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)), panel().tools.stamp())


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "kind", "text")
    kind, words = given.get("kind", ""), given.get("text", "")[:200]
    if kind and kind not in KINDS:
        raise InvalidRequest(f"kind must be {', '.join(KINDS)}, not {kind[:40]!r}.")
    found = tools_of(panel(), kind, words)
    return {
        "tools": found["tools"][:MOST_SHOWN],
        "count": len(found["tools"]),
        "trouble": found["trouble"],
        "kinds": KINDS,
        "said": {name: value for name, value in (("kind", kind), ("text", words)) if value},
    }
