"""The kill switch: how it stands, on, off. None of it needs the store, which is told afterwards."""

from __future__ import annotations

import logging
from typing import Any, Final

import flask

from errors import SkepError
from panel.api import fields
from panel.api.describing import FLAG, MAYBE, TEXT, get, post, shape
from panel.context import panel
from store import kill_file
from store.kill_file import state_of

logger = logging.getLogger(__name__)

blueprint = flask.Blueprint("api_kill_switch", __name__, url_prefix="/api/v1/kill-switch")

PATHS: Final[dict[str, Any]] = {
    "/api/v1/kill-switch": get("Whether the kill switch is on", "KillSwitch"),
    "/api/v1/kill-switch/on": post(
        "Set the kill switch; one that is set keeps its reason where none is given",
        answers="KillSwitch",
        reason="why, shown wherever something waits for it",
    ),
    "/api/v1/kill-switch/off": post("Clear the kill switch", answers="KillSwitch"),
}
SCHEMAS: Final[dict[str, Any]] = {
    "KillSwitch": shape(on=FLAG, reason=MAYBE, by=MAYBE, since=MAYBE, message=TEXT)
}

#: Seconds the store gets to write down what was done.
PATIENCE_S: Final = 2.0


@blueprint.get("")
def show() -> dict[str, Any]:
    """Whether it is on, why, since when and by whom."""
    fields.check_parameters(flask.request.args)
    return state_of(kill_file.look(panel().home.kill_switch))


@blueprint.post("/on")
def on() -> dict[str, Any]:
    """Set it: nothing starts, and what runs is stopped within a second."""
    given = fields.body(flask.request, "reason")
    here = panel()
    found = kill_file.turn_on(here.home.kill_switch, flask.g.by, here.clock.now(), given.get("reason"))
    _tell_store()
    return state_of(found) | {"message": "The kill switch is on: nothing starts, and what ran is stopped."}


@blueprint.post("/off")
def off() -> dict[str, Any]:
    """Clear it: work goes on."""
    fields.body(flask.request)
    was_on = kill_file.turn_off(panel().home.kill_switch)
    _tell_store()
    told = "The kill switch is cleared; work goes on." if was_on else "The kill switch was not on."
    return state_of(None) | {"message": told}


def _tell_store() -> None:
    try:
        panel().store.note_kill_switch(flask.g.by, PATIENCE_S)
    except (SkepError, TimeoutError) as error:
        logger.warning("the store could not be told of the kill switch: %s", error)
