"""Whether a task asks for something else than when it was claimed, or than what a person is asked about."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from store.records import digest_of_ask, task_of
from store.transaction import Transaction

#: Why a task runs again whatever its attempt brought.
NEW_WORDS: Final = "its words were changed while it ran; it runs again with the new ones"
#: Fields that say what is to be done; the others say how, when and for whom.
ASKING: Final = frozenset({"prompt", "command", "argv", "profile", "mode"})


def is_asked_anew(tx: Transaction, row: sqlite3.Row) -> bool:
    """Whether the words of a task were changed while the attempt ran that has just ended."""
    if row["version"] == 1:
        return False
    edits = tx.all("edits_since_claim", task_id=row["id"])
    return any(not ASKING.isdisjoint(json.loads(edit["fields"])) for edit in edits)


def is_of_old_words(row: sqlite3.Row, decision: sqlite3.Row) -> bool:
    """Whether a result that is asked about was made before the task got the words that it has."""
    ran_before: bool = json.loads(decision["payload"]).get("ran_before", False)
    return ran_before or why_outdated(row, decision) is not None


def why_outdated(row: sqlite3.Row, decision: sqlite3.Row) -> str | None:
    """Why the result that a person is asked about cannot be approved, and the way out; none where it can."""
    asked = json.loads(decision["payload"]).get("asked") if decision["kind"] == "review" else None
    if asked in {None, digest_of_ask(task_of(row["doc"], row["id"]))}:
        return None
    return (
        f"{row['id']} was edited after this result was made; it is not what the words there now ask for. "
        f"`skep reject {row['id']}` has them run."
    )
