"""A run as a text: checked as `skep run validate` and the start of a run do it, foretold, and started.

Loaded when somebody first asks: reading workflows takes large rooms.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from config_files.documents import Document, parse_document
from errors import InvalidFile, SkepError
from panel.context import Panel
from panel.run_cost import cost_of
from panel.run_gate import blocked_of
from panel.run_starting import enter, house_of
from redaction import clean_value
from run_contract.errors import InvalidInput
from run_contract.records import ID
from runs import brought
from runs.entering import new_run
from store.runs import NewRun

#: Inputs of a workflow that are told.
_MOST_INPUTS: Final = 100
_IS_JSON: Final = re.compile(r'\s*\{\s*("|\})')
_PLACE: Final = re.compile(r"^[^:\n]{1,80}:(\d+):(\d+): ")
#: What is told of an id of a run that is none.
_ID_RULE: Final = (
    "id: begins with a letter or a digit, then come letters, digits, '.', '_' and '-' only, 128 at most"
)
_WRONG_ID: Final[dict[str, Any]] = {
    "rule": InvalidInput.code,
    "path": "id",
    "message": _ID_RULE,
    "line": None,
    "column": None,
    "text": _ID_RULE,
}
_PARTS: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Brought:
    """A text that a run is to be started from."""

    text: str
    inputs: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    run_id: str | None = None


def start_text(here: Panel, given: Brought, by: str) -> sqlite3.Row:
    """Start the run of a text. Raises `InvalidInput`, whose `problems` tell all with line and column."""
    made, problems, _ = _read(here, given)
    if made is None:
        raise InvalidInput(problems[0]["text"], problems=problems)
    return enter(here, made, by)


def check(here: Panel, given: Brought) -> dict[str, Any]:
    """What is wrong with a text, and if nothing is, what would be started and what it may cost at worst."""
    made, problems, document = _read(here, given)
    told: dict[str, Any] = {
        "ok": made is not None,
        "problems": problems,
        "kind": "request" if document is not None and brought.is_request(document) else "workflow",
        "inputs": {} if document is None else _inputs(document),
    }
    if made is not None:
        told |= {
            "name": made.name,
            "id": given.run_id,
            "tasks": len(made.tasks),
            "models": sum(each.new.task.mode == "llm" for each in made.tasks),
            "cost": cost_of(here, made),
            "blocked": blocked_of(here, made),
        }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _read(here: Panel, given: Brought) -> tuple[NewRun | None, list[dict[str, Any]], Document | None]:
    """The run of a text, or all that is wrong with it; and its document, where it can be read.

    An id that is given beside the text stands nowhere in it: what is wrong with that has no line.
    """
    if given.run_id is None or ID.fullmatch(given.run_id):
        return _read_text(here, given)
    _, problems, document = _read_text(here, replace(given, run_id=None))
    return None, [_WRONG_ID, *problems], document


def _read_text(here: Panel, given: Brought) -> tuple[NewRun | None, list[dict[str, Any]], Document | None]:
    document = None
    try:
        is_json = bool(_IS_JSON.match(given.text))
        document = parse_document(given.text, "run.json" if is_json else "run.yaml", is_json=is_json)
        request = brought.request_of(
            document, here.home.policies_file, given.inputs, given.policy, given.run_id
        )
        return new_run(request, house_of(here)), [], document
    except InvalidFile as error:
        return None, error.details.get("problems") or [_problem_of(error.message)], document
    except SkepError as error:
        return None, [_problem_in(document, error)], document


def _problem_of(message: str) -> dict[str, Any]:
    """What a reader of files says, whose message begins with the place."""
    found = _PLACE.match(message)
    line, column = (int(found[1]), int(found[2])) if found else (None, None)
    return {
        "rule": "unreadable",
        "path": "",
        "message": message,
        "line": line,
        "column": column,
        "text": message,
    }


def _problem_in(document: Document | None, error: SkepError) -> dict[str, Any]:
    """What a check of the request says, at the place of its field where the document has it."""
    path = str(error.details.get("path") or "")
    spot = None
    if document is not None and path:
        spot = document.spot(_way(path, is_workflow=not brought.is_request(document)))
    place = "" if spot is None else f"line {spot.line}, column {spot.column}: "
    return {
        "rule": error.code,
        "path": path,
        "message": error.message,
        "line": None if spot is None else spot.line,
        "column": None if spot is None else spot.column,
        "text": f"{place}{error.message}",
    }


def _way(path: str, *, is_workflow: bool) -> Sequence[str | int]:
    """The keys and numbers that lead to a field of the request, in the words of the document."""
    if is_workflow:
        path = "workflow." + re.sub(r"^tasks\b", "steps", path).replace(".deps", ".depends_on")
    return [int(number) if number else name for number, name in _PARTS.findall(path)]


def _inputs(document: Document) -> dict[str, str | None]:
    """The inputs that a workflow names, with their texts; null: to be given."""
    found = document.value if isinstance(document.value, dict) else {}
    flow = found.get("workflow")
    named = flow.get("inputs") if isinstance(flow, dict) else None
    if not isinstance(named, dict):
        return {}
    return {
        str(name): text if isinstance(text, str) else None
        for name, text in list(named.items())[:_MOST_INPUTS]
    }
