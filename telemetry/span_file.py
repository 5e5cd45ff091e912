"""Spans in files of the home: a line of OTLP in JSON for each batch, as collectors read them.

The format is that of OpenTelemetry's file exporter (opentelemetry.io/docs/specs/otel/protocol/file-exporter),
so a collector's `otlpjsonfile` receiver takes the files up. They belong to this user alone and are bounded: a
full one is put aside, and the oldest of these goes.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from telemetry import names
from telemetry.span import Span, otlp_attributes

#: Full files that stay beside the one that is written.
KEPT_BEFORE: Final = 3
_APPEND: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SpanFile:
    """Takes spans into ``spans.jsonl`` of a folder.

    Parameters:
        most_bytes: of a file before it is put aside.
    """

    def __init__(self, folder: Path, most_bytes: int, version: str) -> None:
        self.path = folder / "spans.jsonl"
        self._most_bytes = most_bytes
        self._resource = {names.SERVICE_NAME: "skep", names.SERVICE_VERSION: version}

    def write(self, spans: Sequence[Span]) -> None:
        """Append a batch, whole or not at all. Raises `OSError`."""
        line = json.dumps(self._batch(spans), ensure_ascii=False, separators=(",", ":"))
        data = line.encode("utf-8", "replace") + b"\n"
        self._turn_over(len(data))
        handle = os.open(self.path, _APPEND, 0o600)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"{self.path} is not a plain file of yours")
            os.fchmod(handle, 0o600)
            if found.st_size and os.pread(handle, 1, found.st_size - 1) != b"\n":
                data = b"\n" + data  # a crash left half a line, which is ended here
            _append(handle, data, found.st_size)
        finally:
            os.close(handle)

    def _batch(self, spans: Sequence[Span]) -> dict[str, Any]:
        scope = {"scope": {"name": names.SCOPE}, "spans": [span.as_otlp() for span in spans]}
        resource = {"attributes": otlp_attributes({**self._resource})}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}

    def _turn_over(self, coming: int) -> None:
        """Put a file aside that would become too long."""
        try:
            size = self.path.lstat().st_size
        except FileNotFoundError:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            return
        if size + coming <= self._most_bytes:
            return
        for number in range(KEPT_BEFORE, 0, -1):
            older = self.path if number == 1 else self._aside(number - 1)
            if older.exists():
                older.replace(self._aside(number))

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"spans.{number}.jsonl")


def _append(handle: int, data: bytes, size: int) -> None:
    """Write all of it; where that cannot be, as on a full disk, leave the file as it was."""
    try:
        while data:
            data = data[os.write(handle, data) :]
    except OSError:
        os.ftruncate(handle, size)
        raise
