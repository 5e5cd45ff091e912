"""The page of money and models: limits, spending, calls under way, prices and rates."""

from __future__ import annotations

import shlex
from typing import Any, Final

import flask

from money import dollars_text
from panel.api import fields
from panel.api.budget import read_spending
from panel.budget_views import BY, limits_of, reservations_of, spending_of
from panel.context import panel
from panel.labels import Button
from panel.model_views import models_of
from panel.standing import conditional, tag_of

blueprint = flask.Blueprint("budget", __name__, url_prefix="/budget")

#: Days that can be chosen of.
RANGES: Final = (1, 7, 30, 90, 366)


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template("budget.html", tag=_tag(), **_what_is_shown())


@blueprint.get("/live")
def live() -> flask.Response:
    """The figures; 304 while nothing has happened."""
    return conditional(_tag(), lambda: flask.render_template("parts/budget_live.html", **_what_is_shown()))


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)))


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "by", "days")
    by, days = read_spending(given.get("by"), given.get("days"))
    return {
        "limits": limits_of(panel()),
        "spending": spending_of(panel(), by, days),
        "reservations": reservations_of(panel()),
        "models": models_of(panel()),
        "by_choices": BY,
        "ranges": RANGES,
        "dollars": dollars_text,
        "clear_of": clear_of,
        "add_line": add_line,
        "set_line": set_line,
        "lines_of": lines_of,
        "ping_button": ping_button(),
        "asked": given,
    }


def clear_of(each: dict[str, Any]) -> Button:
    """The button that lets the settings' limit count again."""
    amount = "none" if each["settings_micros"] is None else dollars_text(each["settings_micros"])
    return Button(
        label="Clear",
        path=flask.url_for("api_budget.clear"),
        ask=f"Let the settings' limit count again for {each['limit']}? It is {amount}.",
        reason="Why? The history tells it.",
        values={"limit": each["limit"]},
        name="clear",
        cli=f"skep budget clear --limit {shlex.quote(each['limit'])}",
    )


def add_line(each: dict[str, Any]) -> str:
    """The command line that tops up a limit."""
    return f"skep budget add 5.00 --limit {shlex.quote(each['limit'])}"


def set_line(each: dict[str, Any]) -> str:
    """The command line that sets a limit."""
    return f"skep budget set 5.00 --limit {shlex.quote(each['limit'])} --reason '...'"


def lines_of(each: dict[str, Any]) -> list[dict[str, str]]:
    """The command lines of everything that can be done to a limit, as the page shows them."""
    found = []
    if each["limit"] != "run" and each["granted_micros"] is not None:
        found.append({"label": "Top up", "name": "add", "cli": add_line(each)})
    if each["is_settable"]:
        found.append({"label": "Set", "name": "set", "cli": set_line(each)})
    if each["set_by_person"]:
        clear = clear_of(each)
        found.append({"label": clear.label, "name": clear.name, "cli": clear.cli})
    return found


def ping_button() -> Button:
    """The button that asks the model server whether it is there."""
    return Button(
        label="Ping", path=flask.url_for("api_models.ping"), values={}, name="ping-models", cli="skep ping"
    )
