"""The inbox: everything that waits for a person, with the exact bytes, and what was answered."""

from __future__ import annotations

from typing import Any, Final

import flask

from errors import InvalidRequest
from panel import inbox_views, undoing
from panel.api import fields
from panel.context import panel
from panel.standing import conditional, standing_of, tag_of

blueprint = flask.Blueprint("inbox", __name__, url_prefix="/inbox")

CARDS: Final = 20
ROWS: Final = 50


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template("inbox.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    return conditional(_tag(), lambda: flask.render_template("parts/inbox_live.html", **_what_is_shown()))


def _tag() -> str:
    return tag_of(panel(), "inbox", undoing.last(panel()), sorted(flask.request.args.items(multi=True)))


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "show", "after")
    shown, after = given.get("show", "waiting"), fields.place(given, "after")
    if shown not in {"waiting", "answered"}:
        raise InvalidRequest("show must be waiting or answered.")
    if shown == "waiting":
        page = inbox_views.waiting(panel(), after, CARDS)
    else:
        page = inbox_views.answered(panel(), after, ROWS)
    undo = undoing.of_decisions(panel(), page["decisions"]) if shown == "waiting" else {}
    now = standing_of(panel())
    return page | {
        "now": now,
        "shown": shown,
        "after": after,
        "undo": undo,
        "undone": undoing.last_of(panel()),
    }
