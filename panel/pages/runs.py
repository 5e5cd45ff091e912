"""The page of runs: every one, live, found by state and words; and the page that starts one."""

from __future__ import annotations

from typing import Any, Final

import flask

from localhost.body import MAX_BYTES
from panel import run_views
from panel.api import fields
from panel.api.runs import asked
from panel.context import panel
from panel.daemon import worker_runs
from panel.run_buttons import deeds_of
from panel.run_views import STATES, RunQuery
from panel.standing import conditional, tag_of

# Beside `/runs/ID` nothing stands under the same address, so that every id can be a run's.
blueprint = flask.Blueprint("runs", __name__)

ROWS: Final = 25
#: A workflow to begin with, which needs nothing but a model.
EXAMPLE: Final = """\
workflow:
  name: two-steps
  steps:
    - id: draft
      prompt: Write a limerick about bees.
    - id: check
      depends_on: [draft]
      prompt: Does this keep the form of a limerick?"""


@blueprint.get("/runs")
def show() -> str:
    """The whole page."""
    query = asked()
    return flask.render_template("runs.html", tag=_tag(), **_what_is_shown(query))


@blueprint.get("/run-list/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    query = asked()
    return conditional(_tag(), lambda: flask.render_template("parts/runs_live.html", **_what_is_shown(query)))


@blueprint.get("/start-run")
def start() -> str:
    """The page that starts a run from a document."""
    fields.check_parameters(flask.request.args)
    return flask.render_template("start_run.html", most_bytes=MAX_BYTES, example=EXAMPLE)


def _tag() -> str:
    return tag_of(panel(), "runs", sorted(flask.request.args.items(multi=True)))


def _what_is_shown(query: RunQuery) -> dict[str, Any]:
    here = panel()
    return {
        "found": run_views.listed(here, query, ROWS),
        "query": query,
        "states": STATES,
        "asked": flask.request.args,
        "address": lambda **more: _address(query, **more),
        "deeds_of": deeds_of,
        "worker_runs": worker_runs(here.home),
        "example": EXAMPLE,
    }


def _address(query: RunQuery, **more: Any) -> dict[str, Any]:
    """The same page with something else, as the parameters of its address."""
    told: dict[str, Any] = {"state": ",".join(query.states), "q": query.words, "before": query.before}
    return {name: value for name, value in (told | more).items() if value}
