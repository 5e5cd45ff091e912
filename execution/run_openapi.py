"""The routes of runs as their part of ``/openapi.json``."""

from __future__ import annotations

from typing import Any, Final

import pydantic

from execution.run_answers import RunAnswer, RunBrief, RunDecision, RunDecisions, RunList
from execution.run_decisions import AnswerRequest
from execution.told_output import PLACE
from runs.request import EnqueueRequest, ForkRequest, StartRunRequest

REQUESTS: Final[tuple[type[pydantic.BaseModel], ...]] = (
    StartRunRequest,
    EnqueueRequest,
    ForkRequest,
    AnswerRequest,
)
ANSWERS: Final[tuple[type[pydantic.BaseModel], ...]] = (
    RunAnswer,
    RunBrief,
    RunList,
    RunDecisions,
    RunDecision,
)
BASE: Final = "/api/v1/runs"
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_WHY: Final = {
    400: "a field is missing, wrong or unknown (`path` names it), or asks for what only a run in memory does",
    401: "no token, or a wrong one",
    403: "a browser asks; or a decision that only a person answers, which is not of the kind `ask`",
    404: "`run_not_found`, no such task or decision, or `no_answer` of a task",
    409: "`run_exists`, `task_exists`, `run_completed`, `key_used`, `already_answered`, or another question "
    "was shown",
    413: "the body is too large",
    415: "the body is not application/json",
    421: "the Host header does not name this port",
    422: "`dag_cycle`, `dag_invalid`, `dep_not_found` or `model_unknown`",
    431: "the head of the request is too large",
    501: "the body is sent in a transfer coding that is not understood",
    503: "the store cannot be written, or no event stream is free",
}
#: Where a run can stand.
STATES: Final = ("running", "aborting", "completed", "failed", "aborted")
_STATES: Final = "^({0})(,({0}))*$".format("|".join(STATES))
#: One event of a stream, as its reader gets it; `data` is an object of the history.
_EVENT: Final = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "`seq` of the event"},
        "event": {"type": "string", "description": "what happened"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
#: The same of an output.
_OUTPUT_EVENT: Final = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": PLACE, "description": "lease, and bytes told of that attempt"},
        "event": {"enum": ["attempt", "text", "discarded", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_RUN: Final = {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}}
_DECISION: Final = {"name": "decision", "in": "path", "required": True, "schema": {"type": "string"}}
_TASK: Final = {
    "name": "task_id",
    "in": "path",
    "required": True,
    "description": "within its run",
    "schema": {"type": "string"},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same request under the same key is done once",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}

#: of requests that may be part of a trace that began elsewhere
TRACEPARENT: Final = {
    "name": "traceparent",
    "in": "header",
    "description": "the span it is sent from (W3C); one that cannot be understood counts as none",
    "schema": {"type": "string"},
}


def paths() -> dict[str, Any]:
    """Every route with what it takes and answers."""
    one = f"{BASE}/{{run_id}}"
    listed = [
        _query("state", {"type": "string", "pattern": _STATES}, "states with commas between them"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "runs on the page"),
        _query("before", {"type": "integer", "minimum": 1, "maximum": 2**62}, "`next` of the page before"),
    ]
    number = {"type": "integer", "minimum": 0, "maximum": 2**62}
    after = _query("after", number, "only events after this one, as Last-Event-ID")
    place = _query("after", {"type": "string", "pattern": PLACE}, "only what is behind it, as Last-Event-ID")
    return {
        BASE: {
            "post": _route("Start a run", 202, "RunBrief", "StartRunRequest", [_KEY, TRACEPARENT]),
            "get": _route("List runs, the newest first", 200, "RunList", None, listed),
        },
        one: {"get": _route("A run with its tasks", 200, "RunAnswer", None, [_RUN])},
        f"{one}/abort": {"post": _steering("Abort a run")},
        f"{one}/close": {"post": _steering("Let a run end when its tasks have")},
        f"{one}/resume": {"post": _steering("Send back what did not complete", _KEY)},
        f"{one}/tasks": {
            "post": _route("Add tasks to a run", 202, "RunBrief", "EnqueueRequest", [_RUN, _KEY])
        },
        f"{one}/fork": {
            "post": _route(
                "Start a run with answers of this", 202, "RunBrief", "ForkRequest", [_RUN, _KEY, TRACEPARENT]
            )
        },
        f"{one}/decisions": {
            "get": _route("What people are or were asked about a run", 200, "RunDecisions", None, [_RUN])
        },
        f"{one}/decisions/{{decision}}": {
            "post": _route(
                "Answer a question of a run", 200, "RunDecision", "AnswerRequest", [_RUN, _DECISION]
            )
        },
        f"{one}/events": {"get": _events([_RUN, after])},
        f"{one}/tasks/{{task_id}}/output": {"get": _output([_RUN, _TASK])},
        f"{one}/tasks/{{task_id}}/output/events": {"get": _output_events([_RUN, _TASK, place])},
    }


def _query(name: str, schema: dict[str, Any], told: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": told, "schema": schema}


def _route(
    summary: str, status: int, answer: str, request: str | None, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": summary,
        "security": [{"token": []}],
        "parameters": parameters,
        "responses": {str(status): {"description": "done", "content": _json(answer)}, **_problems()},
    }
    if request is not None:
        found["requestBody"] = {"required": True, "content": _json(request)}
    return found


def _steering(summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A route that takes nothing, which is said as JSON: what a form can post is not answered."""
    nothing = {"application/json": {"schema": {"type": "object", "additionalProperties": False}}}
    found = _route(summary, 200, "RunBrief", None, [_RUN, *parameters])
    return found | {"requestBody": {"required": True, "content": nothing}}


def _events(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"text/event-stream": {"schema": _EVENT}}
    return {
        "summary": "What happens to a run, until it has ended; Last-Event-ID goes on after an event",
        "security": [{"token": []}],
        "parameters": parameters,
        "responses": {"200": {"description": "events", "content": content}, **_problems()},
    }


def _output_events(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    found = _events(parameters)
    found["summary"] = "What a task prints or answers, attempt by attempt, until it has ended"
    found["responses"]["200"]["content"] = {"text/event-stream": {"schema": _OUTPUT_EVENT}}
    return found


def _output(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "summary": "What a completed task answered, whole",
        "security": [{"token": []}],
        "parameters": parameters,
        "responses": {
            "200": {"description": "its answer, without secrets", "content": content},
            **_problems(),
        },
    }


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}


def _problems() -> dict[str, Any]:
    return {str(code): {"description": told, "content": _PROBLEM} for code, told in _WHY.items()}
