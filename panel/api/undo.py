"""Undoing a rollback that broke off: what that would change, and doing it."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel import rollbacks, undoing
from panel.api import fields
from panel.api.describing import get, path, post
from panel.api.task_rollback import told_of
from panel.context import panel

blueprint = flask.Blueprint("api_undo", __name__, url_prefix="/api/v1/decisions")

_DECISION: Final = path("decision_id")
PATHS: Final[dict[str, Any]] = {
    "/api/v1/decisions/{decision_id}/undo": {
        **get("What was found or done last of undoing a rollback that broke off", "Job", _DECISION),
        **post(
            "Show what bringing the workspace back to the state before it would change; nothing is touched",
            _DECISION,
            answers="RollbackRun",
        ),
    },
    "/api/v1/decisions/{decision_id}/undo/do": post(
        "Undo it, as `skep rollback checkpoint:N --all --yes`; refused where it differs from what was shown",
        _DECISION,
        digest="`digest` of what was shown",
        answers="RollbackRun",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {}


@blueprint.get("/<decision_id>/undo")
def show(decision_id: str) -> dict[str, Any]:
    """What was found or done last."""
    fields.check_parameters(flask.request.args)
    return rollbacks.state_of(panel(), "broken", decision_id)


@blueprint.post("/<decision_id>/undo")
def look(decision_id: str) -> dict[str, Any]:
    """Show what would change."""
    fields.body(flask.request)
    rollbacks.look(panel(), undoing.of_decision(panel(), decision_id))
    return _told(decision_id, "Nothing was touched; it is shown below.")


@blueprint.post("/<decision_id>/undo/do")
def do(decision_id: str) -> dict[str, Any]:
    """Do what was shown."""
    given = fields.body(flask.request, "digest")
    rollbacks.do(panel(), undoing.of_decision(panel(), decision_id), given.get("digest", ""), flask.g.by)
    return _told(decision_id, "It is done.")


def _told(decision_id: str, fine: str) -> dict[str, Any]:
    return told_of(rollbacks.state_of(panel(), "broken", decision_id), fine)
