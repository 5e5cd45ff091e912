"""The graph of a run on its own page: the picture of the page Graph, in the words of runs."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from errors import NotFound
from panel.context import Panel
from panel.graph_views import Scope, graph_of
from panel.run_words import word_of
from store.transaction import dump

#: How each status of a task is called of a run, where no more is known of it.
WORDS: Final = {
    "pending": "waiting",
    "in_progress": "running",
    "pending_review": "pending review",
    "approved": "completed",
    "failed": "failed",
    "safety_blocked": "blocked",
    "cancelled": "ended early",
    "missing": "not there",
}


def graph_of_run(here: Panel, run_id: str) -> dict[str, Any] | None:
    """What waits for what in a run; none where nothing of it is left."""
    try:
        told = graph_of(here.reader, Scope(run=run_id))
    except NotFound:
        return None
    if told["kind"] == "tasks":
        _say(here, told)
    else:
        for node in told["nodes"]:
            node["word"] = WORDS[node["status"]]
    told["words"] = dict(Counter(_words(told)))
    return told


def _say(here: Panel, told: dict[str, Any]) -> None:
    """Name each task by its id within the run, and say how it stands there."""
    ids = dump([node["id"] for node in told["nodes"]])
    rows = {row["id"]: row for row in here.reader.all("run_words_of", ids=ids)}
    for node in told["nodes"]:
        row = rows.get(node["id"])
        node["name"] = _within(node["id"])
        node["waits_for"] = [_within(name) for name in node["waits_for"]]
        node["word"] = WORDS[node["status"]]
        if row is not None and row["state"] in {"review", "failed", "safety_blocked", "cancelled"}:
            word = word_of(row["state"], row["code"], row["attempts"], row["lane"])
            node["word"] = word.replace("_", " ")


def _within(task_id: str) -> str:
    return task_id.partition(":")[2] or task_id


def _words(told: dict[str, Any]) -> list[str]:
    return [node["word"] for node in told["nodes"] for _ in range(node.get("count", 1))]
