"""What may be done to a run: abort it, resume it, close it, fork it."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import flask

from localhost.body import read_object
from panel import run_views
from panel.api import fields
from panel.api.describing import FLAG, MAYBE, NUMBER, TEXT, list_of, path, post, ref, sent, shape
from panel.api.runs import COST, KEY_HEADER, started
from panel.context import panel
from panel.run_gate import BLOCKED
from runs import request_keys
from store import run_keys, run_steering
from store.transaction import Transaction

blueprint = flask.Blueprint("api_run_steering", __name__, url_prefix="/api/v1/runs")

_RUN: Final = path("run_id")
#: What each field of a fork means; the check takes whatever comes, and tells what is wrong with it.
_FORK: Final[dict[str, Any]] = {
    "task": {"description": "the task from which on everything is done anew"},
    "id": {"description": "id of the new run"},
    "prompt": {"description": "in place of the task's own"},
    "model": {"description": "in place of the task's own"},
    "context": {"description": "its context policy, in place of what it was"},
}
PATHS: Final[dict[str, Any]] = {
    "/api/v1/runs/{run_id}/abort": post("Abort a run", _RUN, answers="StartedRun"),
    "/api/v1/runs/{run_id}/resume": post(
        "Send back what did not complete", _RUN, KEY_HEADER, answers="StartedRun"
    ),
    "/api/v1/runs/{run_id}/close": post("Let a run end when its tasks have", _RUN, answers="StartedRun"),
    "/api/v1/runs/{run_id}/fork": sent(
        "Start a run with answers of this one",
        _RUN,
        KEY_HEADER,
        schema=ref("ForkRequest") | {"properties": _FORK},
        answers="StartedRun",
    ),
    "/api/v1/runs/{run_id}/fork/check": sent(
        "What a fork would do anew, keep, and cost at worst; what is wrong with the body is an answer too",
        _RUN,
        schema={"type": "object", "properties": _FORK},
        answers="ForkCheck",
    ),
}
_TASKS: Final = shape(count=NUMBER, tasks=list_of(TEXT) | {"description": "the first of them"})
SCHEMAS: Final[dict[str, Any]] = {
    "ForkCheck": shape(
        ok=FLAG, problem=TEXT, path=MAYBE, anew=_TASKS, reused=_TASKS, cost=COST, blocked=BLOCKED
    )
}


@blueprint.post("/<run_id>/abort")
def abort(run_id: str) -> dict[str, Any]:
    """Abort it: what has not begun never will, what runs is asked to end."""
    return _steer(run_id, run_steering.abort)


@blueprint.post("/<run_id>/resume")
def resume(run_id: str) -> dict[str, Any]:
    """Send back to the queue what did not complete; a repeat under the same key does nothing again."""
    key = request_keys.of_request(flask.request.headers.get(request_keys.HEADER), "resume", run_id)

    def resumed(tx: Transaction, run_id: str, by: str) -> sqlite3.Row:
        return run_keys.once(tx, key, lambda inner: run_steering.resume(inner, run_id, by))

    return _steer(run_id, resumed, run_steering.ALL_DONE)


@blueprint.post("/<run_id>/close")
def close(run_id: str) -> dict[str, Any]:
    """Let it end when all its tasks have."""
    return _steer(run_id, run_steering.close)


def _steer(run_id: str, work: Any, why_completed: str = "") -> dict[str, Any]:
    fields.body(flask.request)
    by = flask.g.by
    row = panel().store.write(lambda tx: work(tx, run_id, by))
    left = f", {row['open']:,} of its tasks have not ended" if row["open"] else ""
    why = f": {why_completed}" if why_completed and row["state"] == "completed" else ""
    return {"message": f"{row['id']} is {row['state']}{left}{why}.", "run": run_views.brief(panel(), row)}


@blueprint.post("/<run_id>/fork")
def fork(run_id: str) -> dict[str, Any]:
    """Start a run that begins with answers of this one."""
    body, key = read_object(flask.request), flask.request.headers.get(request_keys.HEADER)
    return started(_starting().fork(panel(), run_id, body, flask.g.by, key))


@blueprint.post("/<run_id>/fork/check")
def check_fork(run_id: str) -> dict[str, Any]:
    """Say what a fork would do; nothing is started."""
    body, row = read_object(flask.request), run_views.row_of(panel(), run_id)
    found: dict[str, Any] = _starting().check_fork(panel(), row, body)
    return found


def _starting() -> Any:
    from panel import run_starting  # noqa: PLC0415  large rooms, loaded when they are needed

    return run_starting
