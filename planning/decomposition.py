"""An ask taken apart: its parts, which of them need which, and what holds for all of them.

Tried in this order: sections under headings that are each work; then lists of imperatives and running text
that strings imperatives together. What the words leave unsure is not split. Every part is made of the ask's
own words, and every word of the ask must be found again in a part or in what they share; a split that would
lose one is dropped.
"""

from __future__ import annotations

import collections
import re
from dataclasses import dataclass
from typing import Final

from planning.blocks import read_blocks
from planning.masking import Words
from planning.outline import Outline, read_outline
from planning.references import read_edges
from planning.step import Unsure

#: Characters of the longest ask that is read; what is longer is a document, not a list of things to do.
MOST_CHARS: Final = 50_000

#: Without one of these there is no place to divide an ask at.
_DIVIDER: Final = re.compile(r"\n|[.,;:!?]\s|\s(?:and|then)\s|\bfor each\b|\d\)", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
#: Words that put parts in order or count them, and have done so once the parts are apart.
_GLUE: Final = frozenset(
    """a addition additionally after afterward afterwards all also and at before beforehand begin but
    complete do doing done each end fifth fifthly finally finish finished first firstly following for
    fourth fourthly in is it last lastly meanwhile next now of once parallel part please ready s second
    secondly so step subsequently task that the then these third thirdly this to when with you""".split()
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an ask: its words, and the places of the earlier parts it needs, from 0."""

    text: str
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """An ask in parts; without parts, `reason` says why it stays whole."""

    parts: tuple[Part, ...] = ()
    #: what holds for every part, in the order of the ask
    shared: str = ""
    #: what the parts were seen by: headings, list, steps, deliverables, fan_out; model: it proposed them
    features: tuple[str, ...] = ()
    reason: str = ""
    #: whether it may ask for several things that cannot be told apart
    is_unsure: bool = False


_ONE_THING: Final = Split(reason="it asks for one thing")


def decompose(ask: str, *, is_lenient: bool = False) -> Split:
    """Take an ask apart. `is_lenient`: a person wants that, so items of a list need not be imperatives."""
    if len(ask) > MOST_CHARS:
        return Split(reason=f"it has {len(ask):,} characters; up to {MOST_CHARS:,} are looked at")
    if not _DIVIDER.search(ask):
        return _ONE_THING
    words = Words.of(ask)
    try:
        outline = read_outline(words, read_blocks(words.masked), is_lenient=is_lenient)
    except Unsure as unsure:
        return Split(reason=str(unsure), is_unsure=True)
    if len(outline.steps) < 2:
        return _ONE_THING
    split = _split_of(outline)
    lost = lost_words(ask, split, "\n".join(words.text for words in outline.announced))
    return Split(reason=f"a split would lose words: {', '.join(lost[:5])}") if lost else split


def _split_of(outline: Outline) -> Split:
    edges = read_edges(outline.steps)
    parts = [Part(_opened(step.whole.text), after) for step, after in zip(outline.steps, edges, strict=True)]
    shared = "\n".join(words.text.strip() for words in outline.shared)
    return Split(tuple(parts), shared, tuple(sorted(outline.features)))


def _opened(text: str) -> str:
    """A part begins like a sentence, whatever stood before it."""
    return text[:1].upper() + text[1:] if text[:1].islower() else text


def lost_words(ask: str, split: Split, announced: str = "") -> list[str]:
    """Words of an ask that stand more often in it than in the parts and in what they share together.

    `announced` are words such as "Tasks:", which have done their work.
    """
    kept = _count(split.shared) + _count(announced)
    for part in split.parts:
        kept += _count(part.text)
    missing = _count(ask) - kept
    return sorted(word for word in missing if word not in _GLUE and not _is_number(word))


def _count(text: str) -> collections.Counter[str]:
    return collections.Counter(word.casefold() for word in _WORD.findall(text))


def _is_number(word: str) -> bool:
    """Whether it may number an item: "1.", "a)"."""
    return len(word) == 1 or (word.isdigit() and len(word) <= 3)
