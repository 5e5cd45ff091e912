"""Finding a text in all of an output, also where a page has loaded only a part of it.

It is looked for in what a page would show: without secrets, so that nobody can find out by asking what stands
in a secret's place, and the same whether letters are large or small. Only plain text is looked for. A piece
at a time is read, for so long; who asked goes on where that came to.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, Literal

from panel.task_output import MOST_BYTES, PIECE_BYTES, Opened, text_within
from panel.words import plain

Way = Literal["next", "previous"]
WAYS: Final[tuple[Way, ...]] = ("next", "previous")
#: Characters that may be looked for.
MOST_WANTED: Final = 200
#: Seconds for which one request looks.
FIND_S: Final = 0.25
#: Bytes behind a piece that are read with it, for a text across its end (RFC 3629: four a character).
OVERLAP: Final = 4 * MOST_WANTED
#: Codes of a terminal as a page spells them out, which it leaves out unless asked; as in `task_output.js`.
_CODES: Final = re.compile(
    "\u241b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\u2407\u241b\n]*(?:\u2407|\u241b\\\\)|[@-Z\\\\^_])|\u240d(?=\n)"
)
#: The letters whose small ones are longer, or depend on what stands beside them (Unicode, SpecialCasing.txt).
_SPECIAL: Final = {"\u0130": "i", "\u03a3": "\u03c3", "\u03c2": "\u03c3"}


def folded(text: str) -> str:
    """The text with large and small letters alike, each where it stood; as in `output_folding.js`.

    Were a letter's small one longer, a page could not tell the place of a hit behind it.
    """
    for letter, small in _SPECIAL.items():
        text = text.replace(letter, small)
    return text.lower()


def find_in(
    opened: Opened,
    wanted: str,
    start: int | None,
    way: Way,
    *,
    with_codes: bool = False,
    for_s: float = FIND_S,
) -> dict[str, Any]:
    """Where the next piece begins that holds the text, from a byte on or before one.

    `at` is that place; none where there is none, or where the time was up: then `next` is where to go on.
    """
    end = time.monotonic() + for_s
    sought = folded(wanted)
    with closing(opened.file):
        for begin, stop in _parts(opened.size, start, way):
            if _holds(opened, begin, stop, sought, with_codes=with_codes):
                at = _piece_with(opened, (begin, stop), sought, way, with_codes=with_codes)
                return _told(opened, at, None)
            if time.monotonic() >= end:
                return _told(opened, None, _further(opened.size, begin, stop, way))
    return _told(opened, None, None)


def _parts(
    size: int, start: int | None, way: Way, most: int = MOST_BYTES, first: int = 0
) -> Iterator[tuple[int, int]]:
    """The parts from a byte on to the end, or before it back to the first."""
    if way == "next":
        yield from ((at, min(at + most, size)) for at in range(start or first, size, most))
        return
    before = size if start is None else min(start, size)
    yield from ((max(first, at - most), at) for at in range(before, first, -most))


def _piece_with(opened: Opened, part: tuple[int, int], sought: str, way: Way, *, with_codes: bool) -> int:
    """Where the piece of a part begins that has the hit: parts are large, so that less is read twice."""
    begin, stop = part
    pieces = _parts(stop, None, way, PIECE_BYTES, begin)
    found = (at for at, end in pieces if _holds(opened, at, end, sought, with_codes=with_codes))
    return next(found, begin)


def _holds(opened: Opened, begin: int, stop: int, sought: str, *, with_codes: bool) -> bool:
    """Whether a hit begins within a piece, though it may end behind it."""
    place = _shown(opened, begin, min(stop + OVERLAP, opened.size), with_codes=with_codes).find(sought)
    if place < 0 or stop >= opened.size:
        return place >= 0
    return place < len(_shown(opened, begin, stop, with_codes=with_codes))


def _shown(opened: Opened, begin: int, end: int, *, with_codes: bool) -> str:
    text = plain(text_within(opened, begin, end))
    return folded(text if with_codes else _CODES.sub("", text))


def _further(size: int, begin: int, stop: int, way: Way) -> int | None:
    """Where to go on; none where all was looked through."""
    if way == "next":
        return stop if stop < size else None
    return begin or None


def _told(opened: Opened, at: int | None, following: int | None) -> dict[str, Any]:
    return {
        "lease": opened.lease,
        "attempt": opened.attempt,
        "bytes": opened.size,
        "at": at,
        "next": following,
    }
