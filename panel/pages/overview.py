"""The first page: how things stand."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.overview_views import capacity_of, heartbeats_of, models_of, swarm_of, workers_of
from panel.series import SPANS
from panel.standing import conditional, standing_of, tag_of
from runtime_contract import Status
from store.capacity import MOST_PACE, MOST_WORKERS

blueprint = flask.Blueprint("overview", __name__)

DAY_S: Final = 86_400.0
#: What the page says to a person with an empty queue.
EXAMPLE: Final = """\
{"tasks": [
  {"id": "hello",
   "prompt": "Write a haiku about bees."},
  {"id": "look",
   "command": "echo Hello from Skep."}
]}"""


@blueprint.get("/")
def show() -> str:
    """The whole page."""
    fields.check_parameters(flask.request.args)
    return flask.render_template("overview.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    fields.check_parameters(flask.request.args)
    return conditional(_tag(), lambda: flask.render_template("parts/overview_live.html", **_what_is_shown()))


def _tag() -> str:
    """Heartbeats and rates leave no event, so they are part of it."""
    return tag_of(panel(), heartbeats_of(panel()), models_of(panel()))


def _what_is_shown() -> dict[str, Any]:
    here = panel()
    since = int(here.clock.now() - DAY_S) // 60
    ended = {row["state"]: row["count"] for row in here.reader.all("ends_since", since=since)}
    wanted, is_set = capacity_of(here)
    return {
        "now": standing_of(here),
        "is_paused": here.reader.gate().cause in {"pause", "circuit_breaker"},
        "wanted": wanted,
        "is_set": is_set,
        "most": {"workers": MOST_WORKERS, "pace": MOST_PACE},
        "finished_day": ended.get(Status.APPROVED, 0),
        "failed_day": ended.get(Status.FAILED, 0) + ended.get(Status.SAFETY_BLOCKED, 0),
        "workers": workers_of(here),
        "swarm": swarm_of(here),
        "models": models_of(here),
        "spans": SPANS.values(),
        "statuses": list(Status),
        "example": EXAMPLE,
        "queue_file": str(panel().home.queue_file),
    }
