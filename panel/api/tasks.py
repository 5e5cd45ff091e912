"""Tasks: list, show, steer."""

from __future__ import annotations

from typing import Any, Final

import flask

from errors import NotFound
from panel import task_query
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    MAYBE,
    MAYBE_NUMBER,
    NEXT,
    PLACE,
    REAL,
    TASK_FIELDS,
    any_of,
    get,
    list_of,
    listed_words,
    page_limit,
    path,
    post,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.task_views import detail, page_of
from runtime_contract import Status
from store.task_filter import LONGEST_CURSOR, MODES, ORDERS

blueprint = flask.Blueprint("api_tasks", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
_WORD: Final[dict[str, Any]] = {"type": "string", "maxLength": task_query.LONGEST}
FILTERS: Final = (
    query(
        "status",
        "only these, comma separated, or given several times",
        type="array",
        items=listed_words([*Status]),
    ),
    query("mode", "only this", **any_of(MODES)),
    query("tag", "only with this tag", **_WORD),
    query("source", "only from there, such as queue_file, cli, panel, api", **_WORD),
    query(
        "q",
        "only with all of these words in id, text, tags or model, each perhaps only its beginning; then the "
        "order is newest or oldest",
        **_WORD,
    ),
)
PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks": get(
        "A page of tasks",
        "TaskPage",
        *FILTERS,
        page_limit("tasks of a page", 100),
        query("after", f"{NEXT}, in the same order", type="string", maxLength=LONGEST_CURSOR),
        query(
            "order",
            "by arrival, what goes first, cost (of those that had any) or end (of those that ended)",
            default="newest",
            **any_of(ORDERS),
        ),
    ),
    "/api/v1/tasks/{task_id}": get(
        "One task with its text, attempts and events",
        "TaskDetail",
        _TASK,
        query("events_after", "what `events_next` said", **PLACE),
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
        "Requeue it with feedback, or reject it where no attempts are left; say no to what else waits",
        _TASK,
        reason="the feedback, told to the next attempt; or the reason of its end",
        decision="the question that was shown",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Task": shape(**TASK_FIELDS),
    "TaskPage": shape(
        tasks=list_of(ref("Task")),
        next=MAYBE,
        is_short=FLAG | {"description": "enough was looked at for one page; there may be more, after `next`"},
        searched=REAL
        | {"description": "of `q`: share of the tasks whose words are known yet; ask again below 1"},
    ),
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
    """A page of tasks that fit every filter, newest first where no order is asked for."""
    given = flask.request.args
    fields.check_parameters(given, *task_query.KNOWN, "limit", several=task_query.SEVERAL)
    count = fields.limit(given, _PAGE)
    found = task_query.find(panel(), task_query.query_of(given, "newest"), count)
    return {
        "tasks": page_of(panel(), found.page.rows),
        "next": found.next,
        "is_short": found.page.is_short,
        "searched": found.searched,
    }


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
    """Requeue a result with ``reason`` as feedback, or say no to what else waits about a task."""
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
