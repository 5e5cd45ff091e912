"""Words in which each route of the API describes itself, and shapes that many share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import pydantic

from localhost import model_schemas
from panel.api.fields import LARGEST_PAGE, LARGEST_PLACE, LONGEST_TEXT
from runtime_contract import Status

JSON: Final = "application/json"

TEXT: Final[dict[str, Any]] = {"type": "string"}
MAYBE: Final[dict[str, Any]] = {"type": ["string", "null"]}
NUMBER: Final[dict[str, Any]] = {"type": "integer"}
MAYBE_NUMBER: Final[dict[str, Any]] = {"type": ["integer", "null"]}
REAL: Final[dict[str, Any]] = {"type": "number"}
FLAG: Final[dict[str, Any]] = {"type": "boolean"}
ANY_OBJECT: Final[dict[str, Any]] = {"type": "object"}
MAYBE_OBJECT: Final[dict[str, Any]] = {"type": ["object", "null"]}
#: A place in a list, as `next` of the page before says it; an empty one counts as left out.
PLACE: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": LARGEST_PLACE}, {"const": ""}]
}
#: A field of a body that `fields.body` reads; one that is null or blank counts as left out.
_FIELD: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": LONGEST_TEXT}
#: The same where something must be said.
_NEEDED: Final[dict[str, Any]] = {"type": "string", "maxLength": LONGEST_TEXT, "pattern": r"\S"}
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


def answer(name: str, media_type: str | Sequence[str] = JSON) -> dict[str, Any]:
    """What comes back: a named shape, or a problem."""
    kinds = [media_type] if isinstance(media_type, str) else media_type
    problem = {
        "content": {"application/problem+json": {"schema": ref("Problem")}},
        "description": "a problem",
    }
    return {
        "200": {"content": {kind: {"schema": ref(name)} for kind in kinds}, "description": "done"},
        "default": problem,
    }


def get(
    summary: str, name: str, *parameters: dict[str, Any], media_type: str | Sequence[str] = JSON
) -> dict[str, Any]:
    """A route that is read."""
    return {
        "get": {"summary": summary, "parameters": list(parameters), "responses": answer(name, media_type)}
    }


def post(
    summary: str, *of: dict[str, Any], answers: str = "Done", needs: Sequence[str] = (), **fields: Any
) -> dict[str, Any]:
    """A route that changes something by what `fields.body` reads.

    A field is a text with this meaning, or has a schema that is added to a text's. `needs` names those that
    must be there. Without any the body is an empty object: what a form can post is not answered.
    """
    properties = {}
    for name, told in fields.items():
        more = told if isinstance(told, dict) else {"description": told}
        properties[name] = (_NEEDED if name in needs else _FIELD) | more
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return sent(summary, *of, schema=schema | ({"required": [*needs]} if needs else {}), answers=answers)


def post_of(
    model: type[pydantic.BaseModel],
    summary: str,
    *of: dict[str, Any],
    answers: str = "Done",
    rule: dict[str, Any] | None = None,
    **fields: str,
) -> dict[str, Any]:
    """A route that changes something by what `fields.document` reads as `model`.

    `fields` says what each means; `rule` is a schema of what holds between them.
    """
    schema = model_schemas.whole(model)
    told = {name: each | {"description": fields[name]} for name, each in schema["properties"].items()}
    return sent(summary, *of, schema=schema | {"properties": told} | (rule or {}), answers=answers)


def sent(summary: str, *of: dict[str, Any], schema: dict[str, Any], answers: str) -> dict[str, Any]:
    """A route that is sent a body of this schema; it must come, and as JSON."""
    body = {"content": {JSON: {"schema": schema}}, "required": True}
    return {
        "post": {
            "summary": summary,
            "parameters": list(of),
            "requestBody": body,
            "responses": answer(answers),
        }
    }


def given(name: str, kind: str) -> dict[str, Any]:
    """A schema of an object in which a field is there, and is no null."""
    return {"required": [name], "properties": {name: {"type": kind}}}


def page_limit(text: str, default: int) -> dict[str, Any]:
    """The parameter that says how long a page may be."""
    return query("limit", text, type="integer", minimum=1, maximum=LARGEST_PAGE, default=default)


def any_of(words: Sequence[str]) -> dict[str, Any]:
    """A schema of a text that is one of some words, or empty, which counts as left out."""
    return {"type": "string", "enum": [*words, ""]}


def listed_words(words: Sequence[str]) -> dict[str, Any]:
    """A schema of some words with commas between them, or an empty text, which counts as left out."""
    known = "|".join(re.escape(word) for word in words)
    return {"type": "string", "pattern": f"^(({known})(,({known}))*)?$"}


def query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """A parameter in the address's query."""
    return {"name": name, "in": "query", "description": text, "schema": schema or TEXT}


def path(name: str) -> dict[str, Any]:
    """A parameter in the address's path."""
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


#: The words that are decided on, ready to be read to their end.
ABOUT_PARTS: Final[dict[str, Any]] = {
    "about_length": TEXT | {"description": "how long all of `about` is: characters and lines"},
    "about_parts": list_of(shape(text=TEXT, is_note=FLAG))
    | {
        "description": "`about` in parts, long runs of blanks folded; `is_note` are Skep's own words about "
        "it, and no others are"
    },
}
DECISION: Final = shape(
    id=TEXT,
    task_id=MAYBE,
    kind=TEXT,
    question=TEXT,
    options=list_of(TEXT),
    tries_left=MAYBE_NUMBER
    | {"description": "of a review: attempts that may follow; with any, `reject` requeues, `fail` rejects"},
    about=TEXT
    | {
        "description": "the exact words that are decided on, where there are any; of a result that is "
        "reviewed, its beginning and its end, 20,000 characters, with how much is left out between (with a "
        "task it is empty: ask for the decision)"
    },
    **ABOUT_PARTS,
    digest=TEXT | {"description": "SHA-256 of the exact bytes the answer binds to"},
    deadline=MAYBE | {"description": "until when it waits; null: for ever"},
    is_past=FLAG | {"description": "whether that has passed"},
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
