"""One run: how it stands, its tasks page by page, when they ran, what was spent; and two runs compared."""

from __future__ import annotations

from typing import Any, Final

import flask

from localhost import plain_json
from panel import run_bars, run_burn, run_diff, run_tasks, run_views
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    LIMIT,
    MAYBE,
    NUMBER,
    REAL,
    TEXT,
    any_of,
    get,
    list_of,
    page_limit,
    path,
    query,
    ref,
    shape,
)
from panel.api.runs import BRIEF
from panel.context import panel
from panel.daemon import worker_runs
from panel.run_words import WORDS

blueprint = flask.Blueprint("api_run", __name__, url_prefix="/api/v1/runs")

PAGE: Final = 50
_RUN: Final = path("run_id")
_TASK_STATE: Final = TEXT | {"enum": [*WORDS]}
PATHS: Final[dict[str, Any]] = {
    "/api/v1/runs/{run_id}": get("How a run stands, without its tasks", "Run", _RUN),
    "/api/v1/runs/{run_id}/tasks": get(
        "Tasks of a run, in the order of their ids",
        "RunTasks",
        _RUN,
        query("state", "only those in this state", **any_of([*WORDS])),
        page_limit("tasks of a page", PAGE),
        query("after", "what `next` of the page before said"),
    ),
    "/api/v1/runs/{run_id}/tasks/{name}": get(
        "A task of a run as it was asked for", "RunTask", _RUN, path("name")
    ),
    "/api/v1/runs/{run_id}/timeline": get("When the tasks of a run ran, the longest", "RunTimeline", _RUN),
    "/api/v1/runs/{run_id}/spending": get("What was spent of a run's budget, and when", "RunSpending", _RUN),
    "/api/v1/runs/{run_id}/request": get("The request that started a run, as a file", "Document", _RUN),
    "/api/v1/runs/{run_id}/diff/{other}": get(
        "Two runs beside each other, by answers and cost", "RunDiff", _RUN, path("other")
    ),
}  # fmt: skip
_USED: Final = shape(tokens=NUMBER, cost_micros=NUMBER)
_LINE: Final = shape(
    task=TEXT,
    tokens=NUMBER,
    output_ref=MAYBE | {"description": "SHA-256 of the answer"},
    placed=FLAG | {"description": "whether it stands where the prompt refers to it"},
)
RUN_TASK: Final[dict[str, Any]] = {
    "id": TEXT | {"description": "within its run"},
    "task_id": TEXT | {"description": "of the task, as it is called everywhere else"},
    "state": _TASK_STATE,
    "deps": list_of(TEXT),
    "required": FLAG,
    "waiting_for": MAYBE,
    "model": MAYBE,
    "attempts": NUMBER,
    "usage": _USED,
    "started": MAYBE,
    "finished": MAYBE,
    "output": TEXT,
    "error": shape(code=TEXT, message=TEXT),
    "context": shape(
        told=list_of(_LINE),
        dropped=list_of(_LINE),
        strategy=TEXT,
        bytes_before=NUMBER,
        bytes_after=NUMBER,
    )
    | {"description": "what its last attempt was told of others' answers, and what was left out"},
    "parent": TEXT | {"description": "the task whose item it does"},
    "answer_of": TEXT | {"description": "the later round whose answer stands for its own"},
    "reused_from": TEXT | {"description": "the run whose answer it was given"},
}
SCHEMAS: Final[dict[str, Any]] = {
    "Run": shape(
        **BRIEF,
        health=shape(kind=TEXT, sentence=TEXT, detail=TEXT),
        counts=ANY_OBJECT | {"additionalProperties": NUMBER, "description": "tasks by state"},
        lost_tasks=NUMBER | {"description": "those that failed because a damaged database lost them"},
        tokens={"type": ["integer", "null"], "description": "null: not counted yet, or lost"},
        budget=LIMIT,
        policy=ANY_OBJECT,
        memory=ANY_OBJECT,
        source=TEXT,
        questions=NUMBER | {"description": "decisions about it and its tasks that wait for a person"},
        decisions=list_of({"allOf": [ref("Decision"), shape(task_id=MAYBE)]}),
        forks=list_of(shape(id=TEXT, state=TEXT)),
    ),
    "RunTasks": shape(tasks=list_of(shape(**RUN_TASK)), next=MAYBE),
    "RunTask": shape(**RUN_TASK, asked=ANY_OBJECT),
    "RunTimeline": shape(
        since=TEXT,
        seconds=REAL,
        more=FLAG | {"description": "whether there are more; those that took longest are told"},
        bars=list_of(
            shape(id=TEXT, task_id=TEXT, state=_TASK_STATE, start_s=REAL, end_s=REAL, is_running=FLAG)
        ),
    ),
    "RunSpending": shape(
        at=list_of(REAL) | {"description": "Unix seconds"},
        spent_micros=list_of(NUMBER) | {"description": "in all until then"},
        tokens=list_of(NUMBER),
        reserved_micros=NUMBER | {"description": "for calls under way now"},
        limit_micros={"type": ["integer", "null"]},
        marks=list_of(shape(percent=NUMBER, micros=NUMBER)),
        sentence=TEXT,
    ),
    "RunDiff": shape(
        first=TEXT,
        second=TEXT,
        names=list_of(MAYBE),
        states=list_of(TEXT),
        used=list_of(_USED),
        tokens=NUMBER | {"description": "of the second beyond the first"},
        cost_micros=NUMBER,
        tasks=list_of(
            shape(
                id=TEXT,
                states=list_of(MAYBE),
                is_same=FLAG,
                is_reused=FLAG,
                tokens=NUMBER,
                cost_micros=NUMBER,
                diff=list_of(TEXT),
                answers=list_of(MAYBE),
                used=list_of({"oneOf": [_USED, {"type": "null"}]}),
            )
        ),
    ),
}


