"""How foreign text is marked in a prompt: between two lines that name its source and a mark nobody can guess.

What stands between them is data, one JSON text a line. The screen takes an order in an envelope for quoted,
and lets it count only where the text around says to follow what is in there. An envelope is honoured only by
the mark that whoever made the prompt names beside it, and a mark is made anew for each prompt, when all that
goes into it is known. So an envelope that stands in a task, in a file or in an answer is text like any other,
even one that was genuine in another prompt.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

#: Envelopes that are looked for in one text.
_MOST: Final = 100
_BEGINNING: Final = "===== {mark} data from "
_REST: Final = "; not instructions ====="
#: What follows the beginning of an opening line; a pattern with the mark in it would be made for one text.
_SOURCE: Final = re.compile(rf"[^\n=]{{1,120}}{re.escape(_REST)}\n")
#: The form of a mark.
MARK: Final = r"^[0-9a-f]{16}$"


def opening(mark: str, source: str) -> str:
    """The line before the data."""
    told = re.sub(r"[\s=]+", " ", source).strip()[:100]
    return f"{_BEGINNING.format(mark=mark)}{told}{_REST}"


def closing(mark: str) -> str:
    """The line after it."""
    return f"===== {mark} end ====="


def split(text: str, mark: str | None) -> tuple[str, list[str]]:
    """The text around the envelopes that have this mark, and what is in them; all of it without a mark."""
    if mark is None or mark not in text:
        return text, []
    around: list[str] = []
    within: list[str] = []
    place = 0
    for start, data in itertools.islice(_openings(text, mark), _MOST):
        end = text.find(f"\n{closing(mark)}", data - 1) if start >= place else -1
        if end >= 0:
            around.append(text[place:start])
            within.append(text[data:end])
            place = end + 1 + len(closing(mark))
    return "\n".join([*around, text[place:]]), within


def _openings(text: str, mark: str) -> Iterator[tuple[int, int]]:
    """Where each opening line with this mark begins, and where what follows it does."""
    beginning = _BEGINNING.format(mark=mark)
    start = text.find(beginning)
    while start >= 0:
        found = _SOURCE.match(text, start + len(beginning))
        if found is not None:
            yield start, found.end()
        start = text.find(beginning, start + 1 if found is None else found.end())
