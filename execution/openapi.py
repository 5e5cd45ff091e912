"""``/openapi.json``: the execution API described, made of the models that check its requests and answers."""

from __future__ import annotations

import functools
import json
import threading
from typing import Any, Final

import pydantic
from pydantic.json_schema import JsonSchemaMode

from execution import run_openapi
from execution.contract import (
    CancelAnswer,
    CancelRequest,
    CycleRequest,
    PlanAnswer,
    PlanRequest,
    Problem,
    ProposalAnswer,
    ProposedTasksAnswer,
    StatusAnswer,
)
from localhost import model_schemas
from outcome import Outcome

_PROBLEM: Final = "application/problem+json"
_WHY: Final = {
    400: "the request is not JSON, came through a proxy, or asks for nothing",
    401: "no token, or a wrong one",
    403: "a browser asks, or the safety gateway refuses; then `safety_report` says why",
    404: "no such address",
    409: "`lease_lost`, `cycle_running` or `cycle_lost`",
    413: "the body is too large",
    415: "the body is not application/json",
    421: "the Host header does not name this port",
    422: "a field is missing, wrong or unknown",
    431: "the head of the request is too large",
    501: "the body is sent in a transfer coding that is not understood",
    502: "the model failed, or its answer is no plan",
    503: "the kill switch is on, no model is ready, the store cannot be written, or swarm is stopping",
    504: "the model did not answer in time",
}
#: What the server answers before any route sees the request, and what every route answers.
_ANYWHERE: Final = (400, 403, 413, 421, 431, 501, 503)
_COMMON: Final = (*_ANYWHERE, 401, 415, 422)
#: It takes a third of a second to make, which every thread would spend that is asked before it is there.
_making: Final = threading.Lock()


def text() -> bytes:
    """The description as it is sent, made once: any program of this machine may ask for it."""
    with _making:
        return _text()


@functools.cache
def _text() -> bytes:
    return json.dumps(document(), separators=(",", ":"), sort_keys=True).encode()


@functools.cache
def document() -> dict[str, Any]:
    """The description (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Skep execution API",
            "version": "1",
            "description": "Executes claimed tasks, on loopback only. Errors are problem details (RFC 9457).",
        },
        "paths": {
            "/cycle": {"post": _cycle()},
            "/cancel": {
                "post": _post(
                    "Stop what runs under a lease",
                    CancelRequest,
                    CancelAnswer,
                    (*_COMMON, 409),
                    "It stops an execution and does not withdraw the task, which runs again at once; "
                    "where its `effect` is `unsafe`, a person is asked instead. `skep cancel` withdraws "
                    "a task, and stops what runs of it.",
                )
            },
            "/plan": {
                "post": _post(
                    "Plan a task, a goal, a directory or the workspace",
                    PlanRequest,
                    (PlanAnswer, ProposalAnswer, ProposedTasksAnswer),
                    (*_COMMON, 409, 502, 504),
                    "With task_id and lease a model proposes how the task is split (ProposalAnswer). With "
                    "goal or directory a person is asked whether tasks are added (ProposedTasksAnswer). With "
                    "neither a model's tasks for the workspace are added (PlanAnswer).",
                )
            },
            "/status": {"get": _get("How the daemon stands", {"$ref": _ref(StatusAnswer)})},
            **run_openapi.paths(),
            "/openapi.json": {"get": _get("This description", {"type": "object"})},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the text of .swarm/execution_token, new at each start",
                }
            },
        },
    }


def _cycle() -> dict[str, Any]:
    told = _post(
        "Execute a task under its lease",
        CycleRequest,
        Outcome,
        (*_COMMON, 409),
        "A repeat is answered with the stored outcome. `status` tells completed from failed: both are 200.",
    )
    return told | {"parameters": [run_openapi.TRACEPARENT]}


def _post(
    summary: str,
    request: type[pydantic.BaseModel],
    answer: type[pydantic.BaseModel] | tuple[type[pydantic.BaseModel], ...],
    problems: tuple[int, ...],
    description: str = "",
) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": description,
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": _content("application/json", _ref(request))},
        "responses": {"200": {"description": "done", "content": _one_of(answer)}, **_problems(problems)},
    }


def _one_of(answers: type[pydantic.BaseModel] | tuple[type[pydantic.BaseModel], ...]) -> dict[str, Any]:
    if not isinstance(answers, tuple):
        return _content("application/json", _ref(answers))
    schema = {"oneOf": [{"$ref": _ref(each)} for each in answers]}
    return {"application/json": {"schema": schema}}


def _get(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "done", "content": content}, **_problems(_ANYWHERE)},
    }


def _problems(codes: tuple[int, ...]) -> dict[str, Any]:
    return {
        str(code): {"description": _WHY[code], "content": _content(_PROBLEM, _ref(Problem))}
        for code in sorted(codes)
    }


def _content(media_type: str, reference: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": reference}}}


def _ref(model: type[pydantic.BaseModel]) -> str:
    return model_schemas.REFERENCE.format(model=model.__name__)


def _schemas() -> dict[str, Any]:
    requests: list[type[pydantic.BaseModel]] = [CycleRequest, CancelRequest, PlanRequest]
    answers: list[type[pydantic.BaseModel]] = [
        Outcome, CancelAnswer, PlanAnswer, ProposalAnswer, ProposedTasksAnswer, StatusAnswer, Problem,
    ]  # fmt: skip
    modes: list[tuple[type[pydantic.BaseModel], JsonSchemaMode]] = []
    modes += [(model, "validation") for model in [*requests, *run_openapi.REQUESTS]]
    modes += [(model, "serialization") for model in [*answers, *run_openapi.ANSWERS]]
    return model_schemas.components(modes)
