"""Runs: a page of them, and starting one from a document or a request."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Final

import flask
import pydantic
from pydantic import ConfigDict, Field

from localhost.body import MAX_BYTES, read_object
from panel import run_views
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    MAYBE,
    MAYBE_NUMBER,
    NEXT,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    listed_words,
    page_limit,
    post_of,
    query,
    ref,
    sent,
    shape,
)
from panel.context import panel
from panel.run_gate import BLOCKED
from panel.run_views import STATES, RunQuery
from panel.words import count_of
from runs import request_keys

blueprint = flask.Blueprint("api_runs", __name__, url_prefix="/api/v1/runs")

PAGE: Final = 50
#: Inputs of a workflow that can be given.
_MOST_INPUTS: Final = 100
_STATE: Final = TEXT | {"enum": [*STATES]}
BRIEF: Final[dict[str, Any]] = {
    "id": TEXT,
    "name": MAYBE,
    "state": _STATE,
    "task_count": NUMBER,
    "open_tasks": NUMBER | {"description": "those that have not ended"},
    "is_open": FLAG | {"description": "whether it waits for more tasks until it is closed"},
    "cost_micros": NUMBER,
    "budget_micros": MAYBE_NUMBER,
    "error": {"oneOf": [shape(code=TEXT, message=TEXT), {"type": "null"}]},
    "is_lost": FLAG | {"description": "whether its request and answers were lost with a damaged database"},
    "forked_from": MAYBE,
    "created_at": NUMBER | {"description": "Unix milliseconds"},
    "finished_at": MAYBE_NUMBER,
    "created": TEXT,
    "finished": MAYBE,
    "deadline": MAYBE,
    "is_stopping": FLAG | {"description": "whether nothing of it begins any more"},
}
COST: Final = shape(
    worst_micros=NUMBER | {"description": "every attempt of every task at its worst case, micro-dollars"},
    limit_micros=MAYBE_NUMBER,
    unknown=list_of(TEXT) | {"description": "models whose price is not known yet"},
    text=TEXT,
)
KEY_HEADER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same request under the same key is done once",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
#: What each field of a request means.
_FIELDS: Final[dict[str, Any]] = {
    "id": {"description": "the id of the run; one is made where it is left out"},
    "name": {"description": "what people call it"},
    "policy": {"description": "the policy, or the name of one in `config/policies.toml`"},
    "memory": {"description": "what all tasks are told"},
    "open": {"description": "whether it goes on until it is closed"},
    "tasks": {"description": "the tasks"},
}
_DOCUMENT: Final[dict[str, Any]] = {
    "text": "a workflow or a run, YAML or JSON",
    "inputs": "of a workflow: name to text",
    "policy": "a policy of config/policies.toml, in place of the document's",
    "id": "the id of the run",
}


class DocumentBody(pydantic.BaseModel):
    """A document that a run is started from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(max_length=MAX_BYTES)]
    inputs: Annotated[dict[str, str], Field(max_length=_MOST_INPUTS)] = Field(default_factory=dict)
    policy: Annotated[str, Field(max_length=200)] | None = None
    id: Annotated[str, Field(max_length=200)] | None = None


PATHS: Final[dict[str, Any]] = {
    "/api/v1/runs": get(
        "A page of runs, the newest first",
        "Runs",
        query("state", "only those in these states, with commas between them", **listed_words(STATES)),
        query("q", "words that the id or the name holds", type="string", maxLength=run_views.MOST_WORDS),
        page_limit("runs of a page", PAGE),
        query("before", NEXT, **PLACE),
    )
    | sent(
        "Start a run; the body is that of the service's POST /api/v1/runs, and so is Idempotency-Key",
        KEY_HEADER,
        schema=ref("StartRunRequest") | {"properties": _FIELDS},
        answers="StartedRun",
    ),
    "/api/v1/runs/document": post_of(
        DocumentBody, "Start the run of a document", answers="StartedRun", **_DOCUMENT
    ),
    "/api/v1/runs/check": post_of(
        DocumentBody,
        "What is wrong with a document, with line and column; else what it would start",
        answers="RunCheck",
        **_DOCUMENT,
    ),
}  # fmt: skip
SCHEMAS: Final[dict[str, Any]] = {
    "RunBrief": shape(**BRIEF),
    "Runs": shape(
        runs=list_of(shape(**BRIEF, tokens=MAYBE_NUMBER | {"description": "null: not counted yet"})),
        next=MAYBE_NUMBER,
        is_short=FLAG | {"description": "whether there are more to look at, though the page is not full"},
    ),
    "StartedRun": shape(message=TEXT, run=ref("RunBrief")),
    "RunCheck": shape(
        ok=FLAG,
        problems=list_of(
            shape(rule=TEXT, path=TEXT, message=TEXT, line=MAYBE_NUMBER, column=MAYBE_NUMBER, text=TEXT)
        ),
        kind=TEXT | {"enum": ["workflow", "request"]},
        inputs=ANY_OBJECT | {"additionalProperties": MAYBE},
        name=MAYBE,
        id=MAYBE,
        tasks=NUMBER,
        models=NUMBER | {"description": "tasks that a model does"},
        cost=COST,
        blocked=BLOCKED,
    ),
}


def asked() -> RunQuery:
    """Which runs an address asks for. Raises `InvalidRequest`."""
    given = flask.request.args
    fields.check_parameters(given, "state", "q", "limit", "before")
    states = fields.words_of(given, "state")
    return RunQuery(tuple(states), given.get("q", "").strip() or None, fields.place(given, "before"))


@blueprint.get("")
def list_runs() -> dict[str, Any]:
    """A page of runs, the newest first."""
    return run_views.listed(panel(), asked(), fields.limit(flask.request.args, PAGE))


@blueprint.post("")
def start() -> dict[str, Any]:
    """Start a run as programs ask for one; the same request under the same key starts one run."""
    key = request_keys.read(flask.request.headers.get(request_keys.HEADER))
    from panel import run_starting  # noqa: PLC0415  large rooms, loaded when they are needed

    return started(run_starting.start(panel(), read_object(flask.request), flask.g.by, key))


@blueprint.post("/document")
def start_document() -> dict[str, Any]:
    """Start the run of a document; what is wrong with it is told as ``problems``."""
    documents, given = _brought()
    return started(documents.start_text(panel(), given, flask.g.by))


@blueprint.post("/check")
def check() -> dict[str, Any]:
    """Say what is wrong with a document, or what it would start; nothing is started."""
    documents, given = _brought()
    found: dict[str, Any] = documents.check(panel(), given)
    return found


def _brought() -> tuple[Any, Any]:
    """The room that reads documents, and the one of this request."""
    from panel import run_documents  # noqa: PLC0415  large rooms, loaded when they are needed

    given = fields.document(flask.request, DocumentBody)
    return run_documents, run_documents.Brought(
        given.text, given.inputs, given.policy or None, given.id or None
    )


def started(row: sqlite3.Row) -> dict[str, Any]:
    """A run that was started, and a sentence about it."""
    kept = row["tasks"] - row["open"]
    told = f"{row['id']} is started: {count_of(row['open'], 'task')}"
    told += f", {count_of(kept, 'answer')} kept" if kept else ""
    return {"message": f"{told}.", "run": run_views.brief(panel(), row)}
