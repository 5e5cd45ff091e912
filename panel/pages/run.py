"""The page of one run: how it stands, graph, tasks, context, timeline, money; and two runs compared."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any, Final

import flask

from errors import NotFound
from panel import command_lines, graph_picture, run_bars, run_diff, run_tasks, run_views
from panel.api import fields
from panel.context import panel
from panel.daemon import worker_runs
from panel.graph_views import MOST_DRAWN, MOST_EDGES, MOST_LISTED
from panel.run_buttons import deeds_of
from panel.run_graph import graph_of_run
from panel.run_words import WORDS
from panel.standing import conditional, tag_of
from panel.words import as_json
from store import lost_runs

# Its parts have addresses of their own, which no id of a run can be mistaken for.
blueprint = flask.Blueprint("run", __name__)

ROWS: Final = 50
_MOST: Final = {"drawn": MOST_DRAWN, "edges": MOST_EDGES, "listed": MOST_LISTED}


@blueprint.get("/runs/<run_id>")
def show(run_id: str) -> str:
    """The whole page; ``state`` and ``after`` choose of its tasks.

    The pictures of a large run are drawn when the rest is there.
    """
    row = run_views.row_of(panel(), run_id)
    later = ("graph", "timeline") if row["tasks"] > MOST_DRAWN else ()
    parts = {name: build(row) for name, build in PARTS.items() if name not in later}
    return flask.render_template(
        "run.html",
        run_id=row["id"],
        task_names=run_tasks.names_of(panel(), row),
        tags={name: "" if name in later else _tag(name, row) for name in PARTS},
        later=later,
        lines=_lines(row["id"]),
        **{key: value for part in parts.values() for key, value in part.items()},
    )


@blueprint.get("/run/<part>/<run_id>")
def part(part: str, run_id: str) -> flask.Response:
    """A part of the page: head, graph, tasks or timeline; 304 while it is as it was."""
    if part not in PARTS:
        raise NotFound(f"A run's page has no part {part[:80]!r}.")
    row = run_views.row_of(panel(), run_id)
    return conditional(
        _tag(part, row),
        lambda: flask.render_template(f"parts/run_{part}.html", run_id=row["id"], **PARTS[part](row)),
    )


@blueprint.get("/run/diff/<first>/<second>")
def diff(first: str, second: str) -> str:
    """Two runs beside each other."""
    fields.check_parameters(flask.request.args)
    rows = [run_views.row_of(panel(), name) for name in (first, second)]
    line = command_lines.of_run("diff", first, second)
    return flask.render_template("run_diff.html", found=run_diff.diff_of(panel(), *rows), line=line)


def _tag(part: str, row: sqlite3.Row) -> str:
    """Of a run that has ended, what its tasks say changes only with the run itself."""
    asked = sorted(flask.request.args.items(multi=True))
    if part == "head" or row["finished"] is None:
        return tag_of(panel(), part, row["id"], asked)
    seen = (panel().start_id, part, row["id"], row["finished"], row["open"], row["tasks"], asked)
    return hashlib.sha256(repr(seen).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _counts(row: sqlite3.Row) -> dict[str, int]:
    """How many of its tasks are in each state, counted once a request."""
    if "run_counts" not in flask.g:
        flask.g.run_counts = run_views.counts_of(panel(), row)
    found: dict[str, int] = flask.g.run_counts
    return found


def _head(row: sqlite3.Row) -> dict[str, Any]:
    run = run_views.one(panel(), row, _counts(row), worker_runs=worker_runs(panel().home))
    return {"run": run, "deeds": deeds_of(run), "policy_text": as_json(run["policy"])}


def _graph(row: sqlite3.Row) -> dict[str, Any]:
    return {"graph": graph_of_run(panel(), row["id"]), "picture": graph_picture, "most": _MOST} | _is_lost(
        row
    )


def _tasks(row: sqlite3.Row) -> dict[str, Any]:
    given = flask.request.args
    fields.check_parameters(given, "state", "after")
    state, after = given.get("state") or None, given.get("after", "")
    return {
        "page": run_tasks.page_of(panel(), row, state, after, ROWS),
        "counts": _counts(row),
        "task_states": WORDS,
        "state": state,
        "after": after,
    } | _is_lost(row)


def _timeline(row: sqlite3.Row) -> dict[str, Any]:
    return {"timeline": run_bars.bars_of(panel(), row), "bars": run_bars} | _is_lost(row)


def _is_lost(row: sqlite3.Row) -> dict[str, Any]:
    return {"is_lost": lost_runs.is_lost(row)}


def _lines(run_id: str) -> dict[str, str]:
    return {
        "watch": command_lines.of_run("watch", run_id),
        "context": command_lines.of_run("show", run_id, "--context"),
        "graph": command_lines.of_run("graph", run_id, "--format", "mermaid"),
    }


#: What each part of the page shows.
PARTS: Final[dict[str, Callable[[sqlite3.Row], dict[str, Any]]]] = {
    "head": _head,
    "graph": _graph,
    "tasks": _tasks,
    "timeline": _timeline,
}
