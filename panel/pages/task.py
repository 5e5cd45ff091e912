"""The page of one task: how it stands, its output as it comes, and everything that led there."""

from __future__ import annotations

from typing import Any

import flask

from money import dollars_text
from panel import command_lines
from panel.api import fields
from panel.api.task import comparison_of, row_of
from panel.context import panel
from panel.one_task_views import head_of, rest_of, tag_of_shown
from panel.standing import conditional
from panel.words import as_json
from redaction import clean_value
from store import editing

# Its parts have addresses of their own, which no id of a task can be mistaken for.
blueprint = flask.Blueprint("task", __name__)


@blueprint.get("/tasks/<path:task_id>")
def show(task_id: str) -> str:
    """The whole page; ``before`` shows the timeline from an earlier event on."""
    head, rest = _head(task_id), _rest(task_id)
    row = row_of(task_id)
    copy = editing.copy_of(row, editing.free_id(row["id"], _is_known))
    return flask.render_template(
        "task.html",
        **(head | rest),
        task_id=task_id,
        before=flask.request.args.get("before"),
        head_tag=tag_of_shown(panel(), head),
        rest_tag=tag_of_shown(panel(), rest),
        edit_text=as_json(clean_value(editing.document(row))),
        edit_line=command_lines.line("edit", row["id"]),
        copy_text=as_json(clean_value(copy)),
    )


@blueprint.get("/task/head/<path:task_id>")
def head(task_id: str) -> flask.Response:
    """How the task stands and what can be done; 304 while that is as it was."""
    fields.check_parameters(flask.request.args)
    return _part("parts/task_head.html", task_id, _head(task_id))


@blueprint.get("/task/rest/<path:task_id>")
def rest(task_id: str) -> flask.Response:
    """What led there; 304 while that is as it was."""
    return _part("parts/task_rest.html", task_id, _rest(task_id))


@blueprint.get("/task/compare/<path:task_id>")
def compare(task_id: str) -> str:
    """Two attempts beside each other."""
    found = comparison_of(row_of(task_id))
    line = command_lines.compare(task_id, found["old"]["attempt"], found["new"]["attempt"])
    return flask.render_template("parts/task_compare.html", compared=found, line=line)


def _part(template: str, task_id: str, shown: dict[str, Any]) -> flask.Response:
    return conditional(
        tag_of_shown(panel(), shown), lambda: flask.render_template(template, task_id=task_id, **shown)
    )


def _head(task_id: str) -> dict[str, Any]:
    return head_of(panel(), row_of(task_id))


def _rest(task_id: str) -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "before")
    return rest_of(panel(), row_of(task_id), fields.place(given, "before"))


def _is_known(task_id: str) -> bool:
    return panel().reader.task(task_id) is not None


@blueprint.app_template_filter("dollars")
def dollars(micros: int) -> str:
    """Micro-dollars as a person reads them."""
    return dollars_text(micros)
