"""Identities: who there is, what they did, the ledger of tokens, the journals."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.api.describing import (
    ANY_OBJECT,
    MAYBE,
    MAYBE_NUMBER,
    NEXT,
    NUMBER,
    PLACE,
    TEXT,
    get,
    list_of,
    page_limit,
    query,
    ref,
    shape,
)
from panel.context import panel
from panel.identity_views import deeds, journal, ledger, overview_of

blueprint = flask.Blueprint("api_identities", __name__, url_prefix="/api/v1/identities")

_PAGE: Final = 50
_WHO: Final = query("identity", "only of this one")
_LIMIT: Final = page_limit("entries of a page", _PAGE)
PATHS: Final[dict[str, Any]] = {
    "/api/v1/identities": get("Every identity, and how it is doing", "Identities"),
    "/api/v1/identities/deeds": get(
        "A page of what was done as identities, newest task first. A page looks through 5,000 tasks",
        "Deeds",
        _WHO,
        query("before", NEXT, type="string", maxLength=38, pattern="^([0-9]+_[0-9]+)?$"),
        _LIMIT,
    ),
    "/api/v1/identities/ledger": get(
        "A page of the ledger of tokens, newest first",
        "Ledger",
        _WHO,
        query("before", NEXT, **PLACE),
        _LIMIT,
    ),
    "/api/v1/identities/journal": get(
        "A page of the journals, newest first", "Journal", _WHO, query("before", NEXT, **PLACE), _LIMIT
    ),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Identity": shape(
        id=TEXT,
        file=TEXT,
        fault=MAYBE | {"description": "what is wrong with its file, and the way out"},
        statistics=shape(
            tasks=NUMBER,
            attempts=NUMBER,
            approved=NUMBER,
            rejected=NUMBER,
            failed=NUMBER,
            cost_micros=NUMBER,
            earned=NUMBER,
            spent=NUMBER,
            balance=NUMBER,
            last_ended=MAYBE,
        ),
    ),
    "Identities": shape(
        identities=list_of(ref("Identity")),
        refusals=list_of(ANY_OBJECT) | {"description": "the newest approvals that earned nothing, and why"},
        counted=MAYBE | {"description": "when the figures were counted"},
    ),
    "Deeds": shape(
        deeds=list_of(
            shape(
                task_id=TEXT,
                identity_id=TEXT,
                attempt=NUMBER,
                became=MAYBE,
                cost_micros=MAYBE_NUMBER,
                ended=MAYBE,
            )
        ),
        next=MAYBE,
    ),
    "Ledger": shape(entries=list_of(ANY_OBJECT), next=MAYBE),
    "Journal": shape(entries=list_of(ANY_OBJECT), next=MAYBE),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every identity, and how it is doing."""
    fields.check_parameters(flask.request.args)
    return overview_of(panel())


@blueprint.get("/deeds")
def list_deeds() -> dict[str, Any]:
    """What was done as identities, newest task first."""
    given = flask.request.args
    fields.check_parameters(given, "identity", "before", "limit")
    return deeds(
        panel().reader, given.get("identity") or None, given.get("before", ""), fields.limit(given, _PAGE)
    )


@blueprint.get("/ledger")
def show_ledger() -> dict[str, Any]:
    """The ledger of tokens, newest first."""
    given = flask.request.args
    fields.check_parameters(given, "identity", "before", "limit")
    before = fields.place(given, "before")
    return ledger(panel().reader, given.get("identity") or None, before, fields.limit(given, _PAGE))


@blueprint.get("/journal")
def show_journal() -> dict[str, Any]:
    """The journals, newest first."""
    given = flask.request.args
    fields.check_parameters(given, "identity", "before", "limit")
    before = fields.place(given, "before")
    return journal(panel().reader, given.get("identity") or None, before, fields.limit(given, _PAGE))
