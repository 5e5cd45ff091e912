"""Budgets: what was spent and is reserved, more of a limit, and the limits themselves."""

from __future__ import annotations

from typing import Any, Final

import flask

from errors import InvalidRequest
from money import is_nothing, read_amount
from panel.api import fields
from panel.api.describing import (
    FLAG,
    LIMIT,
    MAYBE,
    MAYBE_NUMBER,
    NUMBER,
    TEXT,
    get,
    list_of,
    post,
    query,
    ref,
    shape,
)
from panel.budget_views import BY, DAYS, MOST_DAYS, limits_of, reservations_of, spending_of
from panel.context import panel

blueprint = flask.Blueprint("api_budget", __name__, url_prefix="/api/v1/budget")

_LIMIT: Final = "day (the default), total, model:NAME, or run for each run's"
PATHS: Final[dict[str, Any]] = {
    "/api/v1/budget": get("Every limit, where it comes from, and what was spent of it", "Budgets"),
    "/api/v1/budget/spending": get(
        "What was spent in the last days",
        "Spending",
        query("by", "by what", type="string", enum=list(BY), default="day"),
        query("days", "days, today among them", type="integer", minimum=1, maximum=MOST_DAYS, default=DAYS),
    ),
    "/api/v1/budget/reservations": get("The calls under way that may cost something", "Reservations"),
    "/api/v1/budget/add": post(
        "Let a limit have more",
        needs=["amount"],
        amount="dollars over 0, such as 5.00",
        limit="day (the default), total, model:NAME, run:ID, subtree:ID or task:ID",
    ),
    "/api/v1/budget/set": post(
        "Set a limit, which counts in place of the settings'",
        needs=["amount", "reason"],
        amount="dollars, such as 5.00, or none",
        limit=_LIMIT,
        reason="why; shown wherever the limit is",
    ),
    "/api/v1/budget/clear": post("Let the settings' limit count again", limit=_LIMIT, reason="why"),
}
SCHEMAS: Final[dict[str, Any]] = {
    "Limit": LIMIT,
    "SetLimit": shape(micros=MAYBE_NUMBER, by=TEXT, at=TEXT, reason=TEXT),
    "Budgets": shape(
        limits=list_of(
            {
                "allOf": [
                    ref("Limit"),
                    shape(
                        is_settable=FLAG,
                        settings_micros=MAYBE_NUMBER,
                        set_by_person={"oneOf": [ref("SetLimit"), {"type": "null"}]},
                        source=TEXT,
                    ),
                ]
            }
        )
    ),
    "Spending": shape(
        by=TEXT,
        days=NUMBER,
        since=TEXT | {"description": "the first day, local"},
        rows=list_of(shape(name=TEXT, micros=NUMBER, calls=NUMBER, reserved=NUMBER)),
        more=FLAG | {"description": "whether there is more than was counted, which is the newest"},
        most_micros=NUMBER,
        total_micros=NUMBER,
    ),
    "Reservations": shape(
        reservations=list_of(
            shape(
                call=TEXT, task_id=MAYBE, model=TEXT, reserved_micros=NUMBER, since=TEXT, limits=list_of(TEXT)
            )
        )
    ),
}


@blueprint.get("")
def show() -> dict[str, Any]:
    """Every limit, with what was spent of it and what is reserved for calls under way."""
    fields.check_parameters(flask.request.args)
    return {"limits": limits_of(panel())}


@blueprint.get("/spending")
def spending() -> dict[str, Any]:
    """What was spent, by day, model, identity, run or tag; of several tags each counts the whole call."""
    given = flask.request.args
    fields.check_parameters(given, "by", "days")
    return spending_of(panel(), *read_spending(given.get("by"), given.get("days")))


@blueprint.get("/reservations")
def reservations() -> dict[str, Any]:
    """The calls that may still cost something, the oldest first."""
    fields.check_parameters(flask.request.args)
    return {"reservations": reservations_of(panel())}


@blueprint.post("/add")
def add() -> dict[str, Any]:
    """Let a limit have more; what waits for it goes on at once."""
    given = fields.body(flask.request, "amount", "limit")
    micros = read_amount(given.get("amount", ""))
    if micros is None:
        raise InvalidRequest('amount must be dollars over 0 in quotes, such as "5.00".')
    return {"message": panel().store.top_up(given.get("limit", "day"), micros, flask.g.by)}


@blueprint.post("/set")
def set_limit() -> dict[str, Any]:
    """Set a limit, which counts until it is cleared, through restarts, whatever the settings say."""
    given = fields.body(flask.request, "amount", "limit", "reason")
    amount = given.get("amount", "").strip()
    micros = 0 if is_nothing(amount) else read_amount(amount)
    if micros is None and amount != "none":
        raise InvalidRequest('amount must be dollars in quotes, such as "5.00", or "none".')
    reason = given.get("reason", "")
    return {"message": panel().store.set_limit(given.get("limit", "day"), micros, flask.g.by, reason)}


@blueprint.post("/clear")
def clear() -> dict[str, Any]:
    """Let the settings' limit count again."""
    given = fields.body(flask.request, "limit", "reason")
    return {"message": panel().store.clear_limit(given.get("limit", "day"), flask.g.by, given.get("reason"))}


def read_spending(by: str | None, days: str | None) -> tuple[str, int]:
    """By what spending is asked for, and of how many days. Raises `InvalidRequest`."""
    by, days = "day" if by is None else by, str(DAYS) if days is None else days
    if by not in BY:
        raise InvalidRequest(f"by must be one of {', '.join(BY)}, not {by[:40]!r}.")
    if not (days.isascii() and days.isdigit() and len(days) <= 3 and 1 <= int(days) <= MOST_DAYS):
        raise InvalidRequest(f"days must be a whole number from 1 to {MOST_DAYS}, not {days[:40]!r}.")
    return by, int(days)
