"""The result that a person is asked about: read from where it is kept by its hash, never its beginning alone.

What an answer lets count is the whole result, so its end must be seen as well as its beginning: of a long one
both are shown, with how much is left out between them and the command that prints all of it. The hash stands
in the question's bytes, so that an answer binds to the whole. Control characters stay; every face makes them
seen. What Skep says about the result stands in notes of its own (`store.shown_text`), apart from its words.
"""

from __future__ import annotations

import codecs
import json
import os
import shlex
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from errors import NotFound, StoreError
from outcome import Outcome
from redaction import clean
from store.ending import read_result
from store.outputs import open_output, own_bytes
from store.shown_text import Part, as_told, length_of, lines_of

#: Characters of a result that are shown: half of them its beginning, half its end.
MOST_CHARS: Final = 20_000
#: Characters of a result that stand in the question's own bytes.
_HEAD_CHARS: Final = 2_000
_HALF: Final = MOST_CHARS // 2
#: Bytes that hold a half (RFC 3629: four a character), and as much beside it as a secret is long.
_PIECE: Final = 4 * _HALF + 8192
#: Bytes of an output whose characters are counted; of a longer one its bytes are told.
_COUNTED: Final = 16 * 1024 * 1024
_BLOCK: Final = 1024 * 1024


def bytes_about(outcome: Outcome) -> dict[str, Any]:
    """What the question's bytes hold of a result: hash and beginning, or all of it where it has no hash."""
    text = outcome.output or ""
    if outcome.output_ref is None:
        return {"output_ref": None, "output": text}
    head = text[:_HEAD_CHARS]
    if len(head.encode("utf-8", "replace")) != (outcome.output_bytes or 0):
        head += "\n[not all of it: output_ref is the SHA-256 of the whole]"
    return {"output_ref": outcome.output_ref, "output": head}


@dataclass(frozen=True, slots=True)
class Result:
    """A result as it is shown: how long all of it is, and its parts with Skep's notes between them."""

    length: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """All that is shown as one text, each note in brackets."""
        return "\n\n".join(f"[{part.text}]" if part.is_note else part.text for part in self.parts)

    def told(self) -> dict[str, Any]:
        """For the faces: the text, its length, and its parts with their blanks folded."""
        return {"about": self.text} | as_told(self.length, self.parts)


def result_of(outputs: Path, decision: sqlite3.Row, task: sqlite3.Row | None) -> Result:
    """The result that a review asks about, without secrets; empty for any other question."""
    if decision["kind"] != "review":
        return Result()
    payload = json.loads(decision["payload"])
    more = _command(decision["task_id"], payload)
    if payload.get("output_ref"):
        try:
            kept, cut = _bytes_kept(payload, task)
            with closing(open_output(outputs, payload["output_ref"])) as file:
                found = _shown(file, file.seek(0, os.SEEK_END) if kept is None else kept, more)
            return _with_cut(found, cut) if cut else found
        except (NotFound, StoreError, OSError) as error:
            note = f"the result cannot be read; what follows is not all of it: {error}"
            return Result("not known", (Part(note, is_note=True), *_cut(_kept(payload, task), more).parts))
    return _cut(_kept(payload, task), more)


def _bytes_kept(payload: Mapping[str, Any], task: sqlite3.Row | None) -> tuple[int | None, int]:
    """How many bytes of the file are the output's own (none: all), and how many were over the cap."""
    result = {} if task is None else read_result(task)
    if result.get("output_ref") != payload["output_ref"] or not result.get("output_cut"):
        return None, 0
    return own_bytes(result), result["output_cut"]


def _with_cut(found: Result, cut: int) -> Result:
    """The same, with what was over the cap told of beside it, and not in words that anybody could print."""
    more = f"{cut:,} more bytes of it were not kept"
    return Result(f"{found.length}; {more}", (*found.parts, Part(more, is_note=True)))


def _kept(payload: Mapping[str, Any], task: sqlite3.Row | None) -> str:
    kept = {} if task is None else read_result(task)
    told = payload.get("output") or payload.get("result") or kept.get("output") or kept.get("result") or ""
    return clean(str(told))


def _command(task_id: str | None, payload: Mapping[str, Any]) -> str:
    """What prints all of it."""
    attempt = f" --attempt {payload['attempt']}" if isinstance(payload.get("attempt"), int) else ""
    return f"skep log {shlex.quote(task_id or '')}{attempt}"


def _shown(file: BinaryIO, size: int, more: str) -> Result:
    if size <= 2 * _PIECE:
        return _cut(_text(file, 0, size), more)
    begin, end = _text(file, 0, 2 * _PIECE)[:_HALF], _text(file, size - _PIECE, size)[-_HALF:]
    if size > _COUNTED:
        left = f"{size - len(begin.encode()) - len(end.encode()):,} bytes"
        return _joined(f"{size:,} bytes", begin, left, end, more)
    chars, lines = _count(file, size)
    return _joined(length_of(chars, lines), begin, f"{chars - len(begin) - len(end):,} characters", end, more)


def _text(file: BinaryIO, start: int, end: int) -> str:
    file.seek(start)
    return clean(file.read(end - start).decode("utf-8", "replace"))


def _count(file: BinaryIO, size: int) -> tuple[int, int]:
    """The characters of so many bytes of the file, and their lines."""
    decoder, chars, ends, block = codecs.getincrementaldecoder("utf-8")("replace"), 0, 0, b""
    file.seek(0)
    for block in iter(lambda: file.read(min(_BLOCK, size - file.tell())), b""):
        chars += len(decoder.decode(block))
        ends += block.count(b"\n")
    return chars, ends + (not block.endswith(b"\n"))


def _cut(text: str, more: str) -> Result:
    if not text:
        return Result()
    length, left = length_of(len(text), lines_of(text)), len(text) - 2 * _HALF
    if left <= 0:
        return Result(length, (Part(text),))
    return _joined(length, text[:_HALF], f"{left:,} characters", text[-_HALF:], more)


def _joined(length: str, begin: str, left: str, end: str, more: str) -> Result:
    note = Part(f"{left} are left out here; all of it: {more}", is_note=True)
    return Result(length, (Part(begin), note, Part(end)))
