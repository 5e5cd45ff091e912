"""What every page asks all the time: has anything changed, how do things stand, what waits for a person."""

from __future__ import annotations

from typing import Any

import flask

from panel import access, streams
from panel.context import Panel, panel
from panel.standing import standing_of, tag_of

blueprint = flask.Blueprint("pulse", __name__)


@blueprint.get("/pulse")
def pulse() -> flask.Response:
    """The pulse now; 304 while it is as it was."""
    told = _pulse()
    if flask.request.if_none_match.contains(told["tag"]):
        response = flask.Response(status=304)
    else:
        response = flask.jsonify(told)
    response.set_etag(told["tag"])
    return response


@blueprint.get("/pulse/stream")
def stream() -> flask.Response:
    """The pulse whenever it changes, as server-sent events. Tabs of one browser share one stream."""
    reader = panel().reader
    look = streams.unlike_last(lambda: [streams.message("pulse", _pulse())])
    return panel().streams.open(streams.on_change(reader, look), access.is_still_in)


def _pulse() -> dict[str, Any]:
    """The pulse, made at most four times a second whoever asks."""
    here = panel()
    return here.pulse.get(lambda: _count(here))


def _count(here: Panel) -> dict[str, Any]:
    now = standing_of(here)
    return {
        "tag": tag_of(here),
        "questions": now.questions,
        "health": {"kind": now.health.kind, "sentence": now.health.sentence},
    }
