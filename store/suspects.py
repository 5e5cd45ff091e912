"""Tasks that ran whenever their process ended: how often that may be, and how the cause is told from others.

Many tasks run in one process, and it ends for all of them. So the last try that a task has left runs alone:
if the process ends again it was this task, and those that only ran beside one pass. It stays alone until it
ends or a person sends it back, also where an attempt was given back or judged bad: the next is its last, too.
"""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

from store import lanes
from store.transaction import Transaction

#: So many times more often than one that had begun may an attempt end with its process that was only claimed.
CLAIMED_LIMIT: Final = 10

Standing = Literal["innocent", "suspect", "cause"]


def standing(tx: Transaction, row: sqlite3.Row, limit: int, *, counts: bool) -> Standing:
    """What is to be thought of a task whose process has just ended, of which `limit` begun attempts may.

    Many are claimed at once and wait for their turn; that says little against one, but not nothing. With
    `counts` this attempt and those before it had begun, whatever is recorded, and who was alone is not known.
    What a person or another run does is no suspect: it is done by no process that it could end.
    """
    has_begun = counts or _has_begun(tx, row)
    before: int = row["interruptions"]
    known = tx.all("begun_interruptions", task=row["seq"], interruptions=before)[0]["n"]
    begun = before + 1 if counts else known + has_begun
    is_over = before + 1 >= limit * CLAIMED_LIMIT or bool(has_begun and begun >= limit)
    if is_over and (counts or lanes.is_suspect(row["lane"]) or lanes.is_ask(row["lane"])):
        return "cause"
    # One that is over and was never alone, as where the limit was lowered or it had never begun, is tried so.
    is_last = is_over or bool(begun and begun + 1 >= limit)
    return "suspect" if is_last and not lanes.is_ask(row["lane"]) else "innocent"


def isolate(tx: Transaction, row: sqlite3.Row) -> None:
    """Let a task run alone from here on."""
    if not lanes.is_suspect(row["lane"]):
        tx.run("set_lane", seq=row["seq"], lane=lanes.joined(row["lane"], lanes.SUSPECT))


def clear(tx: Transaction, row: sqlite3.Row) -> None:
    """Let a task that a person sends back run beside others again."""
    if lanes.is_suspect(row["lane"]):
        tx.run("set_lane", seq=row["seq"], lane=lanes.unsuspected(row["lane"]))


def _has_begun(tx: Transaction, row: sqlite3.Row) -> bool:
    attempt = tx.one("get_attempt", id=row["id"], lease=row["lease"])
    return attempt is None or attempt["swarm"] is not None
