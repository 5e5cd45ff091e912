"""The home at a glance."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import ANY_OBJECT, FLAG, MAYBE, NUMBER, TEXT, get, list_of, ref, shape
from panel.context import panel
from panel.standing import standing_of
from panel.version import version
from redaction import clean
from store.kill_file import state_of
from store.reading import BREAKER, LOCAL_STATUS, MODEL_STATUS

blueprint = flask.Blueprint("api_status", __name__, url_prefix="/api/v1")

_MAYBE_OBJECT: Final = {"type": ["object", "null"]}
PATHS: Final[dict[str, Any]] = {"/api/v1/status": get("The home at a glance", "Standing")}
SCHEMAS: Final[dict[str, Any]] = {
    "Standing": shape(
        health=shape(kind=TEXT, sentence=TEXT, detail=TEXT),
        counts=ANY_OBJECT | {"additionalProperties": NUMBER},
        open_decisions=NUMBER,
        kill_switch=ref("KillSwitch"),
        circuit_breaker=_MAYBE_OBJECT,
        gate=ANY_OBJECT,
        model=_MAYBE_OBJECT
        | {"description": "the fact that the daemon keeps; `reached` is that of `GET /api/v1/models`"},
        budget=shape(day=ref("Limit"), total=ref("Limit")),
        sandbox=_MAYBE_OBJECT,
        worker_runs=FLAG,
        file_trouble=MAYBE | {"description": "why the queue file cannot be read; null where it can"},
        refused_entries=NUMBER | {"description": "entries of the queue that broke the contract, uncorrected"},
        broken_rollbacks=list_of(ref("BrokenRollback")),
        audit_checkpoint=MAYBE | {"description": "`SEQ:MAC` of the audit, for `skep audit verify`"},
        version=TEXT,
    ),
    "BrokenRollback": shape(
        checkpoint=NUMBER | {"description": "number of the checkpoint that files were brought back to"},
        task_id=MAYBE | {"description": "the task of that checkpoint"},
        commit=MAYBE | {"description": "id of its commit, or of the one before it"},
        to_before=FLAG | {"description": "to the last state that was kept before it"},
        all_of_it=FLAG | {"description": "every file of it, and no others"},
        count=NUMBER | {"description": "files that it was to change"},
        kept_as=NUMBER | {"description": "number of the checkpoint that undoes it"},
        by=TEXT | {"description": "who began it"},
        at=TEXT | {"description": "when"},
        told=TEXT | {"description": "the same for a person, with the command lines that finish and undo it"},
    ),
}


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
        "file_trouble": now.queue_file and clean(now.queue_file),
        "refused_entries": now.refused,
        "broken_rollbacks": now.broken_rollbacks,
        "audit_checkpoint": now.checkpoint,
        "version": version(),
    }
