"""The words of a request or a tool, as they are compared.

Only what tells something about what is wanted counts: words of everyday speech are silent, and names of
files, addresses, numbers and quotations are values, which say what a tool is to be used on and hardly which
tool.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final

from toolbox.lexicon import Lexicon

#: Characters of a request that are looked at; what is asked for stands at its beginning.
MOST_CHARS: Final = 4_000
#: Words of a request that are weighed.
MOST_WORDS: Final = 64

_QUOTED: Final = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|`[^`\n]{1,400}`|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)
_CHUNK: Final = re.compile(r"[^\s,;:!?()\[\]{}<>\"“”`|]+")
#: A path, an address, an assignment, a name with a dot, or something that begins with a digit.
_VALUE: Final = re.compile(r"[/\\@=~$%#]|^[\W_]*\d|\w\.\w|::|_")
_WORD: Final = re.compile(r"[^\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Small words that make another word with the one before: back up, log in, clean up.
_PARTICLES: Final = frozenset({"up", "down", "in", "out", "off", "over"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a request."""

    text: str
    #: whether it is part of a name, address, number or quotation
    is_value: bool = False
    #: whether it is written as a name is, in the middle of a sentence
    is_name: bool = False


def plain_words(text: str) -> list[str]:
    """Every word of a text in small letters; an identifier counts as the words it is made of."""
    found = [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", text))]
    joined = [a + b for a, b in itertools.pairwise(found) if b in _PARTICLES and a not in _PARTICLES]
    return found + joined


def told_words(text: str, lexicon: Lexicon, written_as_one: Container[str] = ()) -> list[Word]:
    """The words of a request that tell something, in their order, each once.

    Two that stand beside each other and are known `written_as_one` count as that one: back up, flash cards.
    """
    found: dict[str, Word] = {}
    for word in _joined(list(_words(text[:MOST_CHARS])), lexicon, written_as_one):
        if word.text not in lexicon.silent and (len(word.text) > 1 or not word.text.isascii()):
            before = found.get(word.text)
            if before is None or (before.is_value and not word.is_value):
                found[word.text] = word
        if len(found) >= MOST_WORDS:
            break
    return list(found.values())


def _joined(given: list[Word], lexicon: Lexicon, written_as_one: Container[str]) -> Iterator[Word]:
    at = 0
    while at < len(given):
        word = given[at]
        if at + 1 < len(given) and not (word.is_value or given[at + 1].is_value):
            both = word.text + given[at + 1].text
            forms = [both, both.removesuffix("s")]
            one = next((each for each in forms if each in written_as_one or each in lexicon.alike), None)
            if one is not None:
                word, at = Word(one), at + 1
        yield word
        at += 1


def _words(text: str) -> Iterator[Word]:
    """Every word; what stands in quotes comes last, as values."""
    quoted = _QUOTED.findall(text)
    before = "."
    for chunk in _CHUNK.finditer(_QUOTED.sub(" , ", text)):
        is_value = bool(_VALUE.search(chunk[0].strip(".'")))
        bare = chunk[0].replace("'", "").replace("\u2019", "")
        for part in _WORD.findall(bare):
            is_name = before[-1] not in ".!?:" and part[:1].isupper() and not part.isupper()
            pieces = [part] if is_value else _CAMEL.split(part)
            yield from (Word(piece.casefold(), is_value, is_name) for piece in pieces)
        before = chunk[0]
    for quotation in quoted:
        yield from (Word(word.casefold(), is_value=True) for word in _WORD.findall(quotation[:200]))
