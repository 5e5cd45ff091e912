"""Which results that the critics approve are shown to a person all the same: every so many, by count.

The count is kept in the transaction that judges, so it is the same whatever crashes and however many workers
there are; and nobody can tell from a task whether it will be drawn, for that depends on those before it.
"""

from __future__ import annotations

from typing import Final

from runtime_contract import Task
from store.transaction import Transaction

#: Results approved by critics since one was shown to a person.
COUNT: Final = "review_sample_count"


def is_drawn(tx: Transaction, task: Task, every: int) -> bool:
    """Count a result that the critics approve; whether it is the one of `every` that a person is shown."""
    if every == 0 or task.review != "auto":
        return False
    count = int(tx.meta(COUNT) or 0) + 1
    is_drawn = count >= every
    tx.set_meta(COUNT, "0" if is_drawn else str(count))
    return is_drawn
