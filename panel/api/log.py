"""The history to look through: filtered pages both ways, a range as a file; and the processes' own logs."""

from __future__ import annotations

from typing import Any, Final

import flask

import daemon_log
from errors import InvalidRequest, NotFound
from events import EVENT_KINDS, EVENT_STATUSES
from panel import access, log_filters
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    MAYBE,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    listed_words,
    page_limit,
    path,
    query,
    shape,
)
from panel.context import panel
from panel.log_export import FORMATS
from panel.log_views import Turn, as_json, page_of

blueprint = flask.Blueprint("api_log", __name__, url_prefix="/api/v1/log")

_PAGE: Final = 100
_TIME: Final[dict[str, Any]] = {"type": "string", "pattern": f"^({log_filters.TIME})?$"}
_FILTERS: Final = (
    query(
        "kind",
        "only these kinds, comma separated, or given several times; task. with its dot stands for every kind "
        "of the group",
        type="array",
        items=listed_words([*EVENT_KINDS, *log_filters.GROUPS]),
    ),
    query(
        "status",
        "only these statuses, comma separated, or given several times",
        type="array",
        items=listed_words(sorted(EVENT_STATUSES)),
    ),
    query("task", "only those of this task", type="string", maxLength=log_filters.LONGEST_ID),
    query(
        "text",
        "only those with these words, in whatever case, in their kind, task or (10,000 characters of) fields",
        type="string",
        maxLength=log_filters.LONGEST_WORDS,
    ),
    query("from", "not before this time, RFC 3339; without a zone it is this machine's", **_TIME),
    query("to", "before this time", **_TIME),
)
PATHS: Final[dict[str, Any]] = {
    "/api/v1/log": get(
        "A page of the history, newest first, filtered. A page looks through 20,000 events at most; "
        "where `older` is told, more may fit",
        "LogPage",
        *_FILTERS,
        query("before", "only events before this place: what `older` said", **PLACE),
        query("after", "only events after this place: what `newer` said", **PLACE),
        page_limit("events of a page", _PAGE),
    ),
    "/api/v1/log/export": get(
        "Every event that fits, oldest first, as a file. Two run at once",
        "LogExport",
        *_FILTERS,
        query("format", "jsonl, an event a line, or csv", type="string", enum=list(FORMATS)),
        media_type=("application/jsonl", "text/csv"),
    ),
    "/api/v1/log/processes": get("The processes of the daemon that have kept a log", "ProcessLogs"),
    "/api/v1/log/processes/{name}": get(
        "The newest lines of a process's own log, oldest first", "ProcessLog", path("name")
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "LogPage": shape(
        events=list_of(ANY_OBJECT),
        older=MAYBE | {"description": "where the next page of older events begins"},
        newer=MAYBE | {"description": "where the next page of newer events begins"},
        looked_through=shape(first=NUMBER, last=NUMBER) | {"description": "the events that were looked at"},
    ),
    "LogExport": TEXT | {"description": "an event a line, or CSV whose last column holds its fields as JSON"},
    "ProcessLogs": shape(processes=list_of(TEXT)),
    "ProcessLog": shape(process=TEXT, lines=list_of(ANY_OBJECT)),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """A page of the history, newest first."""
    given = flask.request.args
    fields.check_parameters(
        given, *log_filters.NAMES, "before", "after", "limit", several=log_filters.SEVERAL
    )
    turn = Turn(fields.place(given, "before"), fields.place(given, "after"))
    page = page_of(panel().reader, log_filters.read(given), turn, fields.limit(given, _PAGE))
    return as_json(page)


@blueprint.get("/export")
def export() -> flask.Response:
    """Every event that fits, as a file."""
    given = flask.request.args
    fields.check_parameters(given, *log_filters.NAMES, "format", several=log_filters.SEVERAL)
    form = given.get("format", "jsonl")
    if form not in FORMATS:
        raise InvalidRequest(f"format must be {' or '.join(FORMATS)}, not {form[:40]!r}.")
    here = panel()
    return here.exports.open(
        here.reader,
        log_filters.read(given),
        form,
        lambda: access.is_still_in() and not here.streams.is_closing,
    )


@blueprint.get("/processes")
def processes() -> dict[str, Any]:
    """The processes that have kept a log."""
    fields.check_parameters(flask.request.args)
    return {"processes": daemon_log.kept(panel().home)}


@blueprint.get("/processes/<name>")
def process(name: str) -> dict[str, Any]:
    """The newest lines of a process's own log."""
    fields.check_parameters(flask.request.args)
    if name not in daemon_log.kept(panel().home):
        raise NotFound(f"No process {name[:80]!r} has kept a log here.")
    return {"process": name, "lines": daemon_log.tail(panel().home, name)}
