"""Adding tasks: looking at them first, without any effect, and then entering them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import flask
import pydantic
from pydantic import ConfigDict, Field

from errors import InvalidRequest, InvalidTask
from localhost.body import MAX_BYTES
from panel import adding
from panel.adding import Brought, Reading
from panel.api import fields
from panel.api.describing import (
    FLAG,
    MAYBE,
    MAYBE_NUMBER,
    NUMBER,
    TEXT,
    given,
    list_of,
    post_of,
    ref,
    shape,
)
from panel.context import panel

blueprint = flask.Blueprint("api_tasks_add", __name__, url_prefix="/api/v1/tasks")

#: Tasks of one request.
MOST: Final = 5_000
_MAYBE_OBJECT: Final = {"type": ["object", "null"]}
_GIVEN: Final = {
    "tasks": "tasks as in a queue file, each looked at for itself; or `text`",
    "text": "tasks as a text: a task, a list, a queue, or a JSON object a line",
    "reading": "what `text` is: JSON (the default), or each line a prompt, or each a command",
}
_EITHER: Final = {"oneOf": [given("tasks", "array"), given("text", "string")]}


class TasksBody(pydantic.BaseModel):
    """Tasks, one by one or as a text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tasks: Annotated[list[Any], Field(min_length=1, max_length=MOST)] | None = None
    text: Annotated[str, Field(max_length=MAX_BYTES)] | None = None
    reading: Reading = "json"


PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks": post_of(
        TasksBody,
        "Add tasks. What breaks the contract is refused, the rest is taken; 422 where nothing is. A task "
        "whose id is known with the same words counts as `known` and is not taken twice",
        answers="Added",
        rule=_EITHER,
        **_GIVEN,
    ),
    "/api/v1/tasks/check": post_of(
        TasksBody,
        "Look at tasks without adding them: the contract, and of the first 20 the verdict of the safety "
        "gateway, the tool, the plan and what an attempt may cost",
        answers="Looked",
        rule=_EITHER,
        **_GIVEN,
    ),
}
_ENTRY: Final[dict[str, Any]] = {
    "index": NUMBER | {"description": "its place among those that were sent, from 0"},
    "where": TEXT,
    "id": MAYBE,
    "state": {"type": "string", "enum": ["good", "added", "known", "refused"]},
    "errors": list_of(shape(field=MAYBE, message=TEXT)),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Entry": shape(**_ENTRY),
    "Added": shape(message=TEXT, added=NUMBER, known=NUMBER, refused=NUMBER, entries=list_of(ref("Entry"))),
    "Looked": shape(
        good=NUMBER,
        refused=NUMBER,
        entries=list_of(
            shape(
                **_ENTRY,
                notes=list_of(TEXT),
                foretold=_MAYBE_OBJECT
                | {
                    "properties": {
                        "safety": _MAYBE_OBJECT,
                        "route": _MAYBE_OBJECT,
                        "plan": _MAYBE_OBJECT,
                        "cost": shape(model=MAYBE, worst_micros=MAYBE_NUMBER, text=TEXT),
                        "trouble": MAYBE,
                    }
                },
            )
        ),
        is_whole=FLAG | {"description": "whether `foretold` stands at every good one"},
    ),
}


@blueprint.post("")
def add() -> dict[str, Any]:
    """Add tasks, each for itself."""
    brought = _read()
    message = adding.enter(panel(), brought, flask.g.by)
    counts = {state: len(brought.of_state(state)) for state in ("added", "known", "refused")}
    if not counts["added"] and not counts["known"]:
        raise InvalidTask(_first_error(brought), entries=brought.as_json())
    return {"message": message, **counts, "entries": brought.as_json()}


@blueprint.post("/check")
def check() -> dict[str, Any]:
    """Say what would become of tasks; nothing is added."""
    brought = _read()
    entries = list(adding.look(panel(), brought))
    good = len(brought.of_state("good"))
    return {
        "good": good,
        "refused": len(brought.entries) - good,
        "entries": entries,
        "is_whole": good <= adding.MOST_FORETOLD,
    }


def _read() -> Brought:
    asked = fields.document(flask.request, TasksBody)
    if (asked.tasks is None) == (asked.text is None):
        raise InvalidRequest("Give either tasks, a list, or text.", field="tasks")
    brought = adding.bring(asked.tasks, asked.text or "", asked.reading, panel().settings.limits)
    if not brought.entries:
        raise InvalidRequest("There is no task in it.", field="tasks" if asked.text is None else "text")
    if len(brought.entries) > MOST:
        raise InvalidRequest(f"{len(brought.entries):,} tasks are over the {MOST:,} of one request.")
    return brought


def _first_error(brought: Brought) -> str:
    first = brought.entries[0]
    told = f"{brought.place(first)}: {first.errors[0]['message']}"
    more = len(brought.entries) - 1
    return told if not more else f"{told} (and {more:,} more that are refused)"
