"""What happened over time: ends of tasks in steps, and what changed since somebody last looked."""

from __future__ import annotations

from typing import Any, Final

import flask

from errors import InvalidRequest
from panel import changes
from panel.api import fields
from panel.api.describing import ANY_OBJECT, NUMBER, PLACE, REAL, TEXT, get, list_of, query, shape
from panel.context import panel
from panel.series import SPANS, first_minute, series_of

blueprint = flask.Blueprint("api_series", __name__, url_prefix="/api/v1")

_SECONDS: Final[dict[str, Any]] = {"type": ["number", "null"]}
PATHS: Final[dict[str, Any]] = {
    "/api/v1/series": get(
        "Ends of tasks over time, in columns of equal length",
        "Series",
        query("span", "how far back", type="string", enum=[*SPANS], default="24h"),
    ),
    "/api/v1/changes": get(
        "What changed since a time",
        "Changes",
        query("since", "Unix seconds, a week ago at most; a day ago where it is left out", **PLACE),
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Series": shape(
        span=TEXT,
        step_s=NUMBER | {"description": "seconds of a step"},
        at=list_of(NUMBER) | {"description": "when each step begins, Unix seconds"},
        approved=list_of(NUMBER),
        failed=list_of(NUMBER) | {"description": "failed, or blocked by safety"},
        cancelled=list_of(NUMBER),
        median_s=list_of(_SECONDS) | {"description": "seconds from the last claim to the end"},
        p95_s=list_of(_SECONDS),
    ),
    "Changes": shape(
        since=REAL,
        ended=ANY_OBJECT | {"additionalProperties": NUMBER},
        waiting=NUMBER | {"description": "decisions asked since, and still open"},
        failed=list_of(shape(id=TEXT, reason=TEXT, finished=TEXT)),
        daemon=list_of(shape(at=TEXT, event=TEXT, told=TEXT)),
        sentence=TEXT,
    ),
}


@blueprint.get("/series")
def series() -> dict[str, Any]:
    """How many tasks ended in each step, and how long they ran."""
    fields.check_parameters(flask.request.args, "span")
    span = SPANS.get(flask.request.args.get("span", "24h"))
    if span is None:
        raise InvalidRequest(f"span must be one of {', '.join(SPANS)}.")
    reader = panel().reader
    now = reader.now()
    rows = reader.all("ends_by_step", step=span.step_minutes, since=first_minute(span, now))
    bounds = [row["within_s"] for row in reader.all("end_bounds")]
    return series_of(span, now, rows, bounds)


@blueprint.get("/changes")
def what_changed() -> dict[str, Any]:
    """What ended, failed, was asked and befell the daemon since a time."""
    fields.check_parameters(flask.request.args, "since")
    since = fields.place(flask.request.args, "since")
    reader = panel().reader
    return changes.since(reader, reader.now() - changes.DAY_S if since is None else float(since))
