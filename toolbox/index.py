"""Which tools fit a request: ranked by the words they share, then weighed word by word.

Two looks. SQLite's full-text index (`store.full_text`) finds the few dozen tools that share the rarest words
with the request, whatever the number of tools. Those few are then weighed: how much of what is asked a tool's
own words cover, and how near the request is to one of the ways it is asked for. A word may be covered by its
own stem, by one that does for it (`toolbox.lexicon`), or by one that is written almost like it, as its runs
of three to five letters tell: a slip of the pen, or another form of the same word.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from store.full_text import FullText
from toolbox import words
from toolbox.lexicon import Lexicon, shipped
from toolbox.tool import SLOT, Tool
from toolbox.words import Word

#: Tools that are weighed for one request.
MOST_WEIGHED: Final = 48
#: A word in more than this share of many tools finds nobody, unless all are so common.
COMMON_SHARE: Final = 0.08
MANY_TOOLS: Final = 400
#: What a word counts that does for another, and one that is written almost like it.
ALIKE: Final = 0.8
ALMOST: Final = 0.9
#: How near a stem must be to count as almost the same: Dice of their runs of letters.
NEAR: Final = 0.55
#: What words count that say a little, that are values, or names.
FAINT: Final = 0.35
VALUE: Final = 0.12
NAME: Final = 0.3
#: What an unknown word counts, against the rarest known one.
UNKNOWN: Final = 0.8
#: What a word of a tool counts, by where it is: what only an example says may be beside the point.
TOLD: Final = 0.95
EXEMPLARY: Final = 0.7
#: Words at the beginning of a request that say what is to be done, and with what.
LEADING: Final = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """One word of a request: what it counts, and the stems that cover it with how well each does."""

    text: str
    weight: float
    stems: dict[str, float]
    #: stems that stand against it: a tool that has one, and not the word, is for something else
    against: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fit:
    """How a tool fits a request."""

    #: number of the tool
    number: int
    #: 0 to 1: the share of what is asked that the tool's words cover
    coverage: float
    #: 0 to 1: how near the request is to one of the ways the tool is asked for
    likeness: float
    #: what the covered words count together
    evidence: float
    #: what the words count that the tool is against
    contrast: float
    #: 0 to 1: how well the words at the beginning are covered
    lead: float
    #: 0 to 1: the share of the tool's own name that is asked for
    naming: float
    #: 0 to 1: the rank of the full-text index, against the best
    rank: float
    #: the words that are covered
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Features:
    """A tool's words as stems."""

    #: every stem, with what it counts
    stems: dict[str, float]
    #: those that are not from an example
    told: frozenset[str]
    #: those of its name
    name: frozenset[str]
    #: the ways it is asked for, each as a set of stems
    ways: tuple[frozenset[str], ...]


