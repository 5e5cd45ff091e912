"""Files of the workspace as they were before a task: what bringing them back would change, and doing it."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel import rollbacks
from panel.api import fields
from panel.api.describing import TEXT, get, path, post, ref, shape
from panel.api.task import row_of
from panel.context import panel

blueprint = flask.Blueprint("api_task_rollback", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks/{task_id}/rollback": {
        **get("What was found or done last of a task's rollback, and whether it is under way", "Job", _TASK),
        **post(
            "Show what bringing files back to the last state kept before it would change; nothing is touched",
            _TASK,
            answers="RollbackRun",
        ),
    },
    "/api/v1/tasks/{task_id}/rollback/do": post(
        "Bring them back, as `skep rollback --before --yes`; refused where they differ from what was shown",
        _TASK,
        digest="`digest` of what was shown",
        answers="RollbackRun",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {"RollbackRun": shape(message=TEXT, rollback=ref("Job"))}


@blueprint.get("/<path:task_id>/rollback")
def show(task_id: str) -> dict[str, Any]:
    """What was found or done last."""
    fields.check_parameters(flask.request.args)
    return rollbacks.state_of(panel(), "task", row_of(task_id)["id"])


@blueprint.post("/<path:task_id>/rollback")
def look(task_id: str) -> dict[str, Any]:
    """Show what would change."""
    fields.body(flask.request)
    row = row_of(task_id)
    rollbacks.look(panel(), rollbacks.of_task(panel(), row["id"]))
    return _told(row["id"], "Nothing was touched; it is shown below.")


@blueprint.post("/<path:task_id>/rollback/do")
def do(task_id: str) -> dict[str, Any]:
    """Do what was shown."""
    given = fields.body(flask.request, "digest")
    row = row_of(task_id)
    rollbacks.do(panel(), rollbacks.of_task(panel(), row["id"]), given.get("digest", ""), flask.g.by)
    return _told(row["id"], "It is done.")


def _told(task_id: str, fine: str) -> dict[str, Any]:
    return told_of(rollbacks.state_of(panel(), "task", task_id), fine)


def told_of(state: dict[str, Any], fine: str) -> dict[str, Any]:
    """How a rollback stands, with a sentence for the person who pressed the button."""
    # What a preview warns of stands with it, on the page in the look of a warning.
    done = state["result"] if state["state"] == "done" else {}
    told = done.get("told", fine) if done.get("kind") == "done" else fine
    return {"message": told if done else "It is under way.", "rollback": state}
