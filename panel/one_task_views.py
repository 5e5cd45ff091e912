"""One task as its own page shows it: what it is and why, what can be done, and everything that led there."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

from cost.usage_tracker import standing_of
from errors import InvalidTask
from panel import command_lines, rollbacks, undoing
from panel.answer_labels import answers_to
from panel.context import Panel
from panel.remedies import remedy_of
from panel.task_actions import actions_of, rollback_buttons
from panel.task_attempts import attempts_of
from panel.task_prompt import prompt_of
from panel.task_story import fields_text, reviews_in, story_of
from panel.task_views import decision_of, summary
from panel.words import as_json
from redaction import clean, clean_value
from review.checkpoints.broken_off import broken_off
from runtime_contract import Task
from store import lost_runs
from store import rollbacks as rollback_facts
from store.editing import is_editable
from store.plan_tree import root_of, tree_of, words_of
from store.queue_file.merge import REFUSED_CODES
from store.reading import event_of
from store.records import STATUS_OF_STATE, task_of
from store.rollbacks import Begun
from store.run_ends import run_of
from supervisor.presence import situation


def head_of(here: Panel, row: sqlite3.Row) -> dict[str, Any]:
    """How the task stands, and what can be done about it."""
    task = summary(here, row, situation(here.home, here.reader))
    return {
        "task": task,
        "buttons": actions_of(task),
        "remedy": _lost_remedy(here, row) or remedy_of(task),
        "is_editable": is_editable(row),
        "version": row["version"],
        "of_run": _run_of(here, row["id"]),
        "is_text_lost": lost_runs.is_text_lost(json.loads(row["doc"])),
    }


def _lost_remedy(here: Panel, row: sqlite3.Row) -> str | None:
    """What to do about a task that was lost as one of a run."""
    way_out = lost_runs.way_out_of(here.reader, row) if row["code"] == lost_runs.LOST else None
    return None if way_out is None else f"{way_out[0].upper()}{way_out[1:]}."


def _run_of(here: Panel, task_id: str) -> str | None:
    """The run that a task is of."""
    run = here.reader.one("get_run", id=run_of(task_id)) if run_of(task_id) else None
    return None if run is None else str(run["id"])


def rest_of(here: Panel, row: sqlite3.Row, before: int | None = None) -> dict[str, Any]:
    """Everything that led there: prompt, route, plan, attempts, cost, history."""
    reader = here.reader
    reviews = reviews_in(here, row["id"])
    route = receipt_of(here, row["id"])
    story = story_of(here, row["id"], before)
    doc = json.loads(row["doc"])
    return {
        "prompt": prompt_of(here, row, route) if task_in(row) else [],
        "route": route,
        "tree": plan_of(here, row),
        "attempts": attempts_of(here, row, reviews),
        "spent": standing_of(reader, f"task:{row['id']}", reader.now()) if task_in(row) else None,
        "story": story | {"events": [each | {"fields_text": fields_text(each)} for each in story["events"]]},
        "needs": _related(reader.all("parents_of", child=row["seq"])),
        "needed_by": _related(reader.all("some_children_of", parent=row["id"])),
        "document": as_json(clean_value(doc)),
        "words": clean(words_of(doc)),
        "runs_as": "lost"
        if lost_runs.is_text_lost(doc)
        else "nothing"
        if row["code"] in REFUSED_CODES
        else "profile"
        if doc.get("profile")
        else "prompt"
        if doc.get("prompt")
        else "command",
        "show_line": command_lines.line("show", row["id"], "--json"),
        "checkpoint": _checkpoint(here, row),
        "follow": command_lines.follow(row["id"]),
        "search_line": command_lines.search_output(row["id"]),
    }


def plan_of(here: Panel, row: sqlite3.Row) -> dict[str, Any] | None:
    """The tree that the task stands in; none where nothing was split."""
    if not row["planned"] and row["plan_parent"] is None:
        return None
    root = root_of(here.reader, row)
    tree: dict[str, Any] = clean_value(tree_of(here.reader, root, situation(here.home, here.reader)))
    return tree


def receipt_of(here: Panel, task_id: str) -> dict[str, Any] | None:
    """The newest receipt of the task's route; none where it was not routed."""
    found = here.reader.one("newest_route", task_id=task_id)
    if found is None:
        return None
    told = {name: value for name, value in event_of(found).items() if name.startswith("tool_")}
    receipt: dict[str, Any] = clean_value(told)
    return receipt


def tag_of_shown(here: Panel, shown: Any) -> str:
    """An entity tag of what a part of the page shows: other tasks' events do not change it."""
    text = json.dumps([here.start_id, shown], default=repr, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def task_in(row: sqlite3.Row) -> Task | None:
    """The task of a row; none where an ended one was taken over as it was found, and keeps no contract."""
    try:
        return task_of(row["doc"], row["id"])
    except InvalidTask:
        return None


def _checkpoint(here: Panel, row: sqlite3.Row) -> dict[str, Any] | None:
    """What is kept of the workspace after the task, and how a rollback of it stands."""
    found = here.reader.one("newest_checkpoint_of", task=row["seq"])
    if found is None:
        return None
    told = {name: found[name] for name in ("number", "state", "paths", "reason")}
    kept: dict[str, Any] = clean_value(told)
    kept["may_write"] = row["result"] is not None and '"may_write":' in row["result"]
    stands = rollbacks.state_of(here, "task", row["id"])
    broken = [each for each in broken_off(here.home, here.reader) if each.task_id == row["id"]]
    is_unfinished = any(
        each.checkpoint == found["number"] and each.to_before and not each.all_of_it for each in broken
    )
    buttons = rollback_buttons(row["id"], stands, is_unfinished=is_unfinished)
    return (
        kept
        | {"rollback": stands, "buttons": buttons, "broken": _broken_rollbacks(here, broken)}
        | {"undone": undoing.last_of(here, row["id"])}
    )


def _broken_rollbacks(here: Panel, found: list[Begun]) -> list[dict[str, Any]]:
    """Rollbacks of the task's files that broke off: what is told of each, and what can be answered."""
    asked = {
        Begun(**json.loads(each["payload"])): decision_of(each, here.clock.now())
        for each in here.reader.all("open_decisions_of_kind", kind=rollback_facts.KIND)
    }
    return [
        {
            "told": clean(each.sentence),
            "decision": asked[each]["id"] if each in asked else None,
            "buttons": answers_to(asked[each]) if each in asked else [],
            "undo": undoing.shown(here, asked[each]["id"], each) if each in asked else None,
        }
        for each in found
    ]


def _related(rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    return [
        {"id": each["id"], "status": STATUS_OF_STATE[each["state"]].value if each["state"] else None}
        for each in rows
    ]
