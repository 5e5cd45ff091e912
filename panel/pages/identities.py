"""The page of identities: who there is, what they did, what they earned and paid, what they wrote."""

from __future__ import annotations

from typing import Any, Final

import flask

from panel.api import fields
from panel.context import panel
from panel.identity_views import deeds, journal, ledger, overview_of
from panel.standing import conditional, tag_of

blueprint = flask.Blueprint("identities", __name__, url_prefix="/identities")

ROWS: Final = 20
_NAMES: Final = ("identity", "done", "paid", "written")


@blueprint.get("")
def show() -> str:
    """The whole page."""
    shown = _what_is_shown()
    return flask.render_template("identities.html", tag=_tag(shown), **shown)


@blueprint.get("/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    shown = _what_is_shown()
    return conditional(_tag(shown), lambda: flask.render_template("parts/identities_live.html", **shown))


def _tag(shown: dict[str, Any]) -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)), shown["now"]["identities"])


def _what_is_shown() -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, *_NAMES)
    reader, who = panel().reader, given.get("identity") or None
    paid, written = fields.place(given, "paid"), fields.place(given, "written")
    now = overview_of(panel())
    return {
        "now": now,
        "who": who,
        "chosen": next((each for each in now["identities"] if each["id"] == who), None),
        "deeds": deeds(reader, who, given.get("done", ""), ROWS),
        "ledger": ledger(reader, who, paid, ROWS),
        "journal": journal(reader, who, written, ROWS),
        "given": {name: given[name] for name in _NAMES if given.get(name)},
    }