@blueprint.get("/<run_id>")
def show(run_id: str) -> dict[str, Any]:
    """How a run stands."""
    fields.check_parameters(flask.request.args)
    here = panel()
    row = run_views.row_of(here, run_id)
    counts = run_views.counts_of(here, row)
    return run_views.one(here, row, counts, worker_runs=worker_runs(here.home))


@blueprint.get("/<run_id>/tasks")
def tasks(run_id: str) -> dict[str, Any]:
    """A page of its tasks."""
    given = flask.request.args
    fields.check_parameters(given, "state", "limit", "after")
    row = run_views.row_of(panel(), run_id)
    state, after = given.get("state") or None, given.get("after", "")
    return run_tasks.page_of(panel(), row, state, after, fields.limit(given, PAGE))


@blueprint.get("/<run_id>/tasks/<name>")
def task(run_id: str, name: str) -> dict[str, Any]:
    """A task as it was asked for, and how it stands."""
    fields.check_parameters(flask.request.args)
    return run_tasks.one(panel(), run_views.row_of(panel(), run_id), name)


@blueprint.get("/<run_id>/timeline")
def timeline(run_id: str) -> dict[str, Any]:
    """When its tasks ran."""
    fields.check_parameters(flask.request.args)
    return run_bars.bars_of(panel(), run_views.row_of(panel(), run_id))


@blueprint.get("/<run_id>/spending")
def spending(run_id: str) -> dict[str, Any]:
    """What was spent of its budget, and when."""
    fields.check_parameters(flask.request.args)
    return run_burn.burn_of(panel(), run_views.row_of(panel(), run_id))


@blueprint.get("/<run_id>/request")
def request(run_id: str) -> flask.Response:
    """The request that started it; `skep run start` takes the file."""
    fields.check_parameters(flask.request.args)
    row = run_views.row_of(panel(), run_id)
    text = plain_json.dumps(run_views.request_of(panel(), row))
    answer = flask.Response(text, mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row["id"]}.json"'
    return answer


@blueprint.get("/<run_id>/diff/<other>")
def diff(run_id: str, other: str) -> dict[str, Any]:
    """Two runs beside each other."""
    fields.check_parameters(flask.request.args)
    rows = [run_views.row_of(panel(), name) for name in (run_id, other)]
    return run_diff.diff_of(panel(), *rows)
