"""What is there of a run on the road, as far as tasks that are added to it could take or need its ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from runs import kept_ids
from runs.kept_ids import Shape
from runs.request import TaskRequest
from runs.rounds_there import Asks
from store.transaction import dump


def shapes_there(asks: Asks, run: sqlite3.Row, tasks: Sequence[TaskRequest]) -> dict[str, Shape]:
    """The tasks of a run, by its row, as shapes.

    The whole run is only read where one that is added may need ids for items or rounds, or is called like an
    item or a round of one that is there.
    """
    owners = dump(sorted({owner for task in tasks for owner in kept_ids.may_own(task.id)}))
    grows = any(task.for_each is not None or task.repeat is not None for task in tasks)
    if not grows and (owners == "[]" or not asks.all("run_known_tasks", run=run["seq"], ids=owners)):
        return {}
    return kept_ids.shapes_of_rows(asks.all("run_shapes", run=run["seq"]))
