"""The first page: how things stand."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.standing import conditional, questions_beside_tasks, standing_of, tag_of
from runtime_contract import Status

blueprint = flask.Blueprint("overview", __name__)

#: What the page says to a person with an empty queue.
EXAMPLE: Final = """\
{"tasks": [
  {"id": "hello",
   "prompt": "Write a haiku about bees."},
  {"id": "look",
   "command": "git status"}
]}"""


@blueprint.get("/")
def show() -> str:
    """The whole page."""
    fields.check_parameters(flask.request.args)
    return flask.render_template("overview.html", tag=tag_of(panel()), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    fields.check_parameters(flask.request.args)
    return conditional(
        tag_of(panel()), lambda: flask.render_template("parts/overview_live.html", **_what_is_shown())
    )


def _what_is_shown() -> dict[str, Any]:
    return {
        "now": standing_of(panel()),
        "questions": questions_beside_tasks(panel()),
        "statuses": list(Status),
        "example": EXAMPLE,
        "queue_file": str(panel().home.queue_file),
    }
