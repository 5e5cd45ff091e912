"""Tasks for the queue, read from a goal or from the files of a directory: pure, and always the same.

An id is made of what a task says and where it stands, so reading the same thing twice gives the same tasks,
and what is in the queue already is found again instead of being added twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from planning.budgets import shares_of, weight_of
from planning.checklists import Item, read_file
from planning.decomposition import Part, Split, decompose
from planning.intent import extract
from planning.plan import PlanRules
from planning.proposal import Proposal, split_of
from planning.subtasks import prompt_of
from runtime_contract import MICROS_PER_DOLLAR, dollars_to_micros

#: Tasks of one plan; what is left out is told.
MOST_TASKS: Final = 200
TAG: Final = "planned"
_NAME: Final = re.compile(r"[^A-Za-z0-9]+")
_NAME_CHARS: Final = 24


@dataclass(frozen=True, slots=True)
class Project:
    """What the files of a directory ask for."""

    documents: list[dict[str, Any]]
    #: path and line each task was read from
    places: list[str]
    #: items that were found and are over `MOST_TASKS`
    left_out: int = 0


def read_goal(
    goal: str, max_budget: float | None, rules: PlanRules, proposal: Proposal | None = None
) -> list[dict[str, Any]]:
    """The tasks of a goal: a proposal's parts, else those of its words; one where it asks for one thing.

    Raises `BadProposal`.
    """
    split = None
    if proposal is not None and proposal.parts:
        split = split_of(proposal, goal, extract(goal).deliverables, rules.plan_max_subtasks)
    split = split or decompose(goal, is_lenient=True)
    if not 2 <= len(split.parts) <= rules.plan_max_subtasks:
        split = Split((Part(goal.strip()),))
    stem = f"goal-{_digest(goal)}"
    ids = [f"{stem}.{number}" for number in range(1, len(split.parts) + 1)]
    documents = [
        _document(ids[number], prompt_of(split.shared, part.text), [ids[place] for place in part.after])
        for number, part in enumerate(split.parts)
    ]
    return _share(documents, [part.text for part in split.parts], max_budget)


def read_project(name: str, files: Iterable[tuple[str, str]], max_budget: float | None) -> Project:
    """The tasks that the files of a directory ask for, each file a path below it and its text."""
    found = [(path, item) for path, text in files for item in read_file(path, text)]
    kept = found[:MOST_TASKS]  # of a file each item stands behind what it waits for
    stem = _NAME.sub("-", name).strip("-")[:_NAME_CHARS].strip("-") or "plan"
    ids: dict[tuple[str, int], str] = {}
    for path, item in kept:
        digest = _digest(f"{path} {item.text}")
        ids[path, item.number] = _unused(f"{stem}-{digest}", ids.values())
    documents = [
        _document(
            ids[path, item.number],
            _prompt(path, item),
            [ids[path, place] for place in item.after if (path, place) in ids],
        )
        for path, item in kept
    ]
    shared = _share(documents, [item.text for _, item in kept], max_budget)
    return Project(shared, [f"{path}:{item.line}" for path, item in kept], len(found) - len(kept))


def _prompt(path: str, item: Item) -> str:
    under = f", under {item.section!r}" if item.section else ""
    return f"{item.text}\n\n(From {path}, line {item.line}{under}.)"


def _document(task_id: str, prompt: str, after: Sequence[str]) -> dict[str, Any]:
    document: dict[str, Any] = {"id": task_id, "prompt": prompt, "tags": [TAG]}
    if after:
        document["depends_on"] = list(dict.fromkeys(after))
    return document


def _share(
    documents: list[dict[str, Any]], texts: Sequence[str], max_budget: float | None
) -> list[dict[str, Any]]:
    """The documents with their shares of a budget, by weight."""
    if max_budget is None or not documents:
        return documents
    shares = shares_of(dollars_to_micros(max_budget), [weight_of(text) for text in texts])
    return [
        document | {"max_budget": share / MICROS_PER_DOLLAR}
        for document, share in zip(documents, shares, strict=True)
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def _unused(wanted: str, known: Iterable[str]) -> str:
    taken = set(known)
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}.{number}"
    return name
