"""Decisions: what waits for a person, and the person's answers."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import flask

from clock import to_rfc3339
from errors import InvalidRequest
from panel.api import fields
from panel.api.describing import DECISION, NUMBER, get, list_of, path, post, ref, shape
from panel.context import panel
from panel.task_views import decision_of
from store.answering import Answer

blueprint = flask.Blueprint("api_decisions", __name__, url_prefix="/api/v1/decisions")

PATHS: Final[dict[str, Any]] = {
    "/api/v1/decisions": get("Everything that waits for a person", "Decisions"),
    "/api/v1/decisions/{decision_id}/answer": post(
        "Answer a decision", path("decision_id"), answer="one of its options", comment="a word with it"
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Decision": DECISION,
    "Decisions": shape(decisions=list_of(ref("Decision")), open=NUMBER),
}

MOST: Final = 500


@blueprint.get("")
def list_decisions() -> dict[str, Any]:
    """Everything that waits for a person, oldest first; at most 500."""
    fields.check_parameters(flask.request.args)
    rows = panel().reader.decisions()
    told = [
        decision_of(row, _task_of(row))
        | {"task_id": row["task_id"], "digest": row["digest"], "asked": to_rfc3339(row["asked"])}
        for row in rows[:MOST]
    ]
    return {"decisions": told, "open": len(rows)}


def _task_of(row: sqlite3.Row) -> sqlite3.Row | None:
    return None if row["task_id"] is None else panel().reader.task(row["task_id"])


@blueprint.post("/<decision_id>/answer")
def answer(decision_id: str) -> dict[str, Any]:
    """Answer with one of the decision's options; the first answer wins."""
    given = fields.body(flask.request, "answer", "comment")
    if "answer" not in given:
        raise InvalidRequest("answer is missing: name one of the decision's options.")
    told = panel().store.answer(Answer(decision_id, given["answer"], flask.g.by, given.get("comment")))
    return {"message": told}
