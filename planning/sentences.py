"""Where the sentences of a paragraph end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planning.imperatives import read_head
from planning.masking import HIDDEN

_END: Final = re.compile(r"[.!?]+(?=\s|\Z)")
_ABBREVIATED: Final = re.compile(
    r"\b(?:e\.g|i\.e|etc|vs|cf|approx|incl|excl|resp|mr|mrs|ms|dr|prof|st|no|nr|fig|vol|pp?|ca)\.$",
    re.IGNORECASE,
)
#: "J. Smith", but also "Research X. Write Y.": what follows tells.
_LETTER: Final = re.compile(r"\b[a-z]\.$", re.IGNORECASE)
_LOOK_BACK: Final = 12  # characters: the longest abbreviation and the letter before it


def read_sentences(masked: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The spans of the sentences between two places, without the space around them."""
    begin = start
    for found in _END.finditer(masked, start, end):
        if _is_end(masked, found, end):
            yield from _stripped(masked, begin, found.end())
            begin = found.end()
    yield from _stripped(masked, begin, end)


def _is_end(masked: str, found: re.Match[str], end: int) -> bool:
    after = masked[found.end() : end].lstrip()[:1] if found.end() < end else ""
    if after and not (after.isupper() or after.isdigit() or after == HIDDEN):
        return False
    before = masked[max(0, found.end() - _LOOK_BACK) : found.end()]
    if found[0] != "." or not after:
        return True
    if _LETTER.search(before):
        begin = found.end() + len(masked[found.end() : end]) - len(masked[found.end() : end].lstrip())
        return bool(read_head(masked, begin, end).action)
    return not _ABBREVIATED.search(before)


def _stripped(masked: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = masked[start:end]
    begin = start + len(text) - len(text.lstrip())
    stop = start + len(text.rstrip())
    if stop > begin:
        yield begin, stop
