"""The page of tasks: every one, live, found by filters and words that stand in the address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import flask

from localhost.body import MAX_BYTES
from panel import task_query
from panel.api import fields
from panel.api.tasks_add import MOST
from panel.context import panel
from panel.pages.overview import EXAMPLE
from panel.standing import conditional, questions_beside_tasks, standing_of, tag_of
from panel.task_query import Query
from panel.task_views import page_of
from panel.words import plain
from redaction import clean
from runtime_contract import Status
from store.task_filter import MODES, ORDERS

# Beside `/tasks/ID` nothing stands under the same address, so that every id can be a task's.
blueprint = flask.Blueprint("tasks", __name__)

ROWS: Final = 50
#: What each order is called.
ORDER_WORDS: Final = {
    "newest": "newest first",
    "oldest": "oldest first",
    "priority": "by priority",
    "cost": "dearest first",
    "ended": "last ended first",
}


@blueprint.get("/tasks")
def show() -> str:
    """The whole page."""
    query = _asked()
    reader = panel().reader
    return flask.render_template(
        "tasks.html",
        tag=_tag(),
        sources=_offered(row["source"] for row in reader.all("sources")),
        tags=_offered(row["tag"] for row in reader.all("some_tags")),
        modes=MODES,
        most_priority=panel().settings.limits.priority,
        orders={name: ORDER_WORDS[name] for name in ORDERS},
        **_what_is_shown(query),
    )


@blueprint.get("/add")
def new() -> str:
    """The page that adds tasks, from the form or from a text; ``like`` names a task to begin with."""
    fields.check_parameters(flask.request.args, "like")
    return flask.render_template("new_task.html", most_bytes=MAX_BYTES, most_tasks=MOST)


@blueprint.get("/list/live")
def live() -> flask.Response:
    """The part of the page that changes; 304 while it has not."""
    query = _asked()
    return conditional(
        _tag(), lambda: flask.render_template("parts/tasks_live.html", **_what_is_shown(query))
    )


def _offered(words: Iterable[str]) -> list[str]:
    """Those that can be shown as they are, and therefore chosen."""
    return [word for word in words if plain(word) == word == clean(word)]


def _asked() -> Query:
    fields.check_parameters(flask.request.args, *task_query.KNOWN, several=task_query.SEVERAL)
    return task_query.query_of(flask.request.args)


def _tag() -> str:
    return tag_of(panel(), sorted(flask.request.args.items(multi=True)), *_search_state())


def _search_state() -> tuple[int, ...]:
    """How far the search for words has come, where there is one: the page shows more as it goes on."""
    return panel().tasks.search.catch_up() if flask.request.args.get("q") else ()


def _what_is_shown(query: Query) -> dict[str, Any]:
    found = task_query.find(panel(), query, ROWS)
    return {
        "now": standing_of(panel()),
        "tasks": page_of(panel(), found.page.rows),
        "found": found,
        "query": query,
        "questions": questions_beside_tasks(panel()),
        "statuses": list(Status),
        "shown": list(query.wanted.statuses),
        "example": EXAMPLE,
        "queue_file": str(panel().home.queue_file),
    }