class Index:
    """The index of a set of tools. Threads may share it."""

    def __init__(self, tools: Sequence[Tool], lexicon: Lexicon | None = None) -> None:
        self._tools = tools
        self._lexicon = lexicon or shipped()
        self._text = FullText((number, *_columns(tool)) for number, tool in enumerate(tools))
        self._spread = self._text.spread()
        self._features: dict[int, _Features] = {}
        self._written = frozenset(
            word
            for tool in tools
            for text in _texts(tool)
            for word in words.plain_words(text)
            if len(word) > 5
        )
        self._rarest = _rarity(0.5, len(tools))
        self._near = _Nearness(self._spread)
        self._silent = frozenset(self._stems(self._lexicon.silent))
        self._alike = self._stemmed(self._lexicon.alike)
        self._against = {
            stem: [frozenset(self._stems(each)) for each in sets]
            for word, sets in self._lexicon.either_or.items()
            for stem in self._stems([word])
        }

    def _stemmed(self, alike: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for word, others in alike.items():
            for stem in self._stems([word]):
                found[stem] |= set(self._stems(others)) - {stem}
        return {stem: frozenset(others) for stem, others in found.items()}

    def _stems(self, given: Iterable[str]) -> list[str]:
        return self._text.stems(list(given))

    # -- a request -----------------------------------------------------------------------------------------

    def fits(self, request: str) -> list[Fit]:
        """The tools that share words with a request, the best first."""
        asked = self.asked(request)
        total = sum(each.weight for each in asked)
        if not total:
            return []
        found = self._text.find(self._seeds(asked), MOST_WEIGHED)
        best = max((rank for _, rank in found), default=0.0)
        fits = [self._weigh(number, asked, total, rank / best if best > 0 else 0.0) for number, rank in found]
        return sorted(fits, key=lambda fit: (-score(fit), self._tools[fit.number].name))

    def asked(self, request: str) -> list[Asked]:
        """What a request asks for, word by word."""
        told = words.told_words(request, self._lexicon, self._written)
        stems = self._stems(word.text for word in told)
        return [self._ask(word, stem) for word, stem in zip(told, stems, strict=True)]

    def _ask(self, word: Word, stem: str) -> Asked:
        covers = {stem: 1.0}
        rivals = self._rivals(stem)
        for other in self._alike.get(stem, frozenset()) - rivals:
            if other in self._spread:
                covers[other] = ALIKE
        if stem not in self._spread and not word.is_value:
            for other, nearness in self._near.to(stem):
                covers.setdefault(other, ALMOST * nearness)
        known = [self._spread[each] for each in covers if each in self._spread]
        rarity = _rarity(max(known), len(self._tools)) / self._rarest if known else UNKNOWN
        weight = (0.4 + 0.6 * rarity) * self._prior(word, is_known=bool(known))
        return Asked(word.text, weight, covers, rivals)

    def _prior(self, word: Word, *, is_known: bool) -> float:
        """What a word counts before the tools are looked at."""
        if word.is_value:
            return VALUE
        if word.text in self._lexicon.faint:
            return FAINT
        return NAME if word.is_name and not is_known else 1.0

    def _rivals(self, stem: str) -> frozenset[str]:
        sets = self._against.get(stem, ())
        return frozenset().union(*sets) - {stem} if sets else frozenset()

    def _seeds(self, asked: Sequence[Asked]) -> list[str]:
        """The stems to look for: those that are in many tools only where there are no others."""
        known = {stem: self._spread[stem] for each in asked for stem in each.stems if stem in self._spread}
        if len(self._tools) <= MANY_TOOLS:
            return list(known)
        rare = [stem for stem, spread in known.items() if spread <= COMMON_SHARE * len(self._tools)]
        return rare or sorted(known, key=lambda stem: known[stem])[:2]

    # -- a tool --------------------------------------------------------------------------------------------

    def _weigh(self, number: int, asked: Sequence[Asked], total: float, rank: float) -> Fit:
        tool = self._features_of(number)
        covered = [max(how * tool.stems.get(stem, 0.0) for stem, how in each.stems.items()) for each in asked]
        evidence = sum(each.weight * how for each, how in zip(asked, covered, strict=True))
        contrast = sum(
            each.weight
            for each, how in zip(asked, covered, strict=True)
            if each.against and how < EXEMPLARY and not each.against.isdisjoint(tool.told)
        )
        met = {stem for each in asked for stem in each.stems}
        return Fit(
            number=number,
            coverage=evidence / total,
            likeness=max((self._likeness(way, asked, total) for way in tool.ways), default=0.0),
            evidence=evidence,
            contrast=contrast,
            lead=_lead(asked, covered),
            naming=len(tool.name & met) / len(tool.name) if tool.name else 0.0,
            rank=rank,
            shared=tuple(each.text for each, how in zip(asked, covered, strict=True) if how),
        )

    def _likeness(self, way: frozenset[str], asked: Sequence[Asked], total: float) -> float:
        """How near a request is to one way of asking: F1 of what both say, by weight."""
        hit = 0.0
        met = set()
        for each in asked:
            how, stem = max((how if stem in way else 0.0, stem) for stem, how in each.stems.items())
            if how:
                hit += how * each.weight
                met.add(stem)
        if not hit:
            return 0.0
        size = sum(self._weight_of(stem) for stem in way)
        said = sum(self._weight_of(stem) for stem in met)
        precision, recall = hit / total, said / size if size else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def _weight_of(self, stem: str) -> float:
        rarity = _rarity(self._spread.get(stem, 0.5), len(self._tools)) / self._rarest
        return (0.4 + 0.6 * rarity) * (FAINT if stem in self._faint else 1.0)

    @property
    def _faint(self) -> frozenset[str]:
        found: frozenset[str] | None = self.__dict__.get("_faint_stems")
        if found is None:
            found = self.__dict__["_faint_stems"] = frozenset(self._stems(self._lexicon.faint))
        return found

    def _features_of(self, number: int) -> _Features:
        found = self._features.get(number)
        if found is None:
            found = self._features[number] = self._make_features(self._tools[number])
        return found

    def _make_features(self, tool: Tool) -> _Features:
        stems: dict[str, float] = {}
        for texts, weight in (
            (tool.examples, EXEMPLARY),
            ([tool.description], TOLD),
            ([*tool.keywords, tool.name], 1.0),
        ):
            for text in texts:
                stems |= dict.fromkeys(self._stems(words.plain_words(SLOT.sub(" ", text))), weight)
        ways = [tool.name, tool.description.partition(". ")[0], *tool.examples]
        told = [frozenset(self._stems(words.plain_words(SLOT.sub(" ", way)))) - self._silent for way in ways]
        own = frozenset(stem for stem, weight in stems.items() if weight > EXEMPLARY)
        return _Features(stems, own, told[0], tuple(way for way in told if way))


def score(fit: Fit) -> float:
    """By what tools are put in order: the ranks of both looks, added."""
    return fit.coverage + 0.6 * fit.likeness + 0.3 * fit.rank + 0.15 * fit.naming - 0.3 * fit.contrast


def _lead(asked: Sequence[Asked], covered: Sequence[float]) -> float:
    """How well the first words that say something are covered."""
    first = [(each.weight, how) for each, how in zip(asked, covered, strict=True) if each.weight > VALUE]
    weight = sum(each for each, _ in first[:LEADING])
    return sum(each * how for each, how in first[:LEADING]) / weight if weight else 0.0


def _texts(tool: Tool) -> list[str]:
    return [tool.name, tool.description, *tool.keywords, *tool.examples]


def _columns(tool: Tool) -> tuple[str, str, str]:
    said = " . ".join([*tool.keywords, *(SLOT.sub(" ", each) for each in tool.examples)])
    return tuple(" ".join(words.plain_words(text)) for text in (tool.name, tool.description, said))  # type: ignore[return-value]


def _rarity(spread: float, count: int) -> float:
    """The weight of a stem that is in so many of so many tools (BM25's, which is never below zero)."""
    return math.log(1 + (count - spread + 0.5) / (spread + 0.5))


class _Nearness:
    """Finds the known stems that are written almost like one that nobody knows."""

    def __init__(self, spread: Iterable[str]) -> None:
        self._by_run: dict[str, list[str]] = defaultdict(list)
        for stem in spread:
            if len(stem) >= 4:
                for run in _runs(stem):
                    if len(run) == 3:
                        self._by_run[run].append(stem)

    def to(self, stem: str) -> list[tuple[str, float]]:
        """The nearest known stems, each with how near it is, 0 to 1."""
        if len(stem) < 4:
            return []
        runs = _runs(stem)
        candidates = {other for run in runs for other in self._by_run.get(run, ())}
        near = [
            (other, _dice(runs, _runs(other))) for other in candidates if abs(len(other) - len(stem)) <= 4
        ]
        return sorted((each for each in near if each[1] >= NEAR), key=lambda each: (-each[1], each[0]))[:6]


def _runs(stem: str) -> frozenset[str]:
    """The runs of three to five letters, the ends of the word marked."""
    marked = f"^{stem}$"
    return frozenset(marked[at : at + size] for size in (3, 4, 5) for at in range(len(marked) - size + 1))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))
