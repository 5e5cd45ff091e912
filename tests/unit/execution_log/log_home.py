"""A home with a real store, for tests of the log."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clock import SystemClock
from settings import Home
from store import database
from store.execution_log import LogExporter, LogFiles, VerifyResult, verify
from store.transaction import Transaction
from store.writer import Writer


class LogHome:
    """A home, its writer, and what its log holds."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        database.prepare_state_directory(self.home.state)
        self.writer = Writer(self.home.database, SystemClock())
        self.log = self.home.log_file
        self.open_reader = functools.partial(database.open_reader, self.home.database)

    def emit(self, count: int = 1, **fields: Any) -> None:
        """Let something happen."""

        def write(tx: Transaction) -> None:
            for number in range(count):
                told = fields or {"reason": f"because of {number}: ß\n\u2028", "exit_code": number}
                tx.emit("task.failed", task_id=f"task-{number}", status="failed", attempt=1, **told)

        self.writer.run(write)

    def exporter(self, rotate_bytes: int = 2**40) -> LogExporter:
        """A new exporter, as after a start of the daemon."""
        return LogExporter(self.log, rotate_bytes, self.open_reader, self.writer)

    def export(self, rotate_bytes: int = 2**40) -> None:
        """What a daemon does that starts, exports and stops in good order."""
        exporter = self.exporter(rotate_bytes)
        exporter.export_new()
        exporter.close()

    def files(self) -> list[Path]:
        """The files of the log, oldest first."""
        found = [each.path for each in LogFiles(self.log).rotated()]
        return [*found, self.log] if self.log.exists() else found

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line of every file."""
        for path in self.files():
            yield from map(json.loads, path.read_bytes().splitlines())

    def seqs(self) -> list[int]:
        """The events the log holds."""
        return [line["seq"] for line in self.lines()]

    def last_seq(self) -> int:
        """The newest event of the store."""
        return int(self.writer.run(lambda tx: tx.run("last_event_seq").fetchone()["seq"]))

    def meta(self, key: str) -> str | None:
        """A fact about the home."""
        return self.writer.run(lambda tx: tx.meta(key))

    def set_meta(self, key: str, value: str) -> None:
        """Change a fact about the home."""
        self.writer.run(lambda tx: tx.set_meta(key, value))

    def repairs(self) -> list[dict[str, Any]]:
        """What the store says was repaired."""
        with_events = self.open_reader()
        rows = with_events.execute(
            "SELECT data FROM event WHERE event = 'log.repaired' ORDER BY seq"
        ).fetchall()
        with_events.close()
        return [json.loads(row["data"]) for row in rows]

    def verify(self, **options: Any) -> VerifyResult:
        """Check the log."""
        return verify(self.home, **{"patience_s": 0.05, **options})

    def is_whole(self) -> bool:
        """The log holds every event of the store once and in order, and the check agrees."""
        result = self.verify()
        assert result.ok, result
        return self.seqs() == list(range(1, self.last_seq() + 1))

    def close(self) -> None:
        """Let the store go."""
        self.writer.close()
