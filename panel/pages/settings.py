"""The page of settings: every setting, doctor's checks with their remedies, and how the queue file stands."""

from __future__ import annotations

from typing import Any

import flask

from panel import queue_file_views
from panel.api import fields
from panel.context import panel
from panel.labels import Button
from panel.queue_file_views import queue_file_of
from panel.setting_views import settings_of
from panel.standing import conditional, tag_of

blueprint = flask.Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("")
def show() -> str:
    """The whole page."""
    fields.check_parameters(flask.request.args)
    return flask.render_template("settings.html", tag=_tag(), told=settings_of(panel()), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    fields.check_parameters(flask.request.args)
    return conditional(_tag(), lambda: flask.render_template("parts/settings_live.html", **_what_is_shown()))


def _tag() -> str:
    here = panel()
    return tag_of(here, here.doctor_check.state, queue_file_views.mark(here.home))


def _what_is_shown() -> dict[str, Any]:
    return {
        "queue": queue_file_of(panel()),
        "doctor": panel().doctor_check.state.as_json(),
        "doctor_button": Button(
            name="run-doctor",
            label="Run the checks",
            path=flask.url_for("api_settings.run_doctor"),
            values={},
            look="primary",
            cli="skep doctor",
        ),
    }
