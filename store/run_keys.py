"""Idempotency keys of requests to runs: what was done under one is done once, whatever became of the answer.

The key is entered in the transaction that does the work, so after a crash there are both or neither. Keys are
never taken again: a key that was used for one request means that request.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from run_contract.errors import KeyUsed
from store.asking import Asks
from store.transaction import Transaction

#: Stands before the hash of a key that only the history tells of.
HASHED: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key that a request came under."""

    text: str
    #: SHA-256 of what was asked, and of which run
    digest: str


def digest_of(text: str) -> str:
    """What the history tells of a key: the SHA-256, for its words are the client's."""
    return hashlib.sha256(text.encode()).hexdigest()


def brought_back(text: str) -> str:
    """What stands in place of a key that only the history tells of, after a database was rebuilt."""
    return f"{HASHED}{digest_of(text)}"


def known(asks: Asks, key: RequestKey | None) -> sqlite3.Row | None:
    """The run that this very request started or was done to; none where it was not done yet.

    Raises `KeyUsed` where the key was used for another request.
    """
    if key is None:
        return None
    used = asks.one("run_by_key", key=key.text) or asks.one("run_by_key", key=brought_back(key.text))
    if used is None:
        return None
    if used["digest"] != key.digest:
        raise KeyUsed(
            f"The idempotency key was used for another request, about the run {used['id']!r}; "
            "give every request a key of its own.",
            run_id=used["id"],
        )
    return asks.one("get_run", id=used["id"])


def once(tx: Transaction, key: RequestKey | None, work: Callable[[Transaction], sqlite3.Row]) -> sqlite3.Row:
    """Do what is asked of a run, unless it was done under this key; the run's row. Raises `KeyUsed`."""
    found = known(tx, key)
    if found is not None:
        return found
    row = work(tx)
    if key is not None:
        tx.run("note_run_request", key=key.text, digest=key.digest, run=row["id"], now=tx.now)
    return row
