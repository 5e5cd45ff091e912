"""Many tasks at once: what would happen, and the doing of it; and one task's priority."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import flask
import pydantic
from pydantic import ConfigDict, Field

from errors import InvalidRequest
from panel import bulk, bulk_reviews
from panel.api import fields
from panel.api.describing import (
    ABOUT_PARTS,
    FLAG,
    MAYBE,
    NUMBER,
    REAL,
    TEXT,
    given,
    list_of,
    path,
    post_of,
    ref,
    shape,
)
from panel.context import Panel, panel
from panel.task_views import page_of
from redaction import clean
from runtime_contract import Status
from store.steering_many import Action, Steering
from store.task_filter import Filter, Mode, cursor_of, place_of

blueprint = flask.Blueprint("api_tasks_bulk", __name__, url_prefix="/api/v1/tasks")

_RULE: Final[dict[str, Any]] = {
    "oneOf": [given("ids", "array"), given("filter", "object")],
    "allOf": [
        {"if": {"properties": {"action": {"const": "priority"}}}, "then": given("priority", "integer")},
        {
            "if": {"properties": {"action": {"const": "approve"}, "preview": {"const": False}}},
            "then": given("decisions", "object"),
        },
    ],
}

Id = Annotated[str, Field(min_length=1, max_length=1000)]
Ids = Annotated[
    list[Id], Field(max_length=bulk.MOST), pydantic.AfterValidator(lambda given: list(dict.fromkeys(given)))
]
Word = Annotated[str, Field(min_length=1, max_length=256)]


class FilterBody(pydantic.BaseModel):
    """Which tasks are meant, as the list's parameters say it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    status: list[Literal[tuple(status.value for status in Status)]] = []  # type: ignore[valid-type]
    mode: Mode | None = None
    tag: Word | None = None
    source: Word | None = None
    q: Word | None = None


class BulkBody(pydantic.BaseModel):
    """What is to be done, to which tasks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Action
    ids: Ids | None = None
    filter: FilterBody | None = None
    as_of: Annotated[float, Field(allow_inf_nan=False)] | None = None
    after: Annotated[str, Field(max_length=100)] | None = None
    priority: int | None = None
    reason: Annotated[str, Field(max_length=fields.LONGEST_TEXT)] | None = None
    decisions: Annotated[dict[Id, Id], Field(max_length=bulk.MOST)] | None = None
    preview: bool = False


class PriorityBody(pydantic.BaseModel):
    """A task's new priority."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int


PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks/bulk": post_of(
        BulkBody,
        f"Do one thing to many tasks, each for itself; at most {bulk.MOST} a request. With `preview` nothing "
        "is done, and `message` says what would be",
        answers="Bulk",
        rule=_RULE,
        action="what is done to each; `approve` answers reviews of results alone",
        ids="the tasks; or `filter`",
        filter="every task that fits it, as in the list; an empty one is every task",
        as_of="what the preview said: what came or was asked since is left alone",
        after="what `next` of the answer before said, where a filter meets more than one request does",
        priority="the new one, of the action priority",
        reason="why, of the action cancel",
        decisions="of the action approve: by task the question whose result was shown; no other is answered",
        preview="only say what would happen",
    ),
    "/api/v1/tasks/{task_id}/priority": post_of(
        PriorityBody,
        "Let a task go sooner or later",
        path("task_id"),
        priority="higher goes first; as far from 0 as the setting limit_priority lets it",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Steered": shape(id=TEXT, ok=FLAG, message=TEXT, code=MAYBE),
    "Bulk": shape(
        message=TEXT,
        count=NUMBER | {"description": "of a preview: how many it can be done to"},
        is_exact=FLAG | {"description": "of a preview: false where there are more than were counted"},
        recurring=list_of(TEXT)
        | {"description": "of a preview of cancel: the schedules that would end, the first 100"},
        shown=list_of(shape(id=TEXT, decision=TEXT, digest=TEXT, question=TEXT, about=TEXT, **ABOUT_PARTS))
        | {
            "description": "of a preview of approve: the first 20 results, as a decision's `about` has them, "
            "with the task's id and the question's, to be handed back as `decisions`"
        },
        as_of=REAL | {"description": "of a preview: its moment, to be handed back"},
        done=NUMBER,
        kept=NUMBER,
        results=list_of(ref("Steered")),
        next=MAYBE,
    ),
}


