"""The API's description: each route's module says what it takes and answers.

A test holds it to the routes there are.
"""

from __future__ import annotations

from typing import Any, Final

import flask

from localhost import model_schemas
from panel.api import (
    budget,
    decisions,
    describing,
    events,
    graph,
    identities,
    kill_switch,
    log,
    models,
    run,
    run_steering,
    runs,
    safety,
    schedules,
    series,
    settings,
    status,
    steering,
    task,
    task_edits,
    task_output,
    task_rollback,
    tasks,
    tasks_add,
    tasks_bulk,
    tools,
    undo,
)
from panel.api.describing import get
from panel.version import version

blueprint = flask.Blueprint("api_openapi", __name__, url_prefix="/api/v1")

#: Every module of the API that has routes.
MODULES: Final = (
    tasks,
    tasks_add,
    tasks_bulk,
    task,
    task_output,
    task_rollback,
    task_edits,
    decisions,
    undo,
    budget,
    kill_switch,
    steering,
    series,
    tools,
    events,
    identities,
    log,
    safety,
    settings,
    graph,
    schedules,
    models,
    status,
    runs,
    run,
    run_steering,
)

_ABOUT: Final = (
    "Loopback only. Programs send the token of .swarm/execution_token as a bearer token, which is new at "
    "every start of the daemon; the panel's pages use their session. Without either, every address here "
    "answers 401. Errors are RFC 9457 problem details. Answers to GET carry an ETag."
)
_SECURITY: Final[dict[str, Any]] = {
    "executionToken": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__cp_8421", "description": "named after the port"},
}
PATHS: Final[dict[str, Any]] = {"/api/v1/openapi.json": get("This document", "Document")}


@blueprint.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """This API, described in OpenAPI."""
    return document()


def requests() -> dict[str, Any]:
    """What starts runs, described by the models that read it."""
    from runs.request import ForkRequest, StartRunRequest  # noqa: PLC0415  large rooms, loaded when needed

    return model_schemas.components([(StartRunRequest, "validation"), (ForkRequest, "validation")])


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    paths, schemas = dict(PATHS), dict(describing.SCHEMAS)
    for module in MODULES:
        for path, methods in module.PATHS.items():
            paths[path] = paths.get(path, {}) | methods
        schemas |= module.SCHEMAS
    schemas |= requests()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Skep control panel", "version": version() or "0", "description": _ABOUT},
        "security": [{"executionToken": []}, {"session": []}],
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "schemas": schemas},
    }
