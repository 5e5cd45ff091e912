"""Safety: what was refused, the policy in force, a check that changes nothing, and the audit's own check."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import flask
import pydantic
from pydantic import ConfigDict, Field

from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    FLAG,
    MAYBE,
    NEXT,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    page_limit,
    post,
    post_of,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.policy_views import policy_of
from panel.safety_rules import MOST_CHARS
from panel.safety_views import PLACE_AT, blocked, refusals, standing, verifying
from store.audit_log import Checkpoint

blueprint = flask.Blueprint("api_safety", __name__, url_prefix="/api/v1/safety")

_PAGE: Final = 50
_LIMIT: Final = page_limit("entries of a page", _PAGE)


class Asked(pydantic.BaseModel):
    """A text to be judged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1, max_length=MOST_CHARS)]
    mode: Literal["llm", "local"] = "llm"


_PLACE: Final[dict[str, Any]] = {"type": "string", "maxLength": 60, "pattern": f"^({PLACE_AT})?$"}
_CHECKPOINT: Final = r"^\s*([0-9]{1,18}:[0-9a-f]{64}\s*)?$"
PATHS: Final[dict[str, Any]] = {
    "/api/v1/safety": get("What holds commands, and how the audit stands", "SafetyStanding"),
    "/api/v1/safety/blocked": get(
        "A page of the tasks that safety blocked, newest first",
        "BlockedPage",
        query("before", NEXT, **_PLACE),
        _LIMIT,
    ),
    "/api/v1/safety/refusals": get(
        "A page of what was refused, as the audit has it, newest first. A page looks through 50,000 records",
        "RefusalPage",
        query("before", NEXT, **PLACE),
        _LIMIT,
    ),
    "/api/v1/safety/policy": get("Rules, programs, profiles and words, as the files say now", "Policy"),
    "/api/v1/safety/check": post_of(
        Asked,
        "What the gateway says to a text, rule by rule, as `skep check` does; nothing runs or changes",
        answers="Verdict",
        text=f"the prompt or command, at most {MOST_CHARS:,} characters",
        mode="what the text is: llm, a prompt, or local, a command",
    ),
    "/api/v1/safety/audit/verify": post(
        "Check the whole audit, as `skep audit verify` does; it goes on by itself, and GET /api/v1/safety "
        "tells how far it is",
        answers="AuditCheck",
        checkpoint={"description": "SEQ:MAC of a record that must be there", "pattern": _CHECKPOINT},
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Job": shape(
        state={"type": "string", "enum": ["never", "running", "done", "failed"]},
        started=MAYBE,
        ended=MAYBE,
        done=NUMBER,
        total=NUMBER,
        result={"type": ["object", "null"]},
        error=MAYBE,
    ),
    "AuditCheck": shape(message=TEXT, check=ref("Job")),
    "SafetyStanding": shape(
        sandbox={"type": ["object", "null"]},
        audit=shape(records=NUMBER, exported=NUMBER, checkpoint=MAYBE, trouble=MAYBE, check=ref("Job")),
    ),
    "BlockedPage": shape(
        tasks=list_of(shape(id=TEXT, text=TEXT, reason=MAYBE, code=MAYBE, at=TEXT)), next=MAYBE
    ),
    "RefusalPage": shape(
        refusals=list_of(ANY_OBJECT), next=MAYBE, looked_through=shape(first=NUMBER, last=NUMBER)
    ),
    "Policy": shape(constitution=ANY_OBJECT, commands=ANY_OBJECT, changed=list_of(TEXT)),
    "Verdict": shape(
        allowed=FLAG,
        mode=TEXT,
        rule=MAYBE,
        reason=MAYBE,
        argv={"type": ["array", "null"], "items": TEXT},
        text=TEXT,
        report=ANY_OBJECT,
    ),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """What holds commands, and how the audit stands."""
    fields.check_parameters(flask.request.args)
    return standing(panel())


@blueprint.get("/blocked")
def list_blocked() -> dict[str, Any]:
    """Tasks that safety blocked, newest first."""
    given = flask.request.args
    fields.check_parameters(given, "before", "limit")
    return blocked(panel().reader, given.get("before", ""), fields.limit(given, _PAGE))


@blueprint.get("/refusals")
def list_refusals() -> dict[str, Any]:
    """What was refused, as the audit has it, newest first."""
    given = flask.request.args
    fields.check_parameters(given, "before", "limit")
    return refusals(panel().reader, fields.place(given, "before"), fields.limit(given, _PAGE))


@blueprint.get("/policy")
def policy() -> dict[str, Any]:
    """What may be sent and run, as the home's files say now."""
    fields.check_parameters(flask.request.args)
    return policy_of(panel())


@blueprint.post("/check")
def check() -> dict[str, Any]:
    """What the gateway says to a text; nothing runs and nothing changes."""
    asked = fields.document(flask.request, Asked)
    return panel().safety_rules.judge(asked.text, asked.mode)


@blueprint.post("/audit/verify")
def verify() -> dict[str, Any]:
    """Begin to check the whole audit."""
    given = fields.body(flask.request, "checkpoint")
    checkpoint = Checkpoint.parse(given["checkpoint"]) if "checkpoint" in given else None
    job = panel().audit_check
    begun = job.start(verifying(panel().home, checkpoint))
    told = "The check of the audit has begun." if begun else "The audit is being checked already."
    return {"message": told, "check": job.state.as_json()}