@blueprint.post("/bulk")
def steer() -> dict[str, Any]:
    """Do one thing to the tasks of some ids or of a filter, or say what it would do."""
    asked = fields.document(flask.request, BulkBody)
    _check(asked)
    return _preview(panel(), asked) if asked.preview else _do(panel(), asked)


def _check(asked: BulkBody) -> None:
    if (asked.ids is None) == (asked.filter is None):
        raise InvalidRequest("Name the tasks by either ids or filter.", field="ids")
    most = panel().settings.limits.priority
    if asked.action == "approve" and not asked.preview and asked.decisions is None:
        raise InvalidRequest(
            "decisions is missing: name by task the question whose result was shown; preview tells both.",
            field="decisions",
        )
    if asked.action == "priority" and (asked.priority is None or abs(asked.priority) > most):
        raise InvalidRequest(f"priority must be a whole number from -{most} to {most}.", field="priority")


def _preview(here: Panel, asked: BulkBody) -> dict[str, Any]:
    as_of = here.clock.now()
    if asked.ids is not None:
        meant = bulk.meant_by_ids(here, asked.ids, asked.action)
    else:
        meant = bulk.meant_by_filter(here, _filter(asked, as_of), asked.action)
    if asked.action == "approve":
        return _preview_of_approval(here, asked, meant, as_of)
    return {
        "message": bulk.foretold(asked.action, meant, asked.priority or 0),
        "count": meant.that(asked.action),
        "is_exact": meant.is_exact,
        "recurring": [clean(each) for each in meant.recurring[: bulk.MOST_NAMED]],
        "shown": [],
        "as_of": as_of,
    }


def _preview_of_approval(here: Panel, asked: BulkBody, meant: bulk.Meant, as_of: float) -> dict[str, Any]:
    """The results that would count; of more than are shown, the others are left for another look."""
    ids = asked.ids if asked.ids is not None else _next_of(here, asked)[0]
    shown = bulk_reviews.reviews_of(here, ids)
    in_all = sum(meant.statuses.values())
    return {
        "message": bulk_reviews.foretold(len(shown), meant.that("approve"), in_all),
        "count": len(shown),
        "is_exact": True,
        "recurring": [],
        "shown": shown,
        "as_of": as_of,
    }


def _do(here: Panel, asked: BulkBody) -> dict[str, Any]:
    ids, following = (asked.ids, None) if asked.ids is not None else _next_of(here, asked)
    wanted = Steering(
        action=asked.action,
        by=flask.g.by,
        priority=asked.priority or 0,
        reason=asked.reason or None,
        decisions=asked.decisions,
        as_of=asked.as_of,
    )
    told = here.store.steer_many(ids, wanted)
    done = sum(each.ok for each in told)
    return {
        "message": bulk.summed_up(asked.action, told),
        "done": done,
        "kept": len(told) - done,
        "results": bulk.as_json(told),
        "next": following,
    }


def _next_of(here: Panel, asked: BulkBody) -> tuple[list[str], str | None]:
    """The next tasks of a filter in order of arrival, and where to go on."""
    wanted = bulk.narrowed(_filter(asked, asked.as_of), asked.action)
    if wanted is None:
        return [], None
    page = here.tasks.page(wanted, "oldest", bulk.MOST, place_of("oldest", asked.after))
    return [row["id"] for row in page.rows], None if page.next is None else cursor_of("oldest", page.next)


def _filter(asked: BulkBody, as_of: float | None) -> Filter:
    told = asked.filter or FilterBody()
    return Filter(
        statuses=tuple(Status(word) for word in told.status),
        mode=told.mode,
        source=told.source,
        tag=told.tag,
        words=told.q,
        as_of=as_of,
    )


@blueprint.post("/<path:task_id>/priority")
def set_priority(task_id: str) -> dict[str, Any]:
    """Let a task go sooner or later."""
    asked = fields.document(flask.request, PriorityBody)
    message = panel().store.set_priority(task_id, asked.priority, flask.g.by)
    row = panel().reader.task(task_id)
    return {"message": message, "task": page_of(panel(), [row])[0] if row is not None else None}
