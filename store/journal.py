"""The journals of identities: an entry is written once and never changed.

Writing costs tokens, paid in the same transaction. The words are whatever somebody brought, a model's answer
included: they are shown, escaped, and put into no prompt.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from clock import to_rfc3339
from errors import InvalidRequest
from redaction import clean
from store import ending, ledger
from store.transaction import Transaction

#: Characters of an entry.
MOST_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was asked for, as it stands now."""

    number: int
    #: whether it was written now; else the same words stood there already
    is_new: bool
    #: tokens that are left
    balance: int


def write(tx: Transaction, identity: str, text: str, by: str, cost: int) -> Entry:
    """Write an entry and pay `cost` tokens for it; words that stand there already cost nothing.

    Raises `InvalidRequest` for a text that is empty or longer than `MOST_CHARS`, `TooFewTokens`.
    """
    words = clean(text.strip())
    if not words:
        raise InvalidRequest("An entry of a journal needs words; give them after the name.")
    if len(words) > MOST_CHARS:
        raise InvalidRequest(
            f"The entry has {len(words):,} characters and may have {MOST_CHARS:,}; write two entries."
        )
    number = _insert(tx, identity, words, by)
    if number is None:
        row = tx.one("journal_like", identity=identity, digest=_digest(words))
        known = 0 if row is None else int(row["number"])
        return Entry(known, is_new=False, balance=ledger.purse_of(tx, identity).balance)
    left = (
        ledger.pay(tx, identity, ledger.JOURNAL, str(number), cost) if cost else ledger.purse_of(tx, identity)
    )
    _tell(tx, identity, number, words, by)
    return Entry(number, is_new=True, balance=left.balance)


def keep_answer(tx: Transaction, row: sqlite3.Row) -> None:
    """Write what a task of free time brought; it was paid for when it was queued."""
    identity = json.loads(row["doc"]).get("identity_id")
    answer = str(ending.read_result(row).get("output") or "")
    words = clean(answer.strip())[:MOST_CHARS].rstrip()
    number = _insert(tx, identity, words, row["id"]) if identity and words else None
    if number is not None:
        _tell(tx, identity, number, words, row["id"], task_id=row["id"])


def restore(tx: Transaction, identity: str, number: int, words: str, by: str, at: str) -> None:
    """Enter what the history tells was written; what is there already stays."""
    tx.run(
        "restore_journal", number=number, identity=identity, text=words, digest=_digest(words), by=by, at=at
    )


def _insert(tx: Transaction, identity: str, words: str, by: str) -> int | None:
    done = tx.run(
        "insert_journal", identity=identity, text=words, digest=_digest(words), by=by, at=to_rfc3339(tx.now)
    )
    return done.lastrowid if done.rowcount == 1 else None


def _tell(
    tx: Transaction, identity: str, number: int, words: str, by: str, task_id: str | None = None
) -> None:
    tx.emit("journal.written", task_id=task_id, identity_id=identity, entry=number, text=words, source=by)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
