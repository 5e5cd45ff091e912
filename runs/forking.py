"""A run anew from one of its tasks on, with another prompt, model or context there: what it asks for. Pure.

Everything that does not stand behind the changed task, and was approved, keeps its answer.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from run_contract.errors import InvalidInput, TaskNotFound
from runs import round_rules
from runs.request import ForkRequest, StartRunRequest, read_start


def request_of_fork(run: sqlite3.Row, docs: Sequence[dict[str, Any]], fork: ForkRequest) -> StartRunRequest:
    """The request for a fork of a run whose tasks were asked for as in `docs`.

    Raises `TaskNotFound`, and `InvalidInput` for a change that the task cannot have.
    """
    tasks = [dict(doc) for doc in docs]
    changed = next((doc for doc in tasks if doc["id"] == fork.task), None)
    if changed is None:
        raise TaskNotFound(f"The run {run['id']!r} has no task {fork.task!r}{_instead(docs, fork.task)}.")
    changes = fork.model_dump(mode="json", exclude_unset=True, include={"prompt", "model", "context"})
    if changes and changed.get("prompt") is None:
        raise InvalidInput(
            f"{fork.task} is not done by a model and has no {sorted(changes)[0]}; fork from one that is",
            path=sorted(changes)[0],
        )
    if "model" in changes:
        changed.pop("model_role", None)
    changed |= changes
    told: dict[str, Any] = json.loads(run["request"])
    told |= {"policy": json.loads(run["policy"]), "memory": json.loads(run["memory"]), "tasks": tasks}
    if told.get("name"):  # of a run that was started when a name could hold anything
        told["name"] = "".join(each for each in told["name"] if unicodedata.category(each) != "Cc")
    told.pop("id", None)
    told.pop("open", None)
    return read_start(told if fork.id is None else told | {"id": fork.id})


def _instead(docs: Sequence[dict[str, Any]], name: str) -> str:
    """What to fork from in place of a round or an item, which nobody asked for by itself."""
    step, dot, number = name.rpartition(".")
    if not dot or step not in {doc["id"] for doc in docs}:
        return ""
    if number.isdecimal():
        return f" that can be forked: it is an item of {step}; fork from {step}"
    deps = {doc["id"]: doc.get("deps", []) for doc in docs}
    for doc in docs:
        rounds = doc.get("repeat")
        first = doc["id"] if rounds is None else rounds.get("first") or doc["id"]
        if rounds is not None and step in round_rules.part(doc["id"], first, deps):
            return f" that can be forked: rounds are forked from their first step; fork from {first}"
    return ""


def still_asked_for(
    docs: Sequence[dict[str, Any]], changed: str, added_by: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The tasks without those that an answer asked for which is given anew."""
    kept = (
        untouched(docs, changed) if any(doc["id"] == changed for doc in docs) else {doc["id"] for doc in docs}
    )
    found = []
    for doc in docs:
        above = added_by.get(doc["id"])
        while above is not None and above in kept:
            above = added_by.get(above)
        if above is None or doc["id"] == changed:
            found.append(doc)
    return found


def untouched(docs: Iterable[dict[str, Any]], changed: str) -> set[str]:
    """The tasks that do not stand behind the changed one, and are not it."""
    deps = {doc["id"]: doc.get("deps", []) for doc in docs}
    after: dict[str, list[str]] = {name: [] for name in deps}
    for name, waits in deps.items():
        for dep in waits:
            after[dep].append(name)
    behind, left = {changed}, [changed]
    while left:
        fresh = [name for name in after[left.pop()] if name not in behind]
        behind.update(fresh)
        left += fresh
    return set(deps) - behind
