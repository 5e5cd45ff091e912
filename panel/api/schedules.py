"""Recurring and delayed tasks: when they run; run now, skip, stop."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import (
    MAYBE,
    NEXT,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    page_limit,
    path,
    post,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.schedule_views import PLACE_AT, ROWS, delayed_of, schedules_of

blueprint = flask.Blueprint("api_schedules", __name__, url_prefix="/api/v1/schedules")

_TASK: Final = path("task_id")
_TIME: Final = {"type": "string", "format": "date-time"}
_LIMIT: Final = page_limit("rows of a page", ROWS)
_PLACE: Final[dict[str, Any]] = {"type": "string", "maxLength": 60, "pattern": f"^({PLACE_AT})?$"}
PATHS: Final[dict[str, Any]] = {
    "/api/v1/schedules": get(
        "Recurring tasks, with their next five times", "SchedulePage", query("after", NEXT, **PLACE), _LIMIT
    ),
    "/api/v1/schedules/delayed": get(
        "Tasks that wait for a time, the next first", "DelayedPage", query("after", NEXT, **_PLACE), _LIMIT
    ),
    "/api/v1/schedules/{task_id}/run": post(
        "Let a delayed task go, or put one more occurrence of a schedule into the queue", _TASK
    ),
    "/api/v1/schedules/{task_id}/skip": post(
        "Let the next time of a schedule pass",
        _TASK,
        next="the time that was shown; refused if it is another",
    ),
    "/api/v1/schedules/{task_id}/stop": post("Withdraw a schedule or a delayed task", _TASK, reason="why"),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Schedule": shape(
        id=TEXT,
        seq=NUMBER,
        work=TEXT,
        every=TEXT | {"description": "the cron expression, on this machine's local time"},
        words=TEXT | {"description": "the same in plain English"},
        next=list_of(_TIME),
        waits_for=list_of(TEXT),
        occurrences=list_of(shape(id=TEXT, status=TEXT)),
    ),
    "SchedulePage": shape(schedules=list_of(ref("Schedule")), next=MAYBE, time_zone=TEXT),
    "Delayed": shape(id=TEXT, seq=NUMBER, work=TEXT, not_before=_TIME, reason=MAYBE),
    "DelayedPage": shape(delayed=list_of(ref("Delayed")), next=MAYBE),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Recurring tasks in order of arrival, each in plain English with its next five times."""
    given = flask.request.args
    fields.check_parameters(given, "after", "limit")
    return schedules_of(panel(), fields.place(given, "after") or 0, fields.limit(given, ROWS))


@blueprint.get("/delayed")
def show_delayed() -> dict[str, Any]:
    """Tasks that wait for a time of their own or for their next attempt, the next first."""
    given = flask.request.args
    fields.check_parameters(given, "after", "limit")
    return delayed_of(panel(), given.get("after", ""), fields.limit(given, ROWS))


@blueprint.post("/<path:task_id>/run")
def run(task_id: str) -> dict[str, Any]:
    """Let it run now; a schedule's own times stay."""
    fields.body(flask.request)
    return {"message": panel().store.run_now(task_id, flask.g.by)}


@blueprint.post("/<path:task_id>/skip")
def skip(task_id: str) -> dict[str, Any]:
    """Let the next time of a schedule pass."""
    given = fields.body(flask.request, "next")
    return {"message": panel().store.skip_next(task_id, flask.g.by, given.get("next"))}


@blueprint.post("/<path:task_id>/stop")
def stop(task_id: str) -> dict[str, Any]:
    """Withdraw it; an occurrence that has not ended goes on."""
    given = fields.body(flask.request, "reason")
    return {"message": panel().store.stop_schedule(task_id, flask.g.by, given.get("reason"))}
