"""Plans that the backup does not know: told by the log, or shown in the queue file by their subtasks."""

from __future__ import annotations

import collections

from store import planning
from store.recovery.playing import Fold
from store.recovery.queue_view import QueueView
from store.transaction import Transaction


def settle_plans(tx: Transaction, fold: Fold, view: QueueView) -> None:
    """Make every task that was split wait for its subtasks again, so that it is not split anew."""
    for standing in fold.standings.values():
        if standing.plan is not None:
            _restore(tx, standing.id, standing.plan)
    for parent, ids in _shown(view).items():
        _restore(tx, parent, {"phase4_subtasks": ids})


def _restore(tx: Transaction, parent: str, told: dict[str, object]) -> None:
    row = tx.one("get_task", id=parent)
    if row is not None:
        planning.restore_plan(tx, row["seq"], parent, told)
        tx.mark_dirty(row["seq"])


def _shown(view: QueueView) -> dict[str, list[str]]:
    """The subtasks that the queue file shows, by the task they are a part of."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    for entry in view.entries.values() if view.is_newer else ():
        parent = entry.raw.get("phase4_parent_task")
        if isinstance(parent, str) and parent != entry.id:
            found[parent].append(entry.id)
    return found
