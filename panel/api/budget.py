"""Budgets: what was spent, and more of it."""

from __future__ import annotations

from typing import Any, Final

import flask

from cost.usage_tracker import standings
from errors import InvalidRequest
from money import read_amount
from panel.api import fields
from panel.api.describing import LIMIT, get, list_of, post, ref, shape
from panel.context import panel

blueprint = flask.Blueprint("api_budget", __name__, url_prefix="/api/v1/budget")

PATHS: Final[dict[str, Any]] = {
    "/api/v1/budget": get("Every limit, and what was spent of it", "Budgets"),
    "/api/v1/budget/add": post(
        "Let a limit have more",
        amount="dollars over 0, such as 5.00",
        limit="day (the default), total, model:NAME, run:ID or task:ID",
    ),
}
SCHEMAS: Final[dict[str, Any]] = {"Limit": LIMIT, "Budgets": shape(limits=list_of(ref("Limit")))}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every limit, with what was spent of it and what is reserved for calls under way."""
    fields.check_parameters(flask.request.args)
    reader = panel().reader
    return {"limits": [each.as_json() for each in standings(reader, reader.now())]}


@blueprint.post("/add")
def add() -> dict[str, Any]:
    """Let a limit have more; what waits for it goes on at once."""
    given = fields.body(flask.request, "amount", "limit")
    micros = read_amount(given.get("amount", ""))
    if micros is None:
        raise InvalidRequest("amount must be dollars over 0, such as 5.00, as a text.")
    return {"message": panel().store.top_up(given.get("limit", "day"), micros, flask.g.by)}
