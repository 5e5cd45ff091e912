"""Logging in and out."""

from __future__ import annotations

from typing import Any

import flask

from errors import InvalidRequest
from panel.api import fields
from panel.context import panel

blueprint = flask.Blueprint("session", __name__)


@blueprint.post("/login")
def login() -> dict[str, Any]:
    """Take a one-time code and log this browser in."""
    code = fields.body(flask.request, "code").get("code")
    if code is None:
        raise InvalidRequest("code is missing.")
    panel().guard.admit(code)
    panel().sessions.open()
    return {"message": "You are logged in."}


@blueprint.post("/logout")
def logout() -> dict[str, Any]:
    """Log this browser out."""
    fields.body(flask.request)
    panel().sessions.close()
    return {"message": "You are logged out."}
