"""The log of one home: who writes it, and how it is checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

from host_platform import is_lock_held
from settings import Home
from store import database
from store.chained_log.export import Exporter
from store.chained_log.verify import PATIENCE_S, Check, Progress, VerifyResult
from store.execution_log.chain import EVENTS
from store.writer import Writer


class LogExporter(Exporter):
    """Keeps ``execution_log.jsonl`` up with the store. For one thread of the leader."""

    def __init__(
        self, log_file: Path, rotate_bytes: int, open_reader: Callable[[], sqlite3.Connection], writer: Writer
    ) -> None:
        super().__init__(EVENTS, log_file, rotate_bytes, open_reader, writer)


def verify(
    home: Home,
    *,
    progress: Progress | None = None,
    open_reader: Callable[[], sqlite3.Connection] | None = None,
    leader_runs: Callable[[], bool] | None = None,
    patience_s: float = PATIENCE_S,
) -> VerifyResult:
    """Check the whole log of a home. Raises `StoreError` where the store or a file cannot be read."""
    return Check(
        EVENTS,
        home.log_file,
        open_reader or partial(database.open_reader, home.database),
        leader_runs or partial(is_lock_held, home.leader_lock),
        patience_s,
    ).result(progress)
