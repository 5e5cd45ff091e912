"""Texts cut to the width of a box. Pure.

The letters are drawn by whatever font the browser has: each is counted about as wide as it is in bold in the
widest of those that pages are shown in, so that a text that is said to fit does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

_NARROW: Final = frozenset("fijlrtI.,:;'|!()[]- ")
_WIDE: Final = frozenset("mwMW@%…—")
_ELLIPSIS: Final = "…"
#: Letters of a note that still say something.
_LEAST: Final = 5


def fitted(text: str, room: float, size: float) -> str:
    """The text, or as much of its beginning and its end as fits; ids that differ mostly do so at their end.

    Parameters:
        room: pixels that there are.
        size: height of the letters, in pixels.
    """
    if _width(text) * size <= room:
        return text
    left = room / size - _of(_ELLIPSIS)
    tail = _kept(text[::-1], left / 2)[::-1]
    return f"{_kept(text, left - _width(tail))}{_ELLIPSIS}{tail}"


def with_note(word: str, notes: Sequence[str], room: float, size: float) -> str:
    """The word whole, and behind it the first note that there is room for, or what fits of the last."""
    for note in notes:
        if _width(f"{word} · {note}") * size <= room:
            return f"{word} · {note}"
    left = room - _width(f"{word} · ") * size
    note = fitted(notes[-1], left, size) if notes and left > 0 else ""
    return f"{word} · {note}" if len(note) >= _LEAST else fitted(word, room, size)


def _kept(text: str, room: float) -> str:
    used = 0.0
    for place, letter in enumerate(text):
        used += _of(letter)
        if used > room:
            return text[:place]
    return text


def _width(text: str) -> float:
    return sum(map(_of, text))


def _of(letter: str) -> float:
    """How wide a letter is, in parts of its height."""
    if letter in _NARROW:
        return 0.42
    if letter in _WIDE or unicodedata.east_asian_width(letter) in "WF":
        return 1.1
    return 0.76 if letter.isupper() else 0.7
