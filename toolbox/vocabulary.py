"""The stems of a set of tools: how rare each is, what it counts, and what does for it or is against it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from store.full_text import FullText
from toolbox import words
from toolbox.lexicon import Lexicon
from toolbox.nearness import Nearness
from toolbox.tool import SLOT, Tool

#: What the commonest word counts against the rarest; the rest lies between.
COMMONEST: Final = 0.4
#: What a word counts that says a little.
FAINT: Final = 0.35
#: Letters from which on two words may be written as one in a tool's text.
SHORTEST_OF_TWO: Final = 6


class Vocabulary:
    """What is known of words where these are the tools. Threads may share it."""

    def __init__(self, tools: Sequence[Tool], lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.text = FullText((number, *_columns(tool)) for number, tool in enumerate(tools))
        #: in how many tools each stem is
        self.spread = self.text.spread()
        self.count = len(tools)
        self.near = Nearness(self.spread)
        self.silent = frozenset(self.stems(lexicon.silent))
        #: words of the tools that may be two words of a request
        self.written = frozenset(
            word for tool in tools for word in _all_words(tool) if len(word) >= SHORTEST_OF_TWO
        )
        self._alike = self._of_stems(lexicon.alike)
        self._against = self._of_stems(
            {word: frozenset().union(*sets) for word, sets in lexicon.either_or.items()}
        )
        self._rarest = _rarity(0.5, self.count)
        faint = frozenset(self.stems(lexicon.faint))
        self._weights = {
            stem: self.rarity(spread) * (FAINT if stem in faint else 1.0)
            for stem, spread in self.spread.items()
        }

    def stems(self, given: Iterable[str]) -> list[str]:
        """The stem of each word."""
        return self.text.stems(list(given))

    def stems_of(self, text: str) -> frozenset[str]:
        """The stems of a tool's text."""
        return frozenset(self.stems(words.plain_words(SLOT.sub(" ", text))))

    def rarity(self, spread: float) -> float:
        """What a stem counts that so many tools have: 1 for the rarest, down to `COMMONEST`."""
        return COMMONEST + (1 - COMMONEST) * _rarity(spread, self.count) / self._rarest

    def weight(self, stem: str) -> float:
        """What a stem of a tool counts."""
        return self._weights.get(stem, 1.0)

    def against(self, stem: str) -> frozenset[str]:
        """Stems of which a tool for one is no tool for this one."""
        return self._against.get(stem, frozenset())

    def alike(self, stem: str) -> list[str]:
        """Known stems that do for this one."""
        others = self._alike.get(stem, frozenset()) - self.against(stem)
        return [other for other in others if other in self.spread]

    def _of_stems(self, told: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Words and the words that belong to each, as stems."""
        found: dict[str, set[str]] = defaultdict(set)
        for word, stem in zip(told, self.stems(told), strict=True):
            found[stem] |= set(self.stems(told[word])) - {stem}
        return {stem: frozenset(others) for stem, others in found.items()}


def _all_words(tool: Tool) -> list[str]:
    return words.plain_words(" . ".join([tool.name, tool.description, *tool.keywords, *tool.examples]))


def _columns(tool: Tool) -> tuple[str, str, str]:
    said = " . ".join([*tool.keywords, *(SLOT.sub(" ", each) for each in tool.examples)])
    name, told, asked = (" ".join(words.plain_words(text)) for text in (tool.name, tool.description, said))
    return name, told, asked


def _rarity(spread: float, count: int) -> float:
    """The weight of a stem that is in so many of so many tools (BM25's, which is never below zero)."""
    return math.log(1 + (count - spread + 0.5) / (spread + 0.5))
