"""Steering the whole daemon: pause and resume, how many workers run, and how much each does at once."""

from __future__ import annotations

from typing import Annotated, Any, Final

import flask
import pydantic
from pydantic import Field

from panel.api import fields
from panel.api.describing import FLAG, MAYBE, NUMBER, TEXT, get, post, post_of, shape
from panel.context import panel
from sentences import ended
from store.capacity import CAPACITY, MOST_PACE, MOST_WORKERS, Capacity
from store.reading import PAUSED

blueprint = flask.Blueprint("api_steering", __name__, url_prefix="/api/v1")

_COUNT: Final = "how many; null: as the settings say"


class Workers(pydantic.BaseModel):
    """The body that sets how many workers there are."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    #: none: as the settings say
    count: Annotated[int, Field(ge=1, le=MOST_WORKERS)] | None


class Pace(pydantic.BaseModel):
    """The body that sets how many tasks each worker runs at once."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    #: none: as the settings say
    count: Annotated[int, Field(ge=1, le=MOST_PACE)] | None


PATHS: Final[dict[str, Any]] = {
    "/api/v1/pause": get("Whether claiming is paused", "Pause")
    | post("Start nothing new; what runs goes on", reason="why, shown wherever something waits for it"),
    "/api/v1/resume": post("Start tasks again; a circuit breaker that tripped is reset"),
    "/api/v1/workers": get("How many workers are wanted, and the pace of each", "Capacity")
    | post_of(
        Workers,
        "Have so many workers; null: as the settings say",
        answers="Capacity",
        count=_COUNT,
    ),
    "/api/v1/pace": get(
        "How many tasks each worker runs at once, and how many workers are wanted", "Capacity"
    )
    | post_of(
        Pace,
        "Have each worker run so many tasks at once; null: as the settings say",
        answers="Capacity",
        count=_COUNT,
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Pause": shape(paused=FLAG, by=MAYBE, reason=MAYBE, since=MAYBE),
    "Capacity": shape(workers=NUMBER, pace=NUMBER, set=shape(workers=FLAG, pace=FLAG), message=TEXT),
}


@blueprint.get("/pause")
def paused() -> dict[str, Any]:
    """Whether claiming is paused, by whom, why and since when."""
    fields.check_parameters(flask.request.args)
    fact = panel().reader.fact(PAUSED)
    if fact is None:
        return {"paused": False, "by": None, "reason": None, "since": None}
    return {"paused": True, "by": fact["by"], "reason": fact["reason"] or None, "since": fact.get("at")}


@blueprint.post("/pause")
def pause() -> dict[str, Any]:
    """Start nothing new."""
    given = fields.body(flask.request, "reason")
    panel().store.pause(flask.g.by, given.get("reason"))
    return {"message": "Paused: nothing new is started; what runs goes on."}


@blueprint.post("/resume")
def resume() -> dict[str, Any]:
    """Start tasks again."""
    fields.body(flask.request)
    here = panel()
    was_held = here.store.resume(flask.g.by)
    held = here.reader.gate().paused
    if held is not None:
        still = ended(f"It is no longer paused, but nothing is started all the same: {held}")
        return {"message": still}
    return {"message": "Work goes on." if was_held else "It was not paused."}


@blueprint.get("/workers", endpoint="workers")
@blueprint.get("/pace", endpoint="pace")
def show_capacity() -> dict[str, Any]:
    """How many workers are wanted, and how many tasks each runs at once."""
    fields.check_parameters(flask.request.args)
    return _capacity()


@blueprint.post("/workers")
def set_workers() -> dict[str, Any]:
    """Have more or fewer workers. One that is one too many goes when what it runs has ended."""
    return _set("workers", fields.document(flask.request, Workers).count)


@blueprint.post("/pace")
def set_pace() -> dict[str, Any]:
    """Have each worker run more or fewer tasks at once; what runs goes on."""
    return _set("pace", fields.document(flask.request, Pace).count)


def _set(name: str, count: int | None) -> dict[str, Any]:
    panel().store.set_capacity({name: count}, flask.g.by)
    now = _capacity()
    told = {
        "workers": f"Wanted now: {now['workers']} workers.",
        "pace": f"Each worker runs {now['pace']} tasks at once now.",
    }
    return now | {"message": told[name]}


def _capacity() -> dict[str, Any]:
    fact = panel().reader.fact(CAPACITY) or {}
    wanted = Capacity.of(fact, panel().settings)
    is_set = {name: fact.get(name) is not None for name in ("workers", "pace")}
    return {"workers": wanted.workers, "pace": wanted.pace, "set": is_set}
