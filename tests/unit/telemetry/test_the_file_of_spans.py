"""A batch is a whole line or none, whatever the disk and crashes do, and no link leads it elsewhere."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from telemetry.span import Span
from telemetry.span_file import SpanFile

SPAN = Span("task", "1" * 32, "2" * 16, None, 5.0, 4.0, {"n": 3, "yes": True, "f": 0.5, "l": ["a"], "t": "ü"})


def test_a_line_is_otlp_in_json(tmp_path: Path) -> None:
    file = SpanFile(tmp_path, 10_000, "1.0")
    file.write([SPAN])

    (resource,) = json.loads(file.path.read_text("utf-8"))["resourceSpans"]
    (span,) = resource["scopeSpans"][0]["spans"]
    values = {each["key"]: each["value"] for each in span["attributes"]}
    assert values == {
        "n": {"intValue": "3"}, "yes": {"boolValue": True}, "f": {"doubleValue": 0.5},
        "l": {"arrayValue": {"values": [{"stringValue": "a"}]}}, "t": {"stringValue": "ü"},
    }  # fmt: skip
    # The clock was set back: a span never ends before it begins.
    assert span["startTimeUnixNano"] == span["endTimeUnixNano"] == "5000000000"
    assert "parentSpanId" not in span


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpanFile(tmp_path, 10_000, "1.0")
    file.write([SPAN])
    before = file.path.read_bytes()
    written: list[int] = []
    write = os.write

    def half(handle: int, data: bytes) -> int:
        if written:
            raise OSError(errno.ENOSPC, "no room")
        written.append(write(handle, data[:20]))
        return written[0]

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="no room"):
        file.write([SPAN])
    monkeypatch.undo()

    assert file.path.read_bytes() == before


def test_half_a_line_that_a_crash_left_is_ended(tmp_path: Path) -> None:
    file = SpanFile(tmp_path, 10_000, "1.0")
    file.path.write_text('{"resourceSp')
    file.write([SPAN])

    half, whole, end = file.path.read_text("utf-8").split("\n")
    assert (half, end) == ('{"resourceSp', "")
    assert json.loads(whole)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    file = SpanFile(tmp_path / "traces", 10_000, "1.0")
    file.path.parent.mkdir()
    file.path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        file.write([SPAN])

    assert not (tmp_path / "elsewhere").exists()
