"""Words in which each route of the API describes itself, and shapes that many share."""

from __future__ import annotations

from typing import Any, Final

from runtime_contract import Status

JSON: Final = "application/json"

TEXT: Final[dict[str, Any]] = {"type": "string"}
MAYBE: Final[dict[str, Any]] = {"type": ["string", "null"]}
NUMBER: Final[dict[str, Any]] = {"type": "integer"}
MAYBE_NUMBER: Final[dict[str, Any]] = {"type": ["integer", "null"]}
REAL: Final[dict[str, Any]] = {"type": "number"}
FLAG: Final[dict[str, Any]] = {"type": "boolean"}
ANY_OBJECT: Final[dict[str, Any]] = {"type": "object"}
NEXT: Final = "what `next` of the page before said"


def ref(name: str) -> dict[str, str]:
    """A shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of one shape."""
    return {"type": "array", "items": schema}


def shape(**properties: Any) -> dict[str, Any]:
    """An object with these members."""
    return {"type": "object", "properties": properties}


def answer(name: str, media_type: str = JSON) -> dict[str, Any]:
    """What comes back: a named shape, or a problem."""
    problem = {
        "content": {"application/problem+json": {"schema": ref("Problem")}},
        "description": "a problem",
    }
    return {
        "200": {"content": {media_type: {"schema": ref(name)}}, "description": "done"},
        "default": problem,
    }


def get(summary: str, name: str, *parameters: dict[str, Any], media_type: str = JSON) -> dict[str, Any]:
    """A route that is read."""
    return {
        "get": {"summary": summary, "parameters": list(parameters), "responses": answer(name, media_type)}
    }


def post(summary: str, *of: dict[str, Any], answers: str = "Done", **fields: Any) -> dict[str, Any]:
    """A route that changes something; a field is a text with this meaning, or a schema of its own."""
    properties = {
        name: told if isinstance(told, dict) else TEXT | {"description": told}
        for name, told in fields.items()
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    body = {"content": {JSON: {"schema": schema}}, "required": False}
    return {
        "post": {
            "summary": summary,
            "parameters": list(of),
            "requestBody": body,
            "responses": answer(answers),
        }
    }


def query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """A parameter in the address's query."""
    return {"name": name, "in": "query", "description": text, "schema": schema or TEXT}


def path(name: str) -> dict[str, Any]:
    """A parameter in the address's path."""
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


DECISION: Final = shape(
    id=TEXT,
    task_id=MAYBE,
    kind=TEXT,
    question=TEXT,
    options=list_of(TEXT),
    tries_left=MAYBE_NUMBER
    | {"description": "of a review: attempts that may follow; with any, `reject` requeues, `fail` rejects"},
    about=TEXT | {"description": "the exact words that are decided on, where there are any"},
    digest=TEXT | {"description": "SHA-256 of the exact bytes the answer binds to"},
    deadline=MAYBE | {"description": "until when it waits; null: for ever"},
    is_overdue=FLAG | {"description": "whether that has passed, and it waits all the same"},
    fails_at_deadline=FLAG | {"description": "whether its task fails then; else it is overdue"},
)
LIMIT: Final = shape(
    limit=TEXT,
    granted_micros=MAYBE_NUMBER,
    topped_up_micros=NUMBER,
    spent_micros=NUMBER,
    unsettled_micros=NUMBER,
    reserved_micros=NUMBER,
    left_micros=MAYBE_NUMBER,
    waiting=NUMBER,
    declined_by=MAYBE,
)
TASK_FIELDS: Final[dict[str, Any]] = {
    "id": TEXT,
    "status": {"type": "string", "enum": [status.value for status in Status]},
    "waiting_for": MAYBE,
    "attempts": NUMBER,
    "priority": NUMBER,
    "mode": MAYBE,
    "is_recurring": FLAG,
    "tags": list_of(TEXT),
    "cost_micros": NUMBER | {"description": "micro-dollars that its model calls have cost so far"},
    "title": TEXT,
    "created": {"type": "string", "format": "date-time"},
    "started": MAYBE,
    "finished": MAYBE,
    "reason": MAYBE,
    "result": MAYBE,
    "output": TEXT | {"description": "the first 4,000 characters of what it printed or answered"},
    "decision": {"oneOf": [ref("Decision"), {"type": "null"}]},
    "actions": list_of(TEXT),
}
#: Shapes that are no route's own.
SCHEMAS: Final[dict[str, Any]] = {
    "Done": shape(message=TEXT, task={"oneOf": [ref("Task"), {"type": "null"}]}),
    "Document": ANY_OBJECT,
    "Problem": shape(type=TEXT, title=TEXT, status=NUMBER, detail=TEXT, code=TEXT),
}
