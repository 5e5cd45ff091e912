"""Budgets of a task of a run with all that stem from it, such as the items of a list."""

from __future__ import annotations

from store.asking import Asks


def above(asks: Asks, task_id: str | None) -> tuple[tuple[str, int], ...]:
    """The budgets of this kind that a task's calls count against, the narrowest first.

    Each is named by the task it is given to and comes with its limit in micro-dollars. A task of no run costs
    nothing here.
    """
    if task_id is None or ":" not in task_id:
        return ()
    return tuple((row["id"], row["micros"]) for row in asks.all("subtrees_above", id=task_id))


def limit_of(asks: Asks, task_id: str) -> int | None:
    """What a task with all that stem from it may cost, in micro-dollars; none: there is no such limit."""
    row = asks.one("subtree_limit", id=task_id)
    return None if row is None else row["subtree_micros"]
