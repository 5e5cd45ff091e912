"""The page of the log: what happened, filtered, as it happens, and what the processes say of themselves."""

from __future__ import annotations

from typing import Any, Final

import flask

import daemon_log
from events import EVENT_KINDS, EVENT_STATUSES
from panel import log_filters
from panel.api import fields
from panel.context import panel
from panel.log_views import Turn, as_row, page_of
from panel.standing import conditional, tag_of
from store import event_pages

blueprint = flask.Blueprint("log", __name__, url_prefix="/log")

ROWS: Final = 100
#: Kinds of events by the group they are chosen from.
_KINDS_OF: Final = {
    group: [kind for kind in EVENT_KINDS if kind.startswith(group)] for group in log_filters.GROUPS
}


@blueprint.get("")
def show() -> str:
    """The whole page."""
    given = flask.request.args
    fields.check_parameters(given, *log_filters.NAMES, "before", "after", several=log_filters.SEVERAL)
    turn = Turn(fields.place(given, "before"), fields.place(given, "after"))
    asked = log_filters.read(given)
    page = page_of(panel().reader, asked, turn, ROWS)
    return flask.render_template(
        "log.html",
        events=[as_row(row) for row in page.rows],
        page=page,
        is_newest=not page.has_newer and asked.until is None,
        said=log_filters.said(given),
        kinds=EVENT_KINDS,
        groups=_KINDS_OF,
        statuses=sorted(EVENT_STATUSES),
    )


@blueprint.get("/new")
def new() -> flask.Response:
    """The rows that came after a place, the newest first; `Skep-Seen` says how far they go."""
    given = flask.request.args
    fields.check_parameters(given, *log_filters.NAMES, "after", several=log_filters.SEVERAL)
    after = fields.place(given, "after") or 0
    page = event_pages.back(panel().reader, log_filters.read(given), None, ROWS, after + 1)
    rows = flask.render_template(
        "parts/log_rows.html", events=[as_row(row) for row in page.rows], skipped_from=_skipped(page, after)
    )
    response = flask.make_response(rows)
    response.headers["Skep-Seen"] = str(max(page.last, after))
    return response


def _skipped(page: event_pages.EventPage, after: int) -> int | None:
    """Where older rows begin that came too but are too many for the page; none where there are none."""
    return page.first if page.has_older and page.first > after + 1 else None


@blueprint.get("/processes")
def processes() -> str:
    """What the daemon's processes say of themselves."""
    return flask.render_template("log_processes.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/processes/live")
def live() -> flask.Response:
    """The newest lines of one process; 304 while there are none."""
    return conditional(
        _tag(), lambda: flask.render_template("parts/log_processes_live.html", **_what_is_shown())
    )


def _tag() -> str:
    return tag_of(panel(), _chosen(), daemon_log.mark(panel().home, _chosen()))


def _chosen() -> str:
    """The process that is looked at: the one that is asked for, else the first there is."""
    fields.check_parameters(flask.request.args, "process")
    kept = daemon_log.kept(panel().home)
    asked = flask.request.args.get("process", "")
    return asked if asked in kept else next(iter(kept), "")


def _what_is_shown() -> dict[str, Any]:
    chosen = _chosen()
    return {
        "processes": daemon_log.kept(panel().home),
        "chosen": chosen,
        "lines": daemon_log.tail(panel().home, chosen)[::-1] if chosen else [],
    }
