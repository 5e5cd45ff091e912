"""One task: its history, its prompt, the plan it stands in, its attempts."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import flask

from errors import NotFound
from panel import one_task_views, task_attempts, task_prompt, task_story
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    MAYBE,
    MAYBE_OBJECT,
    NEXT,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    page_limit,
    path,
    query,
    ref,
    shape,
)
from panel.context import panel
from store import attempt_diff

blueprint = flask.Blueprint("api_task", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks/{task_id}/history": get(
        "What happened to a task, newest first",
        "TaskHistory",
        _TASK,
        query("before", NEXT, **PLACE),
        page_limit("events of a page", task_story.PAGE),
    ),
    "/api/v1/tasks/{task_id}/prompt": get(
        "What is sent for a task, part by part, and who put each part there", "TaskPrompt", _TASK
    ),
    "/api/v1/tasks/{task_id}/plan": get("The tree of parts that a task stands in", "TaskPlan", _TASK),
    "/api/v1/tasks/{task_id}/attempts": get(
        "The newest attempts, newest first, with usage, cost and what critics found", "TaskAttempts", _TASK
    ),
    "/api/v1/tasks/{task_id}/compare": get(
        "Two attempts that came to a result, line by line",
        "TaskComparison",
        _TASK,
        query("old", "number of the one; the last but one", **PLACE),
        query("new", "number of the other; the last", **PLACE),
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "TaskHistory": shape(events=list_of(ANY_OBJECT), next=MAYBE),
    "PromptPart": shape(kind=TEXT, title=TEXT, by=TEXT, text=TEXT, cut=NUMBER),
    "TaskPrompt": shape(parts=list_of(ref("PromptPart")), route=MAYBE_OBJECT),
    "TaskPlan": shape(tree=MAYBE_OBJECT),
    "TaskAttempts": shape(attempts=list_of(ANY_OBJECT)),
    "TaskComparison": shape(old=ANY_OBJECT, new=ANY_OBJECT, lines=list_of(ANY_OBJECT)),
}


def row_of(task_id: str) -> sqlite3.Row:
    """The task that is asked for. Raises `NotFound`."""
    row = panel().reader.task(task_id)
    if row is None:
        raise NotFound(f"There is no task {task_id[:200]!r}.")
    return row


@blueprint.get("/<path:task_id>/history")
def history(task_id: str) -> dict[str, Any]:
    """What happened to a task, newest first; ``before`` goes on where ``next`` says."""
    given = flask.request.args
    fields.check_parameters(given, "before", "limit")
    count = fields.limit(given, task_story.PAGE)
    return task_story.story_of(panel(), row_of(task_id)["id"], fields.place(given, "before"), count)


@blueprint.get("/<path:task_id>/prompt")
def prompt(task_id: str) -> dict[str, Any]:
    """What is sent for a task, part by part, and the receipt of its route."""
    fields.check_parameters(flask.request.args)
    row = row_of(task_id)
    route = one_task_views.receipt_of(panel(), row["id"])
    return {"parts": task_prompt.prompt_of(panel(), row, route), "route": route}


@blueprint.get("/<path:task_id>/plan")
def plan(task_id: str) -> dict[str, Any]:
    """The tree that a task stands in; null where nothing was split."""
    fields.check_parameters(flask.request.args)
    return {"tree": one_task_views.plan_of(panel(), row_of(task_id))}


@blueprint.get("/<path:task_id>/attempts")
def attempts(task_id: str) -> dict[str, Any]:
    """The newest attempts, newest first."""
    fields.check_parameters(flask.request.args)
    row = row_of(task_id)
    reviews = task_story.reviews_in(panel(), row["id"])
    return {"attempts": task_attempts.attempts_of(panel(), row, reviews)}


@blueprint.get("/<path:task_id>/compare")
def compare(task_id: str) -> dict[str, Any]:
    """Two attempts beside each other."""
    return comparison_of(row_of(task_id))


def comparison_of(row: sqlite3.Row) -> dict[str, Any]:
    """The comparison that the request asks for. Raises `NotFound`, `InvalidRequest`."""
    given = flask.request.args
    fields.check_parameters(given, "old", "new")
    numbers = (fields.place(given, "old"), fields.place(given, "new"))
    named = None if None in numbers else (numbers[0] or 0, numbers[1] or 0)
    return attempt_diff.comparison(panel().reader, panel().home.outputs, row, named, attempt_diff.FOR_A_PAGE)
