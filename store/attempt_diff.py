"""Two attempts of a task beside each other: what each printed or answered, and where they differ."""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from errors import NotFound
from redaction import clean
from store.outputs import own_bytes, read_output
from store.reading import Reader


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an output is compared; comparing takes the square of the lines at worst."""

    bytes: int
    lines: int


#: For a person who waits for it, and for a page that must not keep others waiting.
FOR_A_TERMINAL: Final = Bounds(512 * 1024, 3000)
FOR_A_PAGE: Final = Bounds(128 * 1024, 1000)
#: Characters of a line that a page shows.
_LINE_CHARS: Final = 2000


def choose(reader: Reader, row: sqlite3.Row, named: tuple[int, int] | None) -> list[sqlite3.Row]:
    """Two attempts that came to a result, the older first: the named, or the newest. Raises `NotFound`."""
    ended = {each["attempt"]: each for each in reader.attempts(row["seq"]) if each["outcome"] is not None}
    wanted = named or tuple(sorted(ended)[-2:])
    for number in wanted:
        if number not in ended:
            raise NotFound(f"{row['id']} has no attempt {number} that came to a result.", task_id=row["id"])
    if len(wanted) < 2:
        raise NotFound(
            f"{row['id']} has {len(ended)} attempts that came to a result; two are needed.", task_id=row["id"]
        )
    return [ended[number] for number in wanted]


def text_of(outputs_dir: Path, outcome: dict[str, Any], bounds: Bounds) -> tuple[str, bool]:
    """What an attempt printed or answered, without secrets, and whether it was longer."""
    ref = outcome.get("output_ref")
    if ref is None:
        return clean(str(outcome.get("output") or "")), False
    own = own_bytes(outcome)
    data = read_output(outputs_dir, ref, bounds.bytes + 1)[:own]
    lines = data[: bounds.bytes].decode("utf-8", errors="replace").splitlines(keepends=True)
    is_longer = own is not None or len(data) > bounds.bytes or len(lines) > bounds.lines
    return clean("".join(lines[: bounds.lines])), is_longer


def unified(old: str, new: str, names: tuple[str, str]) -> Iterator[str]:
    """Changed lines below each other, as ``diff -u`` has them."""
    return difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")


def pairs(old: list[str], new: list[str]) -> Iterator[tuple[str | None, str | None]]:
    """The lines of both, those that belong together in one pair; none where one side has no such line."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > 300)
    for _, first, last, start, end in matcher.get_opcodes():
        for at in range(max(last - first, end - start)):
            left = old[first + at] if first + at < last else None
            right = new[start + at] if start + at < end else None
            yield left, right


def comparison(
    reader: Reader, outputs_dir: Path, row: sqlite3.Row, named: tuple[int, int] | None, bounds: Bounds
) -> dict[str, Any]:
    """Two attempts as a page shows them: each in short, and their lines side by side. Raises `NotFound`."""
    sides = [_side(outputs_dir, each, bounds) for each in choose(reader, row, named)]
    texts = [side.pop("output").splitlines() for side in sides]
    lines = [
        {"old": _shortened(left), "new": _shortened(right), "is_same": left == right}
        for left, right in pairs(*texts)
    ]
    return {"old": sides[0], "new": sides[1], "lines": lines}


def _side(outputs_dir: Path, row: sqlite3.Row, bounds: Bounds) -> dict[str, Any]:
    outcome = json.loads(row["outcome"])
    text, is_cut = text_of(outputs_dir, outcome, bounds)
    names = ("status", "model", "exit_code", "cost_micros", "result")
    return {
        "attempt": row["attempt"],
        "became": row["became"],
        "findings": [clean(str(each)) for each in json.loads(row["findings"] or "[]")],
        **{name: outcome.get(name) for name in names},
        "output": text,
        "is_cut": is_cut,
    }


def _shortened(line: str | None) -> str | None:
    return line if line is None or len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]} …"
