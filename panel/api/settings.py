"""Settings, doctor's checks, and how the queue file stands."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import ANY_OBJECT, FLAG, MAYBE, MAYBE_NUMBER, TEXT, get, list_of, post, ref, shape
from panel.context import panel
from panel.doctoring import examining
from panel.queue_file_views import queue_file_of
from panel.setting_views import settings_of

blueprint = flask.Blueprint("api_settings", __name__, url_prefix="/api/v1")

_MAYBE_OBJECT: Final = {"type": ["object", "null"]}
_FILES: Final = shape(count={"type": "integer"}, files=list_of(shape(name=TEXT, at=TEXT)))
_BREACH: Final = shape(path=TEXT, rule=TEXT)
PATHS: Final[dict[str, Any]] = {
    "/api/v1/settings": get(
        "Every setting with its value, source and meaning; secrets are not shown", "Settings"
    ),
    "/api/v1/queue-file": get("How the queue file stands", "QueueFile"),
    "/api/v1/doctor": get("What doctor's checks found last, and whether they are under way", "Job"),
    "/api/v1/doctor/run": post("Make doctor's checks, as `skep doctor` does", answers="DoctorRun"),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Setting": shape(
        name=TEXT,
        value=MAYBE,
        source=TEXT | {"description": "default, a settings file, environment, command line or skep up"},
        default=MAYBE,
        meaning=TEXT,
        bounds=TEXT,
        next=MAYBE | {"description": "what the files say for the next start, where that is something else"},
    ),
    "Settings": shape(parts=list_of(shape(heading=TEXT, settings=list_of(ref("Setting")))), trouble=MAYBE),
    "QueueFile": shape(
        path=TEXT,
        is_watched=FLAG | {"description": "whether a worker leads, which merges and writes the file"},
        has_unread_changes=FLAG,
        unread_problems=list_of(_BREACH) | {"description": "what would be refused of unread changes"},
        revision=MAYBE_NUMBER,
        file=_MAYBE_OBJECT,
        error={"oneOf": [ref("QueueFileError"), {"type": "null"}]},
        last_merge=_MAYBE_OBJECT,
        refused=shape(count={"type": "integer"}, entries=list_of(ref("RefusedEntry")))
        | {"description": "entries that broke the contract and are not corrected; the newest 50"},
        keys_refused=list_of(_BREACH) | {"description": "keys at the top without effect, of the last merge"},
        conflicts=_FILES,
        refused_files=_FILES,
        removals=list_of(ref("Decision")),
    ),
    "RefusedEntry": shape(
        id=TEXT,
        path=MAYBE | {"description": "where it stood when it was refused, such as `tasks[3].priority`"},
        rule=TEXT,
        source=TEXT,
        at=TEXT,
        line=MAYBE_NUMBER | {"description": "where it stands in the file now"},
        column=MAYBE_NUMBER,
    ),
    "QueueFileError": shape(message=TEXT, line=MAYBE_NUMBER, column=MAYBE_NUMBER, excerpt=_MAYBE_OBJECT),
    "DoctorRun": shape(message=TEXT, checks=ANY_OBJECT),
}


@blueprint.get("/settings")
def show_settings() -> dict[str, Any]:
    """Every setting with its value, source and meaning."""
    fields.check_parameters(flask.request.args)
    return settings_of(panel())


@blueprint.get("/queue-file")
def show_queue_file() -> dict[str, Any]:
    """How the queue file stands."""
    fields.check_parameters(flask.request.args)
    return queue_file_of(panel())


@blueprint.get("/doctor")
def show_doctor() -> dict[str, Any]:
    """What doctor's checks found last."""
    fields.check_parameters(flask.request.args)
    return panel().doctor_check.state.as_json()


@blueprint.post("/doctor/run")
def run_doctor() -> dict[str, Any]:
    """Begin doctor's checks."""
    fields.body(flask.request)
    here = panel()
    begun = here.doctor_check.start(examining(here.home, here.settings))
    told = "The checks have begun." if begun else "The checks are being made already."
    return {"message": told, "checks": here.doctor_check.state.as_json()}
