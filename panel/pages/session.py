"""Logging in and out."""

from __future__ import annotations

from typing import Any

import flask

from errors import InvalidRequest, NotAuthenticated
from panel.api import fields
from panel.context import panel
from panel.sessions import digest_of

blueprint = flask.Blueprint("session", __name__)


@blueprint.post("/login")
def login() -> dict[str, Any]:
    """Take a one-time code and log this browser in."""
    code = fields.body(flask.request, "code").get("code")
    if code is None:
        raise InvalidRequest("code is missing.")
    here = panel()
    try:
        here.guard.admit(code)
    except NotAuthenticated as error:
        here.refusals.note("login", error.code)
        raise
    name = here.sessions.new_name()
    here.store.audit("login", "allowed", actor="panel", digest=digest_of(name))
    here.sessions.open(name)
    return {"message": "You are logged in."}


@blueprint.post("/logout")
def logout() -> dict[str, Any]:
    """Log this browser out."""
    fields.body(flask.request)
    here = panel()
    try:
        here.store.audit("logout", "recorded", actor="panel", digest=here.sessions.digest)
    finally:  # whatever the store says, the browser is out
        here.sessions.close()
    return {"message": "You are logged out."}
