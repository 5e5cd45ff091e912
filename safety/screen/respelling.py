"""Words that are misspelt throughout: a letter doubled, a vowel left out, two letters exchanged.

Long words are found again one by one wherever they stand (`lexicon`). Short ones have too many neighbours
among honest words, so they are only read so in a text that is misspelt as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from safety.screen.lexicon import Lexicon

#: Misspelt words by which a text shows that it is misspelt as a whole.
_LEAST: Final = 3
#: The share of the words that are not known, at least, that has to be misspelt: one of so many.
_SHARE: Final = 4
#: Letters of the shortest and the longest word that is looked at.
_SHORTEST: Final = 3
_LONGEST: Final = 20
_WORD: Final = re.compile(r"[^\W\d_]+")


def respelt(text: str, words: Set[str], lexicon: Lexicon) -> str | None:
    """The text with its words spelt as they may be meant; none where it is not misspelt as a whole.

    `words` are those of the text.
    """
    strange = [word for word in words if _SHORTEST <= len(word) <= _LONGEST and not lexicon.knows(word)]
    if len(strange) < _LEAST:
        return None
    meant = {word: found for word in strange if (found := lexicon.respell(word)) is not None}
    if len(meant) < _LEAST or len(meant) * _SHARE < len(strange):
        return None
    return _WORD.sub(lambda found: meant.get(found[0], found[0]), text)
