"""An ask whose sections, each under a heading of one level, are each a piece of work."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from planning.blocks import Block
from planning.imperatives import read_head
from planning.lexicon import NAMES_OF_EITHER, WORK_NAMES
from planning.lists import name_kind
from planning.masking import Words
from planning.sentences import read_sentences

_NUMBERING: Final = " \t0123456789.):-"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, a span of the ask."""

    start: int
    end: int
    kind: Literal["work", "shared"]
    #: the first imperative in it
    action: str = ""


def read_sections(ask: Words, blocks: Sequence[Block]) -> list[Section]:
    """The sections of an ask, where at least two are work and each of the others holds for all; else none.

    What stands before the first one belongs to no section.
    """
    level = _level(blocks)
    starts = [place for place, block in enumerate(blocks) if block.kind == "heading" and block.level == level]
    sections = [_judge(ask, blocks[start:end]) for start, end in itertools.pairwise([*starts, len(blocks)])]
    good = [section for section in sections if section is not None]
    if len(good) < len(sections) or sum(section.kind == "work" for section in good) < 2:
        return []
    return good


def _level(blocks: Sequence[Block]) -> int:
    """The highest level with two headings, where only a title may stand above it."""
    levels = [block.level for block in blocks if block.kind == "heading"]
    counts = collections.Counter(levels)
    level = min((each for each, count in counts.items() if count > 1), default=0)
    is_under_title = sorted(levels, key=lambda each: each >= level) == levels
    return level if is_under_title else 0


def _judge(ask: Words, blocks: Sequence[Block]) -> Section | None:
    """What a section is; none where that is not clear."""
    heading, body = blocks[0], blocks[1:]
    words = ask.masked[heading.body : heading.end]
    start, end = heading.start, blocks[-1].end
    if name_kind(words) == "shared" and not _is_work_all_the_same(ask, words, body):
        return Section(start, end, "shared")
    if words.strip(_NUMBERING).lower() in WORK_NAMES:
        return None  # it only announces the list under it
    begin = heading.body + len(words) - len(words.lstrip(_NUMBERING))
    actions = [read_head(ask.masked, begin, heading.end).action]
    for block in body:
        actions += [
            read_head(ask.masked, *sentence).action
            for sentence in read_sentences(ask.masked, block.body, block.end)
        ]
    action = next(filter(None, actions), "")
    return Section(start, end, "work", action) if action else None


def _is_work_all_the_same(ask: Words, words: str, body: Sequence[Block]) -> bool:
    """Whether under a heading such as "Content" there is nothing but a list of imperatives."""
    return (
        words.strip(_NUMBERING).lower() in NAMES_OF_EITHER
        and len(body) > 1
        and all(
            block.kind == "item" and bool(read_head(ask.masked, block.body, block.end).action)
            for block in body
        )
    )
