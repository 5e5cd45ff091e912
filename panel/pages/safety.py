"""The page of safety: what was blocked and why, the policy in force, a checker, and the audit's own check."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.labels import Button
from panel.policy_views import policy_of
from panel.safety_rules import MOST_CHARS
from panel.safety_views import blocked, refusals, standing
from panel.standing import conditional, tag_of

blueprint = flask.Blueprint("safety", __name__, url_prefix="/safety")

ROWS: Final = 20


@blueprint.get("")
def show() -> str:
    """The whole page."""
    return flask.render_template(
        "safety.html",
        tag=_tag(),
        policy=policy_of(panel()),
        most_chars=MOST_CHARS,
        **_what_is_shown(),
    )


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    return conditional(_tag(), lambda: flask.render_template("parts/safety_live.html", **_what_is_shown()))


def _tag() -> str:
    here = panel()
    newest = here.reader.all("last_audit", limit=1)
    asked = sorted(flask.request.args.items(multi=True))
    return tag_of(here, asked, here.audit_check.state, newest[0]["seq"] if newest else 0)


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "blocked", "refused")
    reader = panel().reader
    before, place = given.get("blocked", ""), fields.place(given, "refused")
    return {
        "now": standing(panel()),
        "blocked": blocked(reader, before, ROWS),
        "refused": refusals(reader, place, ROWS),
        "blocked_before": before,
        "refused_before": place,
        "verify_button": _verify_button(),
    }


def _verify_button() -> Button:
    return Button(
        name="verify-audit",
        label="Check the audit",
        path=flask.url_for("api_safety.verify"),
        values={},
        look="primary",
        cli="skep audit verify",
    )
