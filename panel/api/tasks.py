"""Tasks: list, show, steer."""

from __future__ import annotations

from typing import Any, Final

import flask

from errors import InvalidRequest, NotFound
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    MAYBE,
    MAYBE_NUMBER,
    NEXT,
    TASK_FIELDS,
    get,
    list_of,
    path,
    post,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.task_views import detail, page_of

blueprint = flask.Blueprint("api_tasks", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks": get(
        "A page of tasks",
        "TaskPage",
        query("status", "only these, comma separated"),
        query("limit", "tasks of a page", type="integer", minimum=1, maximum=500, default=100),
        query("after", NEXT),
        query("order", "newest first, or oldest", type="string", enum=["newest", "oldest"]),
    ),
    "/api/v1/tasks/{task_id}": get(
        "One task with its text, attempts and events",
        "TaskDetail",
        _TASK,
        query("events_after", "what `events_next` said", type="integer"),
    ),
    "/api/v1/tasks/{task_id}/cancel": post("Withdraw a task", _TASK, reason="why"),
    "/api/v1/tasks/{task_id}/retry": post("Send an ended task back", _TASK),
    "/api/v1/tasks/{task_id}/approve": post(
        "Say yes to what waits about it",
        _TASK,
        comment="a word with it",
        decision="the question that was shown",
    ),
    "/api/v1/tasks/{task_id}/reject": post(
        "Say no to it", _TASK, reason="told to the next attempt", decision="the question that was shown"
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Task": shape(**TASK_FIELDS),
    "TaskPage": shape(tasks=list_of(ref("Task")), next=MAYBE),
    "TaskDetail": shape(
        **TASK_FIELDS,
        task=ANY_OBJECT | {"description": "the task as it was written"},
        attempt_list=list_of(ANY_OBJECT),
        events=list_of(ANY_OBJECT),
        events_next=MAYBE_NUMBER,
    ),
}

_PAGE: Final = 100


@blueprint.get("")
def list_tasks() -> dict[str, Any]:
    """A page of tasks, newest first; ``order=oldest`` for the order of arrival."""
    given = flask.request.args
    fields.check_parameters(given, "status", "limit", "after", "order")
    order = given.get("order", "newest")
    if order not in {"newest", "oldest"}:
        raise InvalidRequest("order must be newest or oldest.")
    wanted, count = fields.statuses(given), fields.limit(given, _PAGE)
    after = fields.place(given, "after")
    reader = panel().reader
    if order == "newest":
        rows = reader.newest_tasks(wanted, count + 1, after)
    else:
        rows = list(reader.tasks(wanted, count + 1, after or 0))
    following = str(rows[count - 1]["seq"]) if len(rows) > count else None
    return {"tasks": page_of(panel(), rows[:count]), "next": following}


@blueprint.get("/<path:task_id>")
def show_task(task_id: str) -> dict[str, Any]:
    """One task with its text, attempts and events; ``events_after`` goes on where ``events_next`` says."""
    fields.check_parameters(flask.request.args, "events_after")
    after = fields.place(flask.request.args, "events_after") or 0
    reader = panel().reader
    row = reader.task(task_id)
    if row is None:
        raise NotFound(f"There is no task {task_id[:200]!r}.")
    return detail(panel(), row, after)


@blueprint.post("/<path:task_id>/cancel")
def cancel(task_id: str) -> dict[str, Any]:
    """Withdraw a task; a running one is stopped within a second."""
    given = fields.body(flask.request, "reason")
    became = panel().store.cancel(task_id, flask.g.by, given.get("reason"))
    told = "is being stopped" if became == "stopping" else "is cancelled"
    return _after(task_id, f"{task_id} {told}.")


@blueprint.post("/<path:task_id>/retry")
def retry(task_id: str) -> dict[str, Any]:
    """Send an ended task back to the queue, its attempts forgotten."""
    fields.body(flask.request)
    panel().store.retry(task_id, flask.g.by)
    return _after(task_id, f"{task_id} is back in the queue.")


@blueprint.post("/<path:task_id>/approve")
def approve(task_id: str) -> dict[str, Any]:
    """Say yes to what waits about a task; ``decision`` binds the answer to the question that was shown."""
    given = fields.body(flask.request, "comment", "decision")
    subject = subject_of(task_id, given)
    return _after(task_id, panel().store.approve(subject, flask.g.by, given.get("comment")))


@blueprint.post("/<path:task_id>/reject")
def reject(task_id: str) -> dict[str, Any]:
    """Say no to it; ``reason`` is told to the next attempt."""
    given = fields.body(flask.request, "reason", "decision")
    subject = subject_of(task_id, given)
    return _after(task_id, panel().store.reject(subject, flask.g.by, given.get("reason")))


def subject_of(task_id: str, given: dict[str, str]) -> str:
    """The decision that is answered, which must be about this task; the task itself where none is named."""
    if "decision" not in given:
        return task_id
    row = panel().reader.one("get_decision", id=given["decision"])
    if row is None or row["task_id"] != task_id:
        raise NotFound(f"There is no decision {given['decision'][:200]!r} about {task_id[:200]!r}.")
    return given["decision"]


def _after(task_id: str, message: str) -> dict[str, Any]:
    reader = panel().reader
    row = reader.task(task_id)
    return {"message": message, "task": page_of(panel(), [row])[0] if row is not None else None}
