"""A run anew from one of its tasks on, with another prompt, model or context there: what it asks for. Pure.

Everything that does not stand behind the changed task, and was approved, keeps its answer: that of its last
round, which is what those after it were told. What depends on a step of rounds stands behind their end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from money import to_dollars
from run_contract import round_waits
from run_contract.errors import DepNotFound, InvalidInput, TaskNotFound
from run_contract.policy import RunPolicy
from run_contract.shapes import part
from runs import run_names
from runs.originals import Original
from runs.request import ForkRequest, StartRunRequest, read_start


def request_of_fork(original: Original, docs: Sequence[dict[str, Any]], fork: ForkRequest) -> StartRunRequest:
    """The request for a fork of a run that has the tasks `docs`.

    Raises `TaskNotFound`, and `InvalidInput` for a change that the task cannot have.
    """
    run, tasks = original.run, [dict(doc) for doc in docs]
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
    told |= {"policy": _policy_of(original), "memory": json.loads(run["memory"]), "tasks": tasks}
    if told.get("name") is not None:  # of a run that was started when a name could hold anything
        told["name"] = run_names.mended(told["name"])
    told.pop("id", None)
    told.pop("open", None)
    return read_start(told if fork.id is None else told | {"id": fork.id})


def _policy_of(original: Original) -> dict[str, Any]:
    """The policy of the run, which may cost no more than what stands above it lets it."""
    told: dict[str, Any] = json.loads(original.run["policy"])
    own, most = RunPolicy.model_validate(told).budget_micros, original.most_micros
    if most is None or (own is not None and own <= most):
        return told
    return told | {"budget_limit": {"amount": to_dollars(most)}}


def _instead(docs: Sequence[dict[str, Any]], name: str) -> str:
    """What to fork from in place of a round or an item, which nobody asked for by itself."""
    ids = {doc["id"] for doc in docs}
    step, dot, number = name.rpartition(".")
    if dot and number.isdecimal() and step in ids:
        return f" that can be forked: it is an item of {step}; fork from {step}"
    if number.isdecimal():  # of an item in a round
        step = step.rpartition(".")[0]
    if step not in ids:
        return ""
    deps = {doc["id"]: doc.get("deps", []) for doc in docs}
    for doc in docs:
        rounds = doc.get("repeat")
        first = doc["id"] if rounds is None else rounds.get("first") or doc["id"]
        if rounds is not None and step in part(doc["id"], first, deps):
            return f" that can be forked: rounds are forked from their first step; fork from {first}"
    return ""


def still_asked_for(original: Original, changed: str) -> list[dict[str, Any]]:
    """The tasks without those that an answer asked for which is given anew.

    Raises `DepNotFound` for one that waits for a task which a fork does not begin with.
    """
    kept = frozenset(kept_answers(original, changed))
    found = []
    for doc in original.docs:
        asker = _asker(original, doc["id"])
        while asker is not None and asker in kept:
            asker = _asker(original, asker)
        if asker is None or doc["id"] == changed:
            found.append(doc)
    _check_deps(original, found, changed)
    return found


def _asker(original: Original, name: str) -> str | None:
    """Who asks anew for a task that an answer asked for: the task itself, or whose round or item it is."""
    by = original.added_by.get(name)
    return None if by is None else original.became.get(by, by)


def _check_deps(original: Original, docs: Sequence[dict[str, Any]], changed: str) -> None:
    kept = kept_answers(original, changed)
    there = {doc["id"] for doc in docs} | {name for name in original.items if name in kept}
    for number, doc in enumerate(docs):
        for place, dep in enumerate(doc.get("deps") or ()):
            if dep not in there:
                path = f"tasks[{number}].deps[{place}]"
                told = f"{doc['id']} waits for {dep}, which is there only after what is given anew"
                raise DepNotFound(f"{path}: {told}; fork from another task", path=path)


def items_for(original: Original, docs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of lists that tasks of a fork wait for, as they were asked for."""
    found = dict.fromkeys(dep for doc in docs for dep in doc.get("deps") or () if dep in original.items)
    names = {doc["id"] for doc in docs}
    items = [original.items[name] for name in found]
    return [doc | {"deps": [dep for dep in doc.get("deps") or () if dep in names]} for doc in items]


def kept_answers(original: Original, changed: str) -> dict[str, str]:
    """The tasks and items that keep an answer, each with the task whose answer that is.

    They do not stand behind the changed task, and are not it, nor items of a list that is done anew.
    """
    kept = untouched(original, changed) & original.answers.keys()
    items = [name for name in original.items if original.became.get(name) in kept]
    return {name: original.answers[name] for name in (*sorted(kept), *items) if name in original.answers}


def untouched(original: Original, changed: str) -> set[str]:
    """The tasks that do not stand behind the changed one, and are not it.

    Whoever depends on a part of rounds waits for their end (`round_waits`), and so stands behind the task
    that has them. Rounds that did not come to an answer are done anew in any case, with what is behind them.
    """
    deps = {
        doc["id"]: [original.became.get(dep, dep) for dep in doc.get("deps") or ()] for doc in original.docs
    }
    rounds = _rounds_with_others(original.docs)
    waits = round_waits.beside(deps, rounds)
    after: dict[str, list[str]] = {}
    for name, own in deps.items():
        for dep in (*own, *waits.get(name, ())):
            after.setdefault(dep, []).append(name)
    behind = {changed, *(rounds.keys() - original.answers.keys())}
    left = [*behind]
    while left:
        fresh = [name for name in after.get(left.pop(), ()) if name not in behind]
        behind.update(fresh)
        left += fresh
    return deps.keys() - behind


def _rounds_with_others(docs: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The tasks that are repeated with others before them, each with the one that begins a round."""
    firsts = {doc["id"]: doc["repeat"].get("first") or doc["id"] for doc in docs if doc.get("repeat")}
    return {name: first for name, first in firsts.items() if first != name}
