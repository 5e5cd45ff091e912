"""What a task printed or a model answered: in pieces, also while it is being written, and as a file."""

from __future__ import annotations

import re
from typing import Any, Final

import flask

from errors import InvalidRequest
from panel import task_output
from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    MAYBE_NUMBER,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    path,
    query,
    shape,
)
from panel.api.task import row_of
from panel.context import panel
from panel.output_finding import MOST_WANTED, WAYS, find_in

blueprint = flask.Blueprint("api_task_output", __name__, url_prefix="/api/v1/tasks")

_TASK: Final = path("task_id")
_CODES: Final = ("hidden", "shown")
_LEASE: Final = query("lease", "the lease of an attempt; the newest with an output", **PLACE)
PATHS: Final[dict[str, Any]] = {
    "/api/v1/tasks/{task_id}/output": get(
        "A piece of what was printed or answered, also while it is being written; without secrets, control "
        "characters spelled out",
        "OutputPiece",
        _TASK,
        _LEASE,
        query("offset", "the byte to begin at; the last lines", **PLACE),
        query(
            "limit",
            "bytes; more than 262,144 are not told at once",
            default=task_output.PIECE_BYTES,
            **PLACE,
        ),
    ),
    "/api/v1/tasks/{task_id}/output/find": get(
        "Where in all of an output a text stands: the piece that holds the next one, or the one before. "
        "It is looked for as it is shown, without secrets, large and small letters alike, for 0.25 s",
        "OutputFound",
        _TASK,
        _LEASE,
        {**query("find", "the text", type="string", minLength=1, maxLength=MOST_WANTED), "required": True},
        query("offset", "the byte to go on from; the beginning, or the end for the one before", **PLACE),
        query("way", "where to", type="string", enum=list(WAYS), default="next"),
        query(
            "codes", "whether codes of a terminal count", type="string", enum=list(_CODES), default="hidden"
        ),
    ),
    "/api/v1/tasks/{task_id}/download": get(
        "All of an output as a file, without secrets", "Text", _TASK, _LEASE, media_type="text/plain"
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "OutputPiece": shape(
        lease=MAYBE_NUMBER | {"description": "of the attempt; null where there is no output yet"},
        attempt=MAYBE_NUMBER,
        is_live=FLAG | {"description": "whether more may come"},
        bytes=NUMBER | {"description": "how long it is so far"},
        cut=NUMBER | {"description": "bytes that were not kept: over the cap, or for want of room"},
        offset=NUMBER,
        next=NUMBER | {"description": "the byte to go on at"},
        text=TEXT,
        attempts=list_of(ANY_OBJECT),
    ),
    "OutputFound": shape(
        lease=NUMBER,
        attempt=NUMBER,
        bytes=NUMBER,
        at=MAYBE_NUMBER | {"description": "the byte where the piece that holds it begins"},
        next=MAYBE_NUMBER | {"description": "the `offset` to go on with, where not all was looked through"},
    ),
    "Text": TEXT,
}
#: Bytes of a piece at least, so that each has room for a character.
LEAST_BYTES: Final = 4
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


@blueprint.get("/<path:task_id>/output")
def output(task_id: str) -> dict[str, Any]:
    """A piece of an output, and the attempts that have one."""
    given = flask.request.args
    fields.check_parameters(given, "lease", "offset", "limit")
    row = row_of(task_id)
    most = min(fields.place(given, "limit") or task_output.PIECE_BYTES, task_output.MOST_BYTES)
    lease, offset = fields.place(given, "lease"), fields.place(given, "offset")
    known = task_output.offered(panel(), row)
    if lease is None and not known:
        return task_output.NOTHING | {"attempts": []}
    opened = task_output.open_of(panel(), row, lease)
    piece = task_output.piece_of(opened, offset, max(most, LEAST_BYTES))
    return piece | {"attempts": known}


@blueprint.get("/<path:task_id>/output/find")
def find(task_id: str) -> dict[str, Any]:
    """Where a text stands in all of an output."""
    given = flask.request.args
    fields.check_parameters(given, "lease", "find", "offset", "way", "codes")
    wanted, way = given.get("find", ""), given.get("way", "next")
    codes = given.get("codes", "hidden")
    if not 1 <= len(wanted) <= MOST_WANTED:
        raise InvalidRequest(f"find must be a text of 1 to {MOST_WANTED} characters.", field="find")
    if way not in WAYS or codes not in _CODES:
        raise InvalidRequest("way must be next or previous, codes shown or hidden.")
    opened = task_output.open_of(panel(), row_of(task_id), fields.place(given, "lease"))
    place = fields.place(given, "offset")
    return find_in(opened, wanted, place, way, with_codes=codes == "shown")


@blueprint.get("/<path:task_id>/download")
def download(task_id: str) -> flask.Response:
    """All of an output, as a file that no browser takes for anything but text."""
    given = flask.request.args
    fields.check_parameters(given, "lease")
    row = row_of(task_id)
    opened = task_output.open_of(panel(), row, fields.place(given, "lease"))
    response = flask.Response(task_output.whole_of(opened), mimetype="text/plain")
    response.call_on_close(opened.file.close)
    name = f"{_NAME.sub('_', row['id'])[:100]}.{opened.lease}.txt"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
