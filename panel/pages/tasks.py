"""The first page: how things stand, and every task, live."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.standing import standing_of, tag_of
from panel.task_views import decision_of, page_of
from runtime_contract import Status

blueprint = flask.Blueprint("tasks", __name__)

ROWS: Final = 50

#: What the page says to a person with an empty queue.
EXAMPLE: Final = """\
{"tasks": [
  {"id": "hello",
   "prompt": "Write a haiku about bees."},
  {"id": "look",
   "command": "git status"}
]}"""


@blueprint.get("/")
def overview() -> str:
    """The whole page."""
    return flask.render_template("tasks.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    tag = _tag()
    if flask.request.if_none_match.contains(tag):
        response = flask.Response(status=304)
    else:
        response = flask.make_response(flask.render_template("parts/live.html", **_what_is_shown()))
    response.set_etag(tag)
    return response


def _stands_alone(question: sqlite3.Row) -> bool:
    """Whether a question is shown above the tasks: it is about none, or about one that is not in review."""
    return question["task_id"] is None or question["kind"] == "budget"


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)))


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "status", "before")
    statuses, before = fields.statuses(given), fields.place(given, "before")
    reader = panel().reader
    rows = reader.newest_tasks(statuses, ROWS + 1, before)
    return {
        "now": standing_of(panel()),
        "tasks": page_of(panel(), rows[:ROWS]),
        "questions": [decision_of(row) for row in reader.decisions() if _stands_alone(row)],
        "statuses": list(Status),
        "shown": statuses,
        "before": before,
        "older": rows[ROWS - 1]["seq"] if len(rows) > ROWS else None,
        "example": EXAMPLE,
        "queue_file": str(panel().home.queue_file),
    }
