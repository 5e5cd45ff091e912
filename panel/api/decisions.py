"""Decisions: what waits for a person, and the person's answers."""

from __future__ import annotations

from typing import Any, Final

import flask
import pydantic
from pydantic import Field

from errors import InvalidRequest, NotFound, SkepError
from panel import inbox_views
from panel.api import fields
from panel.api.describing import (
    DECISION,
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
    post_of,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.words import count_of
from store.answering import Answer

blueprint = flask.Blueprint("api_decisions", __name__, url_prefix="/api/v1/decisions")

_PAGE: Final = 100
#: Answers of one request.
MOST_ANSWERS: Final = 100
_DIGEST: Final = "`digest` of what was shown; an answer to other bytes is refused"


class Given(pydantic.BaseModel):
    """One answer of several."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    decision: str = Field(max_length=200)
    answer: str = Field(max_length=200)
    #: of the bytes that were shown
    digest: str = Field(max_length=64)


class Several(pydantic.BaseModel):
    """Answers that are given together."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    decisions: list[Given] = Field(min_length=1, max_length=MOST_ANSWERS)
    comment: str | None = Field(None, max_length=fields.LONGEST_TEXT)


PATHS: Final[dict[str, Any]] = {
    "/api/v1/decisions": get(
        "A page of what waits for a person, oldest first; or of what was answered, newest first",
        "Decisions",
        query("state", "what waits, or what was answered", type="string", enum=["open", "answered"]),
        page_limit("decisions of a page", _PAGE),
        query("after", NEXT, **PLACE),
    ),
    "/api/v1/decisions/{decision_id}": get("One decision", "Decision", path("decision_id")),
    "/api/v1/decisions/{decision_id}/answer": post(
        "Answer a decision",
        path("decision_id"),
        needs=["answer"],
        answer="one of its options",
        comment="a word with it",
        digest=_DIGEST,
    ),
    "/api/v1/decisions/{decision_id}/deadline": post(
        "Give an open decision a deadline, or lift it",
        path("decision_id"),
        needs=["deadline"],
        deadline="a span from now such as 90m, 4h or 2d, an ISO 8601 time, or none: it waits for ever",
    ),
    "/api/v1/decisions/answers": post_of(
        Several,
        "Answer several decisions, each as if it were alone",
        answers="Answered",
        decisions="at most 100: a decision, one of its options, the `digest` that was shown",
        comment="a word with each",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Decision": DECISION,
    "Decisions": shape(decisions=list_of(ref("Decision")), open=NUMBER, next=MAYBE),
    "Answered": shape(
        answered=NUMBER,
        refused=NUMBER,
        message=TEXT,
        results=list_of(shape(decision=TEXT, message=MAYBE, problem=MAYBE)),
    ),
}


@blueprint.get("")
def list_decisions() -> dict[str, Any]:
    """A page of what waits for a person, oldest first; of what was answered with ``state=answered``."""
    given = flask.request.args
    fields.check_parameters(given, "state", "limit", "after")
    state = given.get("state", "open")
    if state not in {"open", "answered"}:
        raise InvalidRequest("state must be open or answered.")
    read = inbox_views.waiting if state == "open" else inbox_views.answered
    return read(panel(), fields.place(given, "after"), fields.limit(given, _PAGE))


@blueprint.get("/<decision_id>")
def show_decision(decision_id: str) -> dict[str, Any]:
    """One decision, open or answered."""
    fields.check_parameters(flask.request.args)
    row = panel().reader.one("get_decision", id=decision_id)
    if row is None:
        raise NotFound(f"There is no decision {decision_id[:200]!r}.")
    return inbox_views.view(panel(), row)


@blueprint.post("/<decision_id>/answer")
def answer(decision_id: str) -> dict[str, Any]:
    """Answer with one of the decision's options; the first answer wins."""
    given = fields.body(flask.request, "answer", "comment", "digest")
    if "answer" not in given:
        raise InvalidRequest("answer is missing: name one of the decision's options.")
    shown = given.get("digest")
    answered = Answer(decision_id, given["answer"], flask.g.by, given.get("comment"), digest=shown)
    return {"message": panel().store.answer(answered)}


@blueprint.post("/<decision_id>/deadline")
def set_deadline(decision_id: str) -> dict[str, Any]:
    """Let it wait until then, or for ever; without an answer there follows what always does."""
    given = fields.body(flask.request, "deadline")
    if "deadline" not in given:
        raise InvalidRequest("deadline is missing: a span such as 4h, an ISO 8601 time, or none.")
    return {"message": panel().store.set_deadline(decision_id, given["deadline"], flask.g.by)}


@blueprint.post("/answers")
def answer_several() -> dict[str, Any]:
    """Answer several decisions; one that cannot be answered so does not keep the others back."""
    given = fields.document(flask.request, Several)
    results = [_answer_one(each, given.comment or None) for each in given.decisions]
    refused = [result["problem"] for result in results if result["problem"] is not None]
    told = f"{count_of(len(results) - len(refused), 'decision is', 'decisions are')} answered."
    if refused:
        told += f" {count_of(len(refused), 'was', 'were')} not: {refused[0]}"
    return {
        "answered": len(results) - len(refused),
        "refused": len(refused),
        "message": told,
        "results": results,
    }


def _answer_one(given: Given, comment: str | None) -> dict[str, Any]:
    try:
        wanted = Answer(given.decision, given.answer, flask.g.by, comment, digest=given.digest)
        said = panel().store.answer(wanted)
    except SkepError as error:
        return {"decision": given.decision, "message": None, "problem": error.message}
    return {"decision": given.decision, "message": said, "problem": None}
