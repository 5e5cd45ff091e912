"""What a task printed or a model answered, a piece at a time, also while it is being written.

A piece is cut anywhere, and a secret may lie across the cut. So each is cleaned together with what stands
before and behind it, and only then cut; of an output that is still being written, what could be the beginning
of a secret is held back until more of it is there.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from errors import NotFound
from panel.context import Panel
from panel.words import plain
from redaction import MOST_HELD, StreamRedactor, clean, open_key
from store.outputs import note_at_end, open_live, open_output, own_bytes

#: Bytes of a piece where nothing is said, and at most.
PIECE_BYTES: Final = 64 * 1024
MOST_BYTES: Final = 256 * 1024
#: Bytes around a piece that are looked at with it: as many as a stream holds back of a private key.
_AROUND: Final = MOST_HELD
#: Bytes before those in which the beginning of a private key is looked for, where a piece may lie amid one.
_FAR: Final = 1024 * 1024
#: What a private key and its line ends are made of.
_OF_KEYS: Final = b"".join(bytes([code]) for code in range(128) if chr(code).isalnum()) + b"+/=:,. \t\r\n-\\"
#: Attempts whose outputs are offered, the newest.
_MOST_OFFERED: Final = 50
_BLOCK: Final = 64 * 1024
#: How what stands in a secret's place begins.
_MARK: Final = "[redacted:"
#: The piece of a task that has no output yet.
NOTHING: Final[dict[str, Any]] = {
    "lease": None,
    "attempt": None,
    "is_live": False,
    "bytes": 0,
    "cut": 0,
    "offset": 0,
    "next": 0,
    "text": "",
}


@dataclass(frozen=True)
class Opened:
    """The output of an attempt, open to be read."""

    file: BinaryIO
    size: int
    #: whether more of it may come
    is_live: bool
    lease: int
    attempt: int
    #: bytes that were not kept; the note about them behind `size` is not the output's own
    cut: int = 0


def offered(here: Panel, row: sqlite3.Row) -> list[dict[str, Any]]:
    """The attempts that have an output or are at writing one, newest first."""
    rows = here.reader.all("newest_attempts", task=row["seq"], limit=_MOST_OFFERED)
    return [
        {"lease": each["lease"], "attempt": each["attempt"], "became": each["became"]}
        for each in rows
        if each["outcome"] is not None or _is_running(row, each)
    ]


def open_of(here: Panel, row: sqlite3.Row, lease: int | None) -> Opened:
    """Open the output of the attempt under a lease, or of the newest that has one. Raises `NotFound`."""
    known = [each["lease"] for each in offered(here, row)]
    wanted = known[0] if lease is None and known else lease
    attempt = None if wanted not in known else here.reader.one("get_attempt", id=row["id"], lease=wanted)
    if attempt is None:
        raise NotFound("It has no output yet." if lease is None else "No such attempt has an output.")
    if attempt["outcome"] is None:
        try:
            return _opened(open_live(here.home.outputs, f"{row['seq']}-{wanted}"), attempt, is_live=True)
        except NotFound:
            return _just_stored(here, row, attempt)
    return _stored(here, attempt)


def _just_stored(here: Panel, row: sqlite3.Row, attempt: sqlite3.Row) -> Opened:
    """An output whose live file is not there: it was stored a moment ago, or nothing was written so far."""
    again = here.reader.one("get_attempt", id=row["id"], lease=attempt["lease"])
    if again is not None and again["outcome"] is not None:
        return _stored(here, again)
    return _opened(io.BytesIO(), attempt, is_live=_is_running(row, attempt))


def _stored(here: Panel, attempt: sqlite3.Row) -> Opened:
    outcome = json.loads(attempt["outcome"])
    if outcome.get("output_ref"):
        return _opened(open_output(here.home.outputs, outcome["output_ref"]), attempt, is_live=False)
    return _opened(io.BytesIO(str(outcome.get("output") or "").encode()), attempt, is_live=False)


def _opened(file: BinaryIO, attempt: sqlite3.Row, *, is_live: bool) -> Opened:
    outcome = json.loads(attempt["outcome"]) if attempt["outcome"] else {}
    cut = outcome.get("output_cut") or 0
    size, own = file.seek(0, os.SEEK_END), own_bytes(outcome)
    own_size = size if own is None else min(size, own)
    return Opened(file, own_size, is_live, attempt["lease"], attempt["attempt"], cut)


def _is_running(row: sqlite3.Row, attempt: sqlite3.Row) -> bool:
    return bool(row["state"] == "running" and row["lease"] == attempt["lease"])


def piece_of(opened: Opened, start: int | None, most: int = PIECE_BYTES) -> dict[str, Any]:
    """A piece of an output from a byte on, the end of it where none is named; `next` is where it goes on.

    It never goes back amid an output that is being written: between the end of its live file and the record
    of its outcome nothing of it can be read, and whoever has read so far goes on there.
    """
    with closing(opened.file):
        if start is not None and opened.is_live and start > opened.size:
            return _piece(opened, start, start, "")
        begin = _last_lines(opened, most) if start is None else min(start, opened.size)
        text, end = _read(opened, begin, min(begin + most, opened.size))
    return _piece(opened, begin, end, plain(text))


def text_within(opened: Opened, begin: int, end: int) -> str:
    """The text of some bytes without secrets, the file left open."""
    return _read(opened, begin, end)[0]


def _piece(opened: Opened, begin: int, end: int, text: str) -> dict[str, Any]:
    return {
        "lease": opened.lease,
        "attempt": opened.attempt,
        "is_live": opened.is_live,
        "bytes": max(opened.size, end),
        "cut": opened.cut,
        "offset": begin,
        "next": end,
        "text": text,
    }


def _last_lines(opened: Opened, most: int) -> int:
    """Where the last whole lines begin that a piece has room for; amid a line that has none itself."""
    begin = max(0, opened.size - most)
    if begin == 0:
        return 0
    opened.file.seek(begin)
    line_end = opened.file.read(most).find(b"\n")
    return begin + line_end + 1 if 0 <= line_end < opened.size - begin - 1 else begin


def _read(opened: Opened, begin: int, end: int) -> tuple[str, int]:
    """The text of some bytes without secrets, and where it ends, which is earlier amid a character."""
    before = max(0, begin - _AROUND)
    opened.file.seek(before)
    data = opened.file.read(end - before + _AROUND)
    if opened.is_live and end == opened.size:
        redactor = StreamRedactor()
        redactor.feed(data[: end - before])
        end = max(begin, end - max(redactor.held, note_at_end(data[: end - before])))
        data = data[: end - before]
    begin, end = (_whole(data, place - before) + before for place in (begin, end))
    head, tail = _decoded(data[: begin - before]), _decoded(data[end - before :])
    head = _key_before(opened, before, data[: begin - before]) + head
    return _within(head, _decoded(data[begin - before : end - before]), tail), end


def _key_before(opened: Opened, before: int, head: bytes) -> str:
    """How the private key begins that all before a piece is amid of; empty where there is none."""
    if before == 0 or head.translate(None, _OF_KEYS):
        return ""
    far = max(0, before - _FAR)
    opened.file.seek(far)
    return open_key(_decoded(opened.file.read(before - far) + head))


def _whole(data: bytes, place: int) -> int:
    """The place, or where the character begins that it lies in (RFC 3629: 10xxxxxx goes on with one)."""
    for back in range(min(4, place + 1)):
        if place - back >= len(data) or data[place - back] & 0xC0 != 0x80:
            return place - back
    return place


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _within(head: str, text: str, tail: str) -> str:
    """A text cleaned with what stands around it; a secret across a cut shows as its mark."""
    told, before, behind = clean(head + text + tail), clean(head), clean(tail)
    start = _shared(told, before)
    rest = told[_mark_at(told, start)[0] :]
    end = len(rest) - _shared(rest[::-1], behind[::-1])
    return rest[: _mark_at(rest, end)[1]]


def _mark_at(told: str, place: int) -> tuple[int, int]:
    """Where the mark begins and ends that a place lies in; the place itself where it lies in none."""
    begin = told.rfind(_MARK, 0, place)
    if begin < 0 or "]" in told[begin:place]:
        return place, place
    return begin, told.find("]", place) + 1 or place


def _shared(one: str, other: str) -> int:
    """How many letters two texts begin with that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def whole_of(opened: Opened) -> Iterator[bytes]:
    """All of an output as far as it is, without secrets, every other byte as it was; the caller closes it."""
    redactor = StreamRedactor()
    opened.file.seek(0)
    left = opened.size
    while left > 0 and (block := opened.file.read(min(_BLOCK, left))):
        left -= len(block)
        yield redactor.feed(block)
    yield redactor.finish()
