"""Which tools fit a request: ranked by the words they share, then weighed word by word.

Two looks. SQLite's full-text index (`store.full_text`) finds the few dozen tools that share the rarest words
with the request, however many tools there are. Those few are then weighed (`toolbox.weighing`): how much of
what is asked a tool's own words cover, and how near the request is to one of the ways it is asked for. A word
may be covered by its own stem, by one that does for it (`toolbox.lexicon`), or by one that is written almost
like it, as its runs of three to five letters tell (`toolbox.nearness`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from toolbox import asking, weighing
from toolbox.asking import Request
from toolbox.lexicon import Lexicon, shipped
from toolbox.tool import Tool
from toolbox.vocabulary import Vocabulary
from toolbox.weighing import Features, Fit

#: Tools that are weighed for one request.
MOST_WEIGHED: Final = 32
#: Of more tools than this, a word that over a share of them have finds nobody, unless all are so common.
MANY_TOOLS: Final = 400
COMMON_SHARE: Final = 0.04
#: Words that are looked for where all are common.
MOST_COMMON: Final = 2


class Index:
    """The index of a set of tools. Threads may share it."""

    def __init__(self, tools: Sequence[Tool], lexicon: Lexicon | None = None) -> None:
        self._tools = tools
        self._vocabulary = Vocabulary(tools, lexicon or shipped())
        self._features: dict[int, Features] = {}

    def fits(self, request: str) -> list[Fit]:
        """The tools that share words with a request, the best first."""
        asked = asking.read(request, self._vocabulary)
        found = self._vocabulary.text.find(self._seeds(asked), MOST_WEIGHED) if asked.total else []
        best = max((rank for _, rank in found), default=0.0)
        fits = [self._weigh(number, asked, rank / best if best > 0 else 0.0) for number, rank in found]
        return sorted(fits, key=lambda fit: (-fit.score, self._tools[fit.number].name))

    def _seeds(self, asked: Request) -> list[str]:
        """The stems to look for: those that many tools have only where there are no others."""
        spread = self._vocabulary.spread
        known = sorted((stem for stem in asked.covers if stem in spread), key=lambda stem: spread[stem])
        if self._vocabulary.count <= MANY_TOOLS:
            return known
        rare = [stem for stem in known if spread[stem] <= COMMON_SHARE * self._vocabulary.count]
        return rare or known[:MOST_COMMON]

    def _weigh(self, number: int, asked: Request, rank: float) -> Fit:
        features = self._features.get(number)
        if features is None:
            features = self._features[number] = weighing.features_of(self._tools[number], self._vocabulary)
        return weighing.weigh(number, features, asked, self._vocabulary, rank)
