"""The page of schedules: what runs again and again, and what waits for its time."""

from __future__ import annotations

import shlex
from typing import Any

import flask

from panel.api import fields
from panel.context import panel
from panel.labels import Button
from panel.schedule_views import delayed_of, schedules_of
from panel.standing import conditional, tag_of

blueprint = flask.Blueprint("schedules", __name__, url_prefix="/schedules")


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template("schedules.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The tables; 304 while nothing has happened."""
    return conditional(_tag(), lambda: flask.render_template("parts/schedules_live.html", **_what_is_shown()))


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)))


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "after", "later")
    recurring = schedules_of(panel(), fields.place(given, "after") or 0)
    later = delayed_of(panel(), given.get("later", ""))
    return {
        "schedules": recurring["schedules"],
        "more_schedules": recurring["next"],
        "time_zone": recurring["time_zone"],
        "delayed": later["delayed"],
        "more_delayed": later["next"],
        "schedule_buttons": schedule_buttons,
        "delayed_buttons": delayed_buttons,
        "asked": given,
    }


def schedule_buttons(each: dict[str, Any]) -> list[Button]:
    """What a person may do to a recurring task."""
    stop = _button(
        each,
        "stop",
        "Stop",
        ask=f"Stop {each['id']}? It does not run again. An occurrence that has not ended goes on.",
        reason="Why? The history tells it.",
        look="danger",
    )
    if not each["next"]:
        return [stop]
    ask = f"Skip the next time of {each['id']}? It runs again the time after."
    skip = _button(each, "skip", "Skip the next", ask=ask, values={"next": each["next"][0]})
    return [_button(each, "run", "Run now"), skip, stop]


def delayed_buttons(each: dict[str, Any]) -> list[Button]:
    """What a person may do to a task that waits for a time."""
    ask = f"Stop {each['id']}? It will not run. Tasks that wait for it will fail."
    reason = "Why? The history tells it."
    return [
        _button(each, "run", "Run now"),
        _button(each, "stop", "Stop", ask=ask, reason=reason, look="danger"),
    ]


def _button(each: dict[str, Any], name: str, label: str, **more: Any) -> Button:
    path = flask.url_for(f"api_schedules.{name}", task_id=each["id"])
    cli = f"skep schedule {name} {shlex.quote(each['id'])}"
    return Button(**({"values": {}, "cli": cli} | more), name=name, label=label, path=path)
