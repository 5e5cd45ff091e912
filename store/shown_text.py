"""A text that a person decides on, to be read to its end: how long it is, and its blanks by their number.

Whoever wrote it must not be able to hide its end below thousands of empty lines, nor to write words that pass
for Skep's. So a text is told in parts, and which of them are Skep's own notes is said beside the words, never
within them; every face shows the two apart. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from unseen import blank_runs

#: Blank lines that stand as they are; more are told by their number.
_MOST_LINES: Final = 3
#: Blank characters within a line that stand as they are: wrapped, more look like blank lines.
_MOST_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a text, or a note of Skep's that stands between."""

    text: str
    is_note: bool = False


def length_of(chars: int, lines: int) -> str:
    """How long a text is, in words; `lines` counts the last one too."""
    return f"{_number(chars, 'character')} in {_number(lines, 'line')}"


def told(text: str) -> dict[str, Any]:
    """A whole text for the faces: its length and its parts; neither where it is empty."""
    length = length_of(len(text), lines_of(text)) if text else ""
    return as_told(length, [Part(text)] if text else [])


def as_told(length: str, parts: Iterable[Part]) -> dict[str, Any]:
    """Parts for the faces, with their blanks folded."""
    folded = [each for part in parts for each in ([part] if part.is_note else fold(part.text))]
    return {
        "about_length": length,
        "about_parts": [{"text": each.text, "is_note": each.is_note} for each in folded],
    }


def lines_of(text: str) -> int:
    """The lines of a text; what follows the last end of a line is one where it is anything."""
    return text.count("\n") + (not text.endswith("\n") and bool(text))


def fold(text: str) -> Iterator[Part]:
    """The text with a note in place of every long run of blanks."""
    start = 0
    for found in blank_runs().finditer(text):
        note = _note_of(found[0], is_first=found.start() == 0)
        if not note:
            continue
        if found.start() > start:
            yield Part(text[start : found.start()])
        yield Part(note, is_note=True)
        start = found.end() - len(_indent_of(found[0]))
    if text[start:]:
        yield Part(text[start:])


def _note_of(blanks: str, *, is_first: bool) -> str:
    """What stands in place of a run of blanks; empty where it is short enough to stand as it is."""
    lines, hidden = blanks.count("\n") - (not is_first), len(blanks) - sum(map(str.isspace, blanks))
    if lines > _MOST_LINES:
        more = f", with {_number(hidden, 'invisible character')}" if hidden else ""
        return f"{_number(lines, 'blank line')} here{more}"
    more = f", {hidden:,} of them invisible" if hidden else ""
    return f"{_number(len(blanks), 'blank character')} here{more}" if len(blanks) > _MOST_CHARS else ""


def _indent_of(blanks: str) -> str:
    """The blanks before what follows in its line, where they are few."""
    _, newline, indent = blanks.rpartition("\n")
    return indent if newline and len(indent) <= _MOST_CHARS else ""


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
