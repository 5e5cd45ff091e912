"""Where the entries of a queue file stand, by line and column. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

from store.queue_file.entries import SECTIONS

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_scan: Final = json.JSONDecoder().raw_decode


class Place(NamedTuple):
    """A place in a text, both from 1."""

    line: int
    column: int


def places_of(data: bytes) -> dict[str, Place]:
    """Where each entry begins, by its id where it has one; the first where an id stands twice.

    Of what is no queue file, as much as can be read.
    """
    text = data.decode("utf-8-sig", "replace")
    found: dict[str, Place] = {}
    line, line_start, seen = 1, 0, 0
    for position, task_id in _entries(text):
        line += text.count("\n", seen, position)
        line_start = text.rfind("\n", 0, position) + 1
        seen = position
        found.setdefault(task_id, Place(line, position - line_start + 1))
    return found


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Position and id of every entry, in the order of the file."""
    try:
        at = _after(text, 0, "{")
        while text[at] == '"':
            key, at = _scan(text, at)
            at = _after(text, at, ":")
            if key in SECTIONS and text[at] == "[":
                at = yield from _entries_of_list(text, at)
            else:
                at = _scan(text, at)[1]
            at = _after(text, at, ",")
    except (ValueError, IndexError, RecursionError):
        return


def _entries_of_list(text: str, at: int) -> Generator[tuple[int, str], None, int]:
    """The same of the list that begins here; where the text goes on behind it."""
    at = _after(text, at, "[")
    while text[at] != "]":
        entry, end = _scan(text, at)
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            yield at, entry["id"]
        at = _space(text, end)
        if text[at] == ",":
            at = _space(text, at + 1)
    return at + 1


def _after(text: str, at: int, mark: str) -> int:
    """Behind a mark and the space around it. Raises `ValueError` where something else stands there."""
    at = _space(text, at)
    if text[at] != mark:
        raise ValueError(mark)
    return _space(text, at + 1)


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
