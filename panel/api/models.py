"""Models: prices, limits, rates, and whether their server answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import (
    FLAG,
    MAYBE,
    MAYBE_NUMBER,
    NUMBER,
    REAL,
    TEXT,
    get,
    list_of,
    post,
    ref,
    shape,
)
from panel.context import panel
from panel.model_views import models_of
from panel.pings import named_models
from redaction import clean_value
from store import kill_file

blueprint = flask.Blueprint("api_models", __name__, url_prefix="/api/v1/models")

PATHS: Final[dict[str, Any]] = {
    "/api/v1/models": get("Every model, with its price, its limits and its rates", "Models"),
    "/api/v1/models/ping": post(
        "Ask the model server for its list of models, which costs nothing", answers="Ping"
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Rate": shape(
        kind=TEXT | {"enum": ["requests", "tokens"]}, per_minute=NUMBER, left=NUMBER, full_at=MAYBE
    ),
    "Model": shape(
        name=TEXT,
        in_use=FLAG,
        price=MAYBE,
        source=MAYBE | {"description": "where the price comes from"},
        looked_up=MAYBE | {"description": "when it was looked up"},
        context_window=MAYBE_NUMBER,
        max_output=MAYBE_NUMBER,
        at_once=MAYBE_NUMBER | {"description": "tasks of it that may run at once"},
        rates=list_of(ref("Rate")),
    ),
    "Models": shape(
        in_use=MAYBE,
        ready=FLAG | {"description": "whether one can be asked"},
        reached={
            "type": ["boolean", "null"],
            "description": "when it was asked last; null: it was not asked yet",
        },
        endpoint=MAYBE,
        reason=MAYBE,
        models=list_of(ref("Model")),
    ),
    "Ping": shape(
        endpoint=TEXT,
        reached=FLAG,
        welcome=FLAG,
        seconds=REAL,
        models=list_of(TEXT),
        reason=TEXT,
        missing=list_of(TEXT) | {"description": "models that this home names and the server does not"},
        message=TEXT,
    ),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every model that was priced, is limited or is in use."""
    fields.check_parameters(flask.request.args)
    return models_of(panel())


@blueprint.post("/ping")
def ping() -> dict[str, Any]:
    """Ask the model server for its list of models: bounded in time, one at a time, never a paid call."""
    fields.body(flask.request)
    here = panel()
    wanted = named_models(here.settings, here.home.models_file)
    found = here.pings.ping(here.settings, here.clock, kill_file.look(here.home.kill_switch), wanted)
    told: dict[str, Any] = clean_value(asdict(found))
    return told | {"message": f"{told['endpoint']}: {told['reason']}"}
