"""A run as a fork of it finds it: what was asked for, what answered, and what it could cost. Reads only.

What rounds and lists became has no place of its own in a fork. A task that waits for a later round waits for
the task that has the rounds, whose answer is that of the last one; an item that somebody waits for is taken
along beside its list.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from context import template
from store import lost_runs, subtree_budgets
from store.budgets import Account, BudgetLimits, limit_of
from store.reading import Reader

#: Fields of a task whose texts may refer to others.
_TEXTS: Final = frozenset({"prompt", "ask", "for_each", "when", "repeat", "run"})


@dataclass(frozen=True, slots=True)
class Original:
    """A run that is forked."""

    run: sqlite3.Row
    #: the tasks as they were asked for, in the request, later or by answers
    docs: Sequence[dict[str, Any]]
    #: the items of lists, as they were asked for
    items: Mapping[str, dict[str, Any]]
    #: the tasks that are part of a round or a list, each with the one that becomes them when it is done anew
    became: Mapping[str, str]
    #: the tasks that answers asked for, each with the one whose answer that was, as it is called there
    added_by: Mapping[str, str]
    #: how many tasks stand between one and the request
    depths: Mapping[str, int]
    #: the tasks that have an answer, each with the one whose that is: its own last round
    answers: Mapping[str, str]
    #: what the runs and tasks above it let it cost, in micro-dollars; none: no limit
    most_micros: int | None = None


def original_of(reader: Reader, run: sqlite3.Row) -> Original:
    """A run, by its row, as it stands now. Raises `RunCompleted` where it or tasks of it were lost."""
    lost_runs.check_tasks(reader, run, "forked")
    rows = {row["name"]: row for row in reader.all("run_tasks_shown", run=run["seq"])}
    rounds = {name: name.rpartition(".r")[0] for name, row in rows.items() if row["round"] > 1}
    asked = {
        name: _without_rounds(json.loads(row["asked"]), rounds)
        for name, row in rows.items()
        if name not in rounds
    }
    return Original(
        run,
        [doc for name, doc in asked.items() if rows[name]["parent"] is None],
        {name: doc for name, doc in asked.items() if rows[name]["parent"] is not None},
        {name: _first_of(rows, name) for name, row in rows.items() if row["parent"] is not None},
        {name: row["added_by"] for name, row in rows.items() if row["added_by"] is not None},
        {name: row["depth"] for name, row in rows.items()},
        _answers(rows),
        _most_micros(reader, run),
    )


def _without_rounds(asked: dict[str, Any], rounds: Mapping[str, str]) -> dict[str, Any]:
    """A task with what it says of rounds meaning the tasks that have these."""
    if rounds.keys().isdisjoint(asked.get("deps") or ()):
        return asked
    told = {name: _renamed(value, rounds) if name in _TEXTS else value for name, value in asked.items()}
    return told | {"deps": list(dict.fromkeys(rounds.get(dep, dep) for dep in asked["deps"]))}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return template.renamed(value, names)
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    return value


def _first_of(rows: Mapping[str, sqlite3.Row], name: str) -> str:
    """The task that was asked for by itself, and became this one by its rounds or its list."""
    while (above := rows[name]["parent"]) is not None and above in rows:
        name = above
    return name


def _answers(rows: Mapping[str, sqlite3.Row]) -> dict[str, str]:
    found = {}
    for name in rows:
        last = name
        while (later := rows[last]["later"]) is not None and later in rows:
            last = later
        if rows[last]["state"] == "approved":
            found[name] = last
    return found


def _most_micros(reader: Reader, run: sqlite3.Row) -> int | None:
    """The narrowest limit of what stands above the run; none where nothing does, or nothing there has one."""
    limits, above = BudgetLimits.kept(reader), run["parent"]
    found: list[int | None] = []
    while above is not None:
        found += [micros for _, micros in subtree_budgets.above(reader, above)]
        one = above.partition(":")[0]
        found.append(limit_of(reader, limits, Account("run", one)))
        row = reader.one("get_run", id=one)
        above = None if row is None else row["parent"]
    return min((each for each in found if each is not None), default=None)
