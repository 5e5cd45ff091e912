"""Tasks that failed for waiting for themselves, through others: what helps them, in one place for every face.

Sending one of them back changes nothing: the next of the circle is what it waits for. So all that is said of
them names the edit that opens the circle. Once it is open its members are retried as any other task.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from store.asking import Asks

#: The code of a task that failed because it waits for itself.
CYCLE: Final = "dependency_cycle"
#: Tasks that are looked at to see whether a circle is still closed; a longer one is told as any other end.
MOST_SEEN: Final = 1_000


def is_closed(asks: Asks, task: sqlite3.Row) -> bool:
    """Whether a task, by its row, failed for waiting for itself and would again."""
    if task["code"] != CYCLE:
        return False
    above = asks.all("waited_for_upwards", seq=task["seq"], most=MOST_SEEN)
    return any(each["id"] == task["id"] for each in above)


def way_out_of(asks: Asks, task: sqlite3.Row) -> str | None:
    """What to do about a task that waits for itself, by its row; none where it does not."""
    if not is_closed(asks, task):
        return None
    return f"skep edit --retry {task['id']}, with a depends_on that does not lead back to it"


def why_with(task_id: str) -> str:
    """Why a task fails that waits for this one, which waits for itself, and what brings both back."""
    return (
        f"waits for {task_id}, which depends on itself; `skep edit --retry {task_id}` with a corrected "
        "depends_on brings both back"
    )
