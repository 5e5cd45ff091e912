"""Rounds of a run to which tasks are added on the road: who depends on a part of them waits for their end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from runs import kept_ids, round_rules, round_waits
from runs.kept_ids import Shape
from store.runs import NewRunTask
from store.transaction import dump

#: What rounds do again, by the tasks that end them and without those.
Parts = Mapping[str, frozenset[str]]


class Asks(Protocol):
    """A reader, or a transaction."""

    def one(self, name: str, **values: Any) -> sqlite3.Row | None:
        """The first row of a query, or none."""

    def all(self, name: str, **values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""


def parts_of(shapes: Mapping[str, Shape]) -> Parts:
    """What the rounds of these tasks do again."""
    firsts = {
        name: each.first for name, each in shapes.items() if each.first is not None and each.first != name
    }
    return round_waits.beside_with_parts({name: each.deps for name, each in shapes.items()}, firsts)[1]


def parts_behind(asks: Asks, run: sqlite3.Row, deps: Iterable[str]) -> Parts:
    """The same of a run, as far as tasks of it that are named in `deps` are a part.

    The whole run is only read where rounds stand behind one of them.
    """
    ids = dump([f"{run['id']}:{dep}" for dep in dict.fromkeys(deps)])
    if ids == "[]" or asks.one("rounds_behind", ids=ids) is None:
        return {}
    return parts_of(kept_ids.shapes_of_rows(asks.all("run_shapes", run=run["seq"])))


def waiting(made: Sequence[NewRunTask], run_id: str, parts: Parts) -> list[NewRunTask]:
    """The added tasks, which wait for the end of rounds that they depend on a part of."""
    waits = round_waits.added({each.id: each.doc.get("deps") or () for each in made}, parts)
    return [round_rules.also(each, waits.get(each.id, ()), run_id) for each in made]
