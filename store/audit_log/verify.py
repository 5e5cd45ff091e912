"""Checking the audit: its chain, its MACs, its times, its agreement with the store, and a checkpoint.

What was cut from the end shows against the store, which knows how far the file went. What was cut from both
shows only against a checkpoint that was kept elsewhere.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial

from errors import StoreError
from host_platform import is_lock_held
from settings import Home
from store import database, sql
from store.audit_log import key as keys
from store.audit_log.checkpoint import Checkpoint
from store.audit_log.export import AUDIT_CHAIN
from store.audit_log.record import audit_book
from store.chained_log.verify import PATIENCE_S, Bad, Check, FirstBad, Progress, VerifyResult


class AuditNotBegun(StoreError):
    """No record of the audit was exported yet; a worker does that."""

    code = "audit_not_begun"


def verify(
    home: Home,
    *,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
    open_reader: Callable[[], sqlite3.Connection] | None = None,
    leader_runs: Callable[[], bool] | None = None,
    patience_s: float = PATIENCE_S,
) -> VerifyResult:
    """Check the whole audit of a home, and that it holds `checkpoint`.

    Raises `StoreError` where the key, the store or a file cannot be read.
    """
    opened = open_reader or partial(database.open_reader, home.database)
    chain = _noted_chain(home, opened)
    key = keys.read(home.audit_key)
    if keys.fingerprint(key) != chain["key"]:
        what = "this is another key than the one that the records were written under"
        return VerifyResult(False, 0, 0, FirstBad(home.audit_key.name, 1, what), "")
    check = _AuditCheck(
        audit_book(key, chain["id"]),
        home.audit_file,
        opened,
        leader_runs or partial(is_lock_held, home.leader_lock),
        patience_s,
    )
    check.checkpoint = checkpoint
    return check.result(progress)


def _noted_chain(home: Home, open_reader: Callable[[], sqlite3.Connection]) -> dict[str, str]:
    with database.translated(home.database), closing(open_reader()) as connection:
        row = connection.execute(sql.queries()["get_meta"], {"key": AUDIT_CHAIN}).fetchone()
    if row is None:
        raise AuditNotBegun
    found: dict[str, str] = json.loads(row["value"])
    return found


class _AuditCheck(Check):
    """A walk that also looks at the times and at a checkpoint."""

    checkpoint: Checkpoint | None = None
    _met = False
    _last_moment = ""

    def _passed(self, seq: int, seal: str, row: sqlite3.Row) -> None:
        moment: str = row["ts"]
        if moment < self._last_moment and "clock_back_s" not in json.loads(row["data"]):
            raise Bad(f"time goes back: record {seq} is older than the one before, and says not why")
        self._last_moment = moment
        if self.checkpoint is not None and seq == self.checkpoint.seq:
            if seal != self.checkpoint.mac:
                raise Bad(f"record {seq} is another than that of the checkpoint: the audit was written anew")
            self._met = True

    def _ended(self) -> None:
        if self.checkpoint is None or self._met:
            return
        if self._seq < self.checkpoint.seq:
            ends = (
                f"the audit ends with record {self._seq}, the checkpoint is of record {self.checkpoint.seq}"
            )
            raise Bad(f"{ends}: its end was cut off")
        raise Bad(f"record {self.checkpoint.seq} of the checkpoint is not here: its file was moved away")
