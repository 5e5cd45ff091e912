"""The API's description. A test holds it to the routes there are."""

from __future__ import annotations

from typing import Any, Final

from panel.version import version
from runtime_contract import Status

JSON: Final = "application/json"


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Skep control panel", "version": version() or "0", "description": _ABOUT},
        "security": [{"executionToken": []}, {"session": []}],
        "paths": _PATHS,
        "components": {"securitySchemes": _SCHEMES, "schemas": _SCHEMAS},
    }


_ABOUT: Final = (
    "Loopback only. Programs send the token of .swarm/execution_token as a bearer token, which is new at "
    "every start of the daemon; the panel's pages use their session. Without either, every address here "
    "answers 401. Errors are RFC 9457 problem details."
)


def _answer(schema: str) -> dict[str, Any]:
    problem = {
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
        "description": "a problem",
    }
    good = {"content": {JSON: {"schema": _ref(schema)}}, "description": "done"}
    return {"200": good, "default": problem}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(summary: str, schema: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": _answer(schema)}}


def _post(summary: str, *of: dict[str, Any], answers: str = "Done", **fields: str) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": text} for name, text in fields.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    body = {"content": {JSON: {"schema": schema}}, "required": False}
    told = {"summary": summary, "parameters": list(of), "requestBody": body, "responses": _answer(answers)}
    return {"post": told}


def _query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema or {"type": "string"}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


_TASK: Final = _path("task_id")
_NEXT: Final = "what `next` of the page before said"
_PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks": _get(
        "A page of tasks",
        "TaskPage",
        _query("status", "only these, comma separated"),
        _query("limit", "tasks of a page", type="integer", minimum=1, maximum=500, default=100),
        _query("after", _NEXT),
        _query("order", "newest first, or oldest", type="string", enum=["newest", "oldest"]),
    ),
    "/api/v1/tasks/{task_id}": _get(
        "One task with its text, attempts and events",
        "TaskDetail",
        _TASK,
        _query("events_after", "what `events_next` said", type="integer"),
    ),
    "/api/v1/tasks/{task_id}/cancel": _post("Withdraw a task", _TASK, reason="why"),
    "/api/v1/tasks/{task_id}/retry": _post("Send an ended task back", _TASK),
    "/api/v1/tasks/{task_id}/approve": _post(
        "Say yes to what waits about it",
        _TASK,
        comment="a word with it",
        decision="the question that was shown",
    ),
    "/api/v1/tasks/{task_id}/reject": _post(
        "Say no to it", _TASK, reason="told to the next attempt", decision="the question that was shown"
    ),
    "/api/v1/decisions": _get("Everything that waits for a person", "Decisions"),
    "/api/v1/decisions/{decision_id}/answer": _post(
        "Answer a decision", _path("decision_id"), answer="one of its options", comment="a word with it"
    ),
    "/api/v1/budget": _get("Every limit, and what was spent of it", "Budgets"),
    "/api/v1/budget/add": _post(
        "Let a limit have more",
        amount="dollars over 0, such as 5.00",
        limit="day (the default), total, model:NAME, run:ID or task:ID",
    ),
    "/api/v1/kill-switch": _get("Whether the kill switch is on", "KillSwitch"),
    "/api/v1/kill-switch/on": _post(
        "Set the kill switch; one that is set keeps its reason where none is given",
        answers="KillSwitch",
        reason="why, shown wherever something waits for it",
    ),
    "/api/v1/kill-switch/off": _post("Clear the kill switch", answers="KillSwitch"),
    "/api/v1/tools": _get("Every tool, and what became of the tasks it was found for", "Tools"),
    "/api/v1/status": _get("The home at a glance", "Standing"),
    "/api/v1/openapi.json": _get("This document", "Document"),
}
_SCHEMES: Final[dict[str, Any]] = {
    "executionToken": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__cp_8421", "description": "named after the port"},
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_NUMBER: Final = {"type": "integer"}
_MAYBE_NUMBER: Final = {"type": ["integer", "null"]}
_TASK_FIELDS: Final[dict[str, Any]] = {
    "id": _TEXT,
    "status": {"type": "string", "enum": [status.value for status in Status]},
    "waiting_for": _MAYBE,
    "attempts": _NUMBER,
    "priority": _NUMBER,
    "mode": _MAYBE,
    "title": _TEXT,
    "created": {"type": "string", "format": "date-time"},
    "started": _MAYBE,
    "finished": _MAYBE,
    "reason": _MAYBE,
    "result": _MAYBE,
    "output": {"type": "string", "description": "the first 4,000 characters of what it printed or answered"},
    "decision": {"oneOf": [_ref("Decision"), {"type": "null"}]},
    "actions": {"type": "array", "items": _TEXT},
}
_SCHEMAS: Final[dict[str, Any]] = {
    "Task": _object(**_TASK_FIELDS),
    "TaskPage": _object(tasks={"type": "array", "items": _ref("Task")}, next=_MAYBE),
    "TaskDetail": _object(
        **_TASK_FIELDS,
        task={"type": "object", "description": "the task as it was written"},
        attempt_list={"type": "array", "items": {"type": "object"}},
        events={"type": "array", "items": {"type": "object"}},
        events_next={"type": ["integer", "null"]},
    ),
    "Decision": _object(
        id=_TEXT,
        kind=_TEXT,
        question=_TEXT,
        options={"type": "array", "items": _TEXT},
        about={"type": "string", "description": "the exact words that are decided on, where there are any"},
    ),
    "Decisions": _object(decisions={"type": "array", "items": _ref("Decision")}, open=_NUMBER),
    "Limit": _object(
        limit=_TEXT,
        granted_micros=_MAYBE_NUMBER,
        topped_up_micros=_NUMBER,
        spent_micros=_NUMBER,
        unsettled_micros=_NUMBER,
        reserved_micros=_NUMBER,
        left_micros=_MAYBE_NUMBER,
        waiting=_NUMBER,
        declined_by=_MAYBE,
    ),
    "Budgets": _object(limits={"type": "array", "items": _ref("Limit")}),
    "Standing": _object(
        health=_object(kind=_TEXT, sentence=_TEXT, detail=_TEXT),
        counts={"type": "object", "additionalProperties": _NUMBER},
        open_decisions=_NUMBER,
        kill_switch=_ref("KillSwitch"),
        circuit_breaker={"type": ["object", "null"]},
        gate={"type": "object"},
        model={"type": ["object", "null"]},
        budget=_object(day=_ref("Limit"), total=_ref("Limit")),
        sandbox={"type": ["object", "null"]},
        worker_runs={"type": "boolean"},
        audit_checkpoint=_MAYBE | {"description": "`SEQ:MAC` of the audit, for `skep audit verify`"},
        version=_TEXT,
    ),
    "Tool": _object(
        name=_TEXT,
        kind={"type": "string", "enum": ["run", "context", "gone"]},
        description=_TEXT,
        hits=_NUMBER,
        approvals=_NUMBER,
        rejections=_NUMBER,
        saved_tokens=_NUMBER,
        standing={"type": "number", "description": "by what its confidence is multiplied, 0 to 1"},
    ),
    "Tools": _object(
        tools={"type": "array", "items": _ref("Tool")},
        trouble=_MAYBE | {"description": "what is wrong with the files, where they cannot be read"},
    ),
    "KillSwitch": _object(on={"type": "boolean"}, reason=_MAYBE, by=_MAYBE, since=_MAYBE, message=_TEXT),
    "Done": _object(message=_TEXT, task={"oneOf": [_ref("Task"), {"type": "null"}]}),
    "Document": {"type": "object"},
    "Problem": _object(type=_TEXT, title=_TEXT, status=_NUMBER, detail=_TEXT, code=_TEXT),
}
