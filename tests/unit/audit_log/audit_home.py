"""A home with a real store, for tests of the audit."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settings import Home, Settings
from store import database
from store.audit_log import AUDIT_CHECKPOINT, AuditExporter, Checkpoint, verify
from store.chained_log.files import LogFiles
from store.chained_log.verify import VerifyResult
from store.transaction import Transaction
from store.writer import Writer
from testing.clock import FakeClock


class AuditHome:
    """A home, its writer, and what its audit holds."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.home = Home(root)
        self.clock = FakeClock()
        self.settings = Settings(**settings)
        database.prepare_state_directory(self.home.state)
        self.writer = Writer(self.home.database, self.clock)
        self.file = self.home.audit_file
        self.open_reader = functools.partial(database.open_reader, self.home.database)

    def decide(self, count: int = 1, **fields: Any) -> None:
        """Let decisions be made, a second apart from the ones before."""
        self.clock.advance(1)

        def write(tx: Transaction) -> None:
            for number in range(count):
                told = fields or {"reason": f"because of {number}: ß\n\u2028"}
                tx.audit("execution", "allowed", actor="swarm", task_id=f"t{number}", lease=1,
                         digest="ab" * 32, cost_micros=number, **told)  # fmt: skip

        self.writer.run(write)

    def exporter(self, **settings: Any) -> AuditExporter:
        """A new exporter, as after a start of the daemon."""
        chosen = self.settings.model_copy(update=settings)
        return AuditExporter(self.home, chosen, self.open_reader, self.writer, self.clock)

    def export(self, **settings: Any) -> None:
        """What a daemon does that starts, exports and stops in good order."""
        exporter = self.exporter(**settings)
        exporter.export_new()
        exporter.close()

    def files(self) -> list[Path]:
        """The files of the audit, oldest first."""
        found = [each.path for each in LogFiles(self.file).rotated()]
        return [*found, self.file] if self.file.exists() else found

    def raw(self) -> list[bytes]:
        """Every line of every file."""
        return [line for path in self.files() for line in path.read_bytes().splitlines(keepends=True)]

    def records(self) -> list[dict[str, Any]]:
        """Every record of every file."""
        return [json.loads(line) for line in self.raw()]

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the store."""
        return self._query("SELECT * FROM audit ORDER BY seq")

    def repairs(self) -> list[dict[str, Any]]:
        """What the audit says was repaired."""
        return [json.loads(row["data"]) for row in self.rows() if row["event"] == "recovered"]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the history says of a kind."""
        rows = self._query(f"SELECT * FROM event WHERE event = '{kind}' ORDER BY seq")
        return [json.loads(row["data"]) for row in rows]

    def meta(self, key: str) -> str | None:
        """A fact about the home."""
        return self.writer.run(lambda tx: tx.meta(key))

    @property
    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint."""
        found = Checkpoint.of_fact(json.loads(self.meta(AUDIT_CHECKPOINT) or "null"))
        assert found is not None
        return found

    def verify(self, checkpoint: Checkpoint | None = None, **options: Any) -> VerifyResult:
        """Check the audit."""
        return verify(self.home, checkpoint=checkpoint, **{"patience_s": 0.05, **options})

    def is_whole(self) -> bool:
        """The file holds every record of the store once and in order, and the check agrees."""
        result = self.verify()
        assert result.ok, result
        return [record["seq"] for record in self.records()] == [row["seq"] for row in self.rows()]

    def close(self) -> None:
        """Let the store go."""
        self.writer.close()

    def _query(self, text: str) -> list[dict[str, Any]]:
        with contextlib.closing(self.open_reader()) as connection:
            return [dict(row) for row in connection.execute(text)]


@contextlib.contextmanager
def audit_home_at(root: Path, **settings: Any) -> Iterator[AuditHome]:
    """A home that is let go at the end."""
    opened = AuditHome(root, **settings)
    try:
        yield opened
    finally:
        opened.close()
