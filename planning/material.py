"""Text that is handed over with an ask, to be worked on: it may say anything, and asks for nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planning.blocks import Block
from planning.imperatives import read_head
from planning.lexicon import DETERMINERS, FINITE, MATERIAL, PREPOSITIONS, SHARED_NAMES

_HANDED_OVER: Final = re.compile(
    rf"\b(?:the|this|that|these|my|our|your|following|below|attached|above)\s+(?:\w+\s+){{0,2}}?{MATERIAL}\b",
    re.IGNORECASE,
)
_INLINE_LABEL: Final = re.compile(r"(?:the\s+)?([a-z]+):\s", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_LEAST_STEM: Final = 3  # letters
_SMALL: Final = DETERMINERS | PREPOSITIONS | FINITE | frozenset("and but first last next not or then".split())
_OWN_LIST: Final = re.compile(
    r"\b(?:my|our|this|their|his|her)\s+(?:\w+\s+){0,2}?"
    r"(?:plan|list|checklist|outline|schedule|agenda|roadmap|process|proposal|to-?do|ideas|steps)\b",
    re.IGNORECASE,
)
_TO_DO: Final = re.compile(
    r"(?:please\s+)?(?:follow|execute|work|do|complete|carry|perform|implement|go|use|tackle)\b",
    re.IGNORECASE,
)
_SALUTATION: Final = re.compile(r"(?:hi|hello|dear|hey)\b[^\n.!?]{0,60},", re.IGNORECASE)


def names_material(masked: str, start: int, end: int) -> bool:
    """Whether a sentence speaks of a text that comes with it: "my email", "the following article"."""
    return _HANDED_OVER.search(masked, start, end) is not None


def speaks_of_list(masked: str, start: int, end: int) -> bool:
    """Whether a sentence speaks of a list that comes with it, such as "my plan", and is not to be done."""
    return _OWN_LIST.search(masked, start, end) is not None and not _TO_DO.match(masked, start, end)


def is_letter(masked: str, start: int, end: int) -> bool:
    """Whether a paragraph begins as letters do."""
    return _SALUTATION.match(masked, start, end) is not None


def is_label(masked: str, blocks: Sequence[Block], place: int) -> bool:
    """Whether a paragraph is a line such as "Text:", after which there is nothing but the text."""
    block = blocks[place]
    inline = _INLINE_LABEL.match(masked, block.body, block.end)
    if block.kind == "text" and inline and inline[1].lower() in SHARED_NAMES:
        return True
    label, _, rest = masked[block.body : block.end].partition("\n")
    if block.kind != "text" or not label.rstrip().endswith(":") or read_head(label, 0, len(label)).action:
        return False
    is_followed_by_text = place + 1 < len(blocks) and blocks[place + 1].kind == "text"
    return bool(rest.strip()) or is_followed_by_text


def stems_of(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, without their endings."""
    words = (found[0].casefold() for found in _WORD.finditer(text))
    return frozenset(
        _stem(word) for word in words if word not in _SMALL and (len(word) > 2 or not word.islower())
    )


def _stem(word: str) -> str:
    """A word without the endings that its noun and its verb do not share."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word.removesuffix(ending)
    return word
