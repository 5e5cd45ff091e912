"""Keeping ``audit.jsonl`` up with the store: its key, its chain, and a checkpoint now and then.

Everything about a single record was settled when its row was committed. What can fail here is the copy, and
while it does nothing new may start: the caller is told by an error at every try (`road.exporting`).
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from clock import Clock, to_rfc3339
from path_names import expanded
from settings import Home, Settings
from store import database, sql
from store.audit_log import checkpoint as checkpoints
from store.audit_log import key as keys
from store.audit_log.checkpoint import AUDIT_CHECKPOINT, Checkpoint
from store.audit_log.record import audit_book
from store.chained_log.book import Book, Repair
from store.chained_log.export import Exporter
from store.chained_log.files import LogFiles
from store.transaction import Transaction, dump
from store.writer import Writer

logger = logging.getLogger(__name__)

#: Records after which a checkpoint is made.
CHECKPOINT_EVERY: Final = 1000
#: meta: the id of the chain, and which key it hangs on
AUDIT_CHAIN: Final = "audit_chain"


class AuditExporter:
    """Exports the audit of one home. For one thread of the leader."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        open_reader: Callable[[], sqlite3.Connection],
        writer: Writer,
        clock: Clock,
    ) -> None:
        self._home = home
        self._rotate_bytes = settings.audit_rotate_bytes
        self._checkpoint_file = settings.audit_checkpoint_file
        self._open_reader = open_reader
        self._writer = writer
        self._clock = clock
        self._exporter: Exporter | None = None
        self._last = 0

    def export_new(self) -> int:
        """Append every record the file lacks; how many. Raises `StoreError`, `OSError`: call again later."""
        exporter = self._exporter
        if exporter is None:
            exporter = self._exporter = self._open()
        written = exporter.export_new()
        if exporter.exported - self._last >= CHECKPOINT_EVERY:
            self._make_checkpoint(exporter)
        return written

    def sync_if_due(self, monotonic: float) -> bool:
        """At most once a second: bring the file to disk and note how far it goes."""
        return self._exporter is not None and self._exporter.sync_if_due(monotonic)

    def close(self) -> None:
        """Bring everything to disk, leave a checkpoint, and let the files go."""
        exporter, self._exporter = self._exporter, None
        if exporter is None:
            return
        try:
            if exporter.exported > self._last:
                self._make_checkpoint(exporter)
        finally:
            exporter.close()

    # -- key and chain -------------------------------------------------------------------------------------

    def _open(self) -> Exporter:
        book = self._book()
        self._last = (Checkpoint.of_fact(self._fact(AUDIT_CHECKPOINT)) or Checkpoint(0, "")).seq
        return Exporter(book, self._home.audit_file, self._rotate_bytes, self._open_reader, self._writer)

    def _book(self) -> Book:
        """The chain that was begun under today's key, or a new one."""
        key = keys.read_or_make(self._home.audit_key)
        noted = self._fact(AUDIT_CHAIN)
        if noted is not None and noted["key"] == keys.fingerprint(key):
            return audit_book(key, noted["id"])
        return self._begin_chain(key, had_one=noted is not None)

    def _begin_chain(self, key: bytes, *, had_one: bool) -> Book:
        """Under another key every record is written anew; what the lost key had sealed is kept aside."""
        book = audit_book(key, secrets.token_hex(32))
        with database.translated(self._home.audit_file):
            kept = _set_aside(LogFiles(self._home.audit_file))

        def begin(tx: Transaction) -> None:
            tx.set_meta(AUDIT_CHAIN, dump({"id": book.chain.genesis, "key": keys.fingerprint(key)}))
            tx.set_meta(book.exported_seq, "0")
            tx.set_meta(book.exported_from, "1")
            tx.run("delete_meta", key=AUDIT_CHECKPOINT)
            if had_one or kept:
                book.tell(tx, _rekeyed(kept))

        self._writer.run(begin)
        return book

    # -- checkpoints ---------------------------------------------------------------------------------------

    def _make_checkpoint(self, exporter: Exporter) -> None:
        exporter.sync()
        made = Checkpoint(exporter.exported, exporter.seal)
        trouble = None
        if self._checkpoint_file is not None:
            path = self._home.root / expanded(self._checkpoint_file)
            trouble = checkpoints.add_to(path, made, self._home.root, to_rfc3339(self._clock.now()))
        self._writer.run(lambda tx: checkpoints.keep(tx, made, trouble))
        self._last = made.seq
        logger.info("checkpoint of the audit: %s", made)

    def _fact(self, name: str) -> dict[str, Any] | None:
        with database.translated(self._home.database), closing(self._open_reader()) as connection:
            row = connection.execute(sql.queries()["get_meta"], {"key": name}).fetchone()
        found: dict[str, Any] | None = None if row is None else json.loads(row["value"])
        return found


def _set_aside(files: LogFiles) -> list[Path]:
    """Move every file of a chain whose key is gone out of the way; where they are now."""
    found = [each.path for each in files.rotated()]
    found += [files.current] if files.current.exists() else []
    return [files.set_aside(path, "rekeyed") for path in found]


def _rekeyed(kept: list[Path]) -> Repair:
    where = f"; what stood in the files is kept in {', '.join(path.name for path in kept)}" if kept else ""
    reason = (
        f"the key of the audit was missing or another{where}; every record is written anew in a new chain"
    )
    return Repair("rekeyed", reason, kept[-1].name if kept else None)
