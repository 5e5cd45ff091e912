"""The page of tasks: every one, live."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.pages.overview import EXAMPLE
from panel.standing import conditional, questions_beside_tasks, standing_of, tag_of
from panel.task_views import page_of
from runtime_contract import Status

blueprint = flask.Blueprint("tasks", __name__, url_prefix="/tasks")

ROWS: Final = 50


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template("tasks.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    return conditional(_tag(), lambda: flask.render_template("parts/tasks_live.html", **_what_is_shown()))


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)))


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "status", "before")
    statuses, before = fields.statuses(given), fields.place(given, "before")
    rows = panel().reader.newest_tasks(statuses, ROWS + 1, before)
    return {
        "now": standing_of(panel()),
        "tasks": page_of(panel(), rows[:ROWS]),
        "questions": questions_beside_tasks(panel()),
        "statuses": list(Status),
        "shown": statuses,
        "before": before,
        "older": rows[ROWS - 1]["seq"] if len(rows) > ROWS else None,
        "example": EXAMPLE,
        "queue_file": str(panel().home.queue_file),
    }
