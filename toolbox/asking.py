"""What a request asks for, word by word: what each counts, and which stems of a tool would cover it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from toolbox import words
from toolbox.vocabulary import FAINT, Vocabulary
from toolbox.words import Word

#: What a stem does for a word that it is alike to, or that is written almost like it.
ALIKE: Final = 0.8
ALMOST: Final = 0.9
#: What words count that are values, or unknown names; and an unknown word, before rarity.
VALUE: Final = 0.12
NAME: Final = 0.3
UNKNOWN: Final = 0.88


@dataclass(frozen=True, slots=True)
class Asked:
    """One word of a request."""

    text: str
    #: what it counts
    weight: float
    #: the stems that cover it, with how well each does, 0 to 1
    stems: dict[str, float]
    #: stems that stand against it: a tool that has one, and not the word, is for something else
    against: frozenset[str] = frozenset()
    #: whether it is a verb that says what is to be done
    is_deed: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is weighed."""

    words: tuple[Asked, ...]
    #: what all its words count together
    total: float
    #: for each stem, the words it covers: their places, and how well it does
    covers: dict[str, list[tuple[int, float]]]


def read(request: str, vocabulary: Vocabulary) -> Request:
    """What a request asks for."""
    told = words.told_words(request, vocabulary.lexicon, vocabulary.written)
    stems = vocabulary.stems(word.text for word in told)
    asked = tuple(_ask(word, stem, vocabulary) for word, stem in zip(told, stems, strict=True))
    return Request(asked, sum(each.weight for each in asked), _covers(asked))


def _covers(asked: Sequence[Asked]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for at, each in enumerate(asked):
        for stem, how in each.stems.items():
            found.setdefault(stem, []).append((at, how))
    return found


def _ask(word: Word, stem: str, vocabulary: Vocabulary) -> Asked:
    covers = dict.fromkeys(vocabulary.alike(stem), ALIKE) | {stem: 1.0}
    if stem not in vocabulary.spread and not word.is_value:
        for other, nearness in vocabulary.near.to(stem):
            covers.setdefault(other, ALMOST * nearness)
    known = [vocabulary.spread[each] for each in covers if each in vocabulary.spread]
    rarity = vocabulary.rarity(max(known)) if known else UNKNOWN
    weight = rarity * _prior(word, vocabulary, is_known=bool(known))
    is_deed = word.text in vocabulary.lexicon.deeds
    return Asked(word.text, weight, covers, vocabulary.against(stem), is_deed)


def _prior(word: Word, vocabulary: Vocabulary, *, is_known: bool) -> float:
    """What a word counts before the tools are looked at."""
    if word.is_value:
        return VALUE
    if word.text in vocabulary.lexicon.faint:
        return FAINT
    return NAME if word.is_name and not is_known else 1.0
