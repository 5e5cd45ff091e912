"""Whether the panel works, for a supervisor or a monitor: tells nothing of the home, asks for no login."""

from __future__ import annotations

import flask

from panel.context import panel

blueprint = flask.Blueprint("healthz", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """``ok`` when the store can be read; else a problem with status 503."""
    panel().reader.data_version()
    return {"status": "ok"}
