"""What is there of a run on the road, as far as tasks that are added to it go by its ids and rounds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from run_contract import kept_ids
from run_contract.shapes import Shape
from store.asking import Asks
from store.transaction import dump


def of_request(asked: Mapping[str, Any]) -> Shape:
    """A task as it was asked for, as JSON keeps it."""
    repeat = asked.get("repeat")
    first = None if repeat is None else repeat.get("first") or asked["id"]
    return Shape(asked.get("deps") or (), asked.get("for_each") is not None, first)


def of_rows(rows: Iterable[sqlite3.Row]) -> dict[str, Shape]:
    """Tasks of a run (``run_shapes``)."""
    found = {}
    for each in rows:
        repeat = json.loads(each["repeat"] or "null")
        first = None if repeat is None else repeat.get("first") or each["id"]
        deps = json.loads(each["deps"] or "[]")
        found[each["id"]] = Shape(deps, bool(each["is_list"]), first, each["parent"], each["does"])
    return found


def there(asks: Asks, run: sqlite3.Row, fresh: Mapping[str, Shape]) -> dict[str, Shape]:
    """The tasks of a run, by its row, as far as they matter to fresh ones.

    The whole run is only read where one that is added may need ids for items or rounds, is called like an
    item or a round of one that is there, or depends on what may be a part of rounds.
    """
    if _grow(fresh) or _may_be_kept(asks, run, fresh) or _stand_behind_rounds(asks, run, fresh):
        return of_rows(asks.all("run_shapes", run=run["seq"]))
    return {}


def _grow(fresh: Mapping[str, Shape]) -> bool:
    return any(each.is_list or each.first is not None for each in fresh.values())


def _may_be_kept(asks: Asks, run: sqlite3.Row, fresh: Mapping[str, Shape]) -> bool:
    owners = sorted({owner for name in fresh for owner in kept_ids.may_own(name)})
    return bool(owners and asks.all("run_known_tasks", run=run["seq"], ids=dump(owners)))


def _stand_behind_rounds(asks: Asks, run: sqlite3.Row, fresh: Mapping[str, Shape]) -> bool:
    """Whether rounds go on behind anything that the fresh tasks depend on."""
    deps = dict.fromkeys(dep for each in fresh.values() for dep in each.deps if dep not in fresh)
    ids = dump([f"{run['id']}:{dep}" for dep in deps])
    return bool(deps) and asks.one("rounds_behind", ids=ids) is not None
