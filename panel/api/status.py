"""The home at a glance."""

from __future__ import annotations

from typing import Any

import flask

from panel.api import fields
from panel.api.openapi import document
from panel.context import panel
from panel.standing import standing_of
from panel.version import version
from store.kill_file import state_of
from store.reading import BREAKER, LOCAL_STATUS, MODEL_STATUS

blueprint = flask.Blueprint("api_status", __name__, url_prefix="/api/v1")


@blueprint.get("/status")
def status() -> dict[str, Any]:
    """Counts, what holds work back, the model, and how things stand in a sentence."""
    fields.check_parameters(flask.request.args)
    now = standing_of(panel())
    return {
        "health": {"kind": now.health.kind, "sentence": now.health.sentence, "detail": now.health.detail},
        "counts": now.counts,
        "open_decisions": now.questions,
        "kill_switch": state_of(now.kill_switch),
        "circuit_breaker": panel().reader.fact(BREAKER),
        "gate": {
            "paused": now.gate.paused,
            "cause": now.gate.cause,
            "closed_modes": dict(now.gate.closed_modes),
        },
        "model": panel().reader.fact(MODEL_STATUS),
        "budget": {"day": now.day.as_json(), "total": now.total.as_json()},
        "sandbox": panel().reader.fact(LOCAL_STATUS),
        "worker_runs": now.worker_runs,
        "audit_checkpoint": now.checkpoint,
        "version": version(),
    }


@blueprint.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """This API, described in OpenAPI."""
    return document()
