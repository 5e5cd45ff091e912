"""What later words may call the thing that a step makes, and whether words speak of it."""

from __future__ import annotations

import re
from typing import Final

from planning.lexicon import CREATING, DETERMINERS, MAKING, NOUNS_OF, PREPOSITIONS
from planning.masking import HIDDEN, Words
from planning.step import Step

_THING: Final = re.compile(
    rf"\s+(?:(?:me|us)\s+)?((?:[\w'’.-]+|{HIDDEN}+)(?:\s+[\w'’.-]+){{0,6}})", re.IGNORECASE
)
_LITERAL: Final = re.compile(rf"{HIDDEN}{{3,}}|\b[B-HJ-Z]\b|\b[\w-]+\.[a-z][a-z0-9]{{0,4}}\b")


def names_of(step: Step) -> set[str]:
    """What later words may call the thing that a step makes."""
    names = set(NOUNS_OF.get(step.action, ()))
    start = step.words.masked.lower().find(step.action) if step.action in MAKING else -1
    found = _THING.match(step.words.masked, start + len(step.action)) if start >= 0 else None
    if found is None:
        return {stem_of(name) for name in names}
    words = re.split(r"[\s.]+", _until_preposition(found[1]))
    while words and words[0].lower() in DETERMINERS:
        words.pop(0)
    names |= {words[-1]} if words and HIDDEN not in words[-1] else set()
    literals = _literals(step.words, found) if step.action in CREATING else set()
    return {stem_of(name) for name in names} | literals


def _literals(words: Words, thing: re.Match[str]) -> set[str]:
    """Names that are written the same wherever they stand: of files, in quotation marks, single letters."""
    return {
        words.text[found.start() : found.end()]
        for found in _LITERAL.finditer(words.masked, thing.start(1), thing.end(1))
    }


def _until_preposition(masked: str) -> str:
    words = masked.split()
    ends = [
        place for place, word in enumerate(words) if word.lower() in PREPOSITIONS or word.lower() == "and"
    ]
    return " ".join(words[: ends[0]] if ends else words)


def speaks_of(whole: Words, spoken: set[str], made: set[str]) -> bool:
    """Whether words speak of a thing by one of its names; `spoken` are their definite nouns, as stems."""
    if spoken & made:
        return True
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", whole.text)
        for name in made
        if not (name.isalpha() and name.islower())
    )


def stem_of(word: str) -> str:
    """A word without its plural ending; a name that is no word of small letters stays as it is."""
    plain = word.lower().rstrip(".'’")
    return plain[:-1] if plain.endswith("s") and len(plain) > 3 else plain
