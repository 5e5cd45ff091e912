"""Whether a task asks for something else than when it was claimed."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

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
