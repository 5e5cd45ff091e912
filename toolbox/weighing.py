"""How one tool fits a request: how much of it the tool covers, and how near it is to a way of asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from toolbox.asking import VALUE, Request
from toolbox.tool import Tool
from toolbox.vocabulary import Vocabulary

#: What a word of a tool counts, by where it is: what only an example says may be beside the point.
TOLD: Final = 0.95
EXEMPLARY: Final = 0.7
#: How well a word must be covered for the tool to know of it.
KNOWN: Final = 0.5
#: Words at the beginning of a request that say what is to be done, and with what.
LEADING: Final = 2


@dataclass(frozen=True, slots=True)
class Features:
    """A tool's words as stems."""

    #: every stem, with how well it covers
    stems: dict[str, float]
    #: those that are not from an example
    told: frozenset[str]
    #: those of its name
    name: frozenset[str]
    #: the ways it is asked for, each as a set of stems with what they count together
    ways: tuple[tuple[frozenset[str], float], ...]


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
    #: whether the request begins with a deed that the tool knows nothing of
    is_other_deed: bool
    #: 0 to 1: how well the words at the beginning are covered
    lead: float
    #: 0 to 1: the share of the tool's own name that is asked for
    naming: float
    #: 0 to 1: the rank of the full-text index, against the best
    rank: float
    #: the words that are covered
    shared: tuple[str, ...]

    @property
    def score(self) -> float:
        """By what tools are put in order: the two looks, added."""
        words = self.coverage + 0.6 * self.likeness + 0.15 * self.naming - 0.3 * self.contrast
        return words + 0.3 * self.rank


def features_of(tool: Tool, vocabulary: Vocabulary) -> Features:
    """A tool's words as they are weighed."""
    stems: dict[str, float] = {}
    for texts, how in (
        (tool.examples, EXEMPLARY),
        ([tool.description], TOLD),
        ([*tool.keywords, tool.name], 1.0),
    ):
        for text in texts:
            stems |= dict.fromkeys(vocabulary.stems_of(text), how)
    told = [tool.name, tool.description.partition(". ")[0], *tool.examples]
    ways = [vocabulary.stems_of(way) - vocabulary.silent for way in told]
    return Features(
        stems=stems,
        told=frozenset(stem for stem, how in stems.items() if how > EXEMPLARY),
        name=ways[0],
        ways=tuple((way, sum(map(vocabulary.weight, way))) for way in ways if way),
    )


def weigh(number: int, tool: Features, request: Request, vocabulary: Vocabulary, rank: float) -> Fit:
    """How a tool fits a request; `rank` is that of the full-text index, 0 to 1."""
    covered = _covered(tool, request)
    evidence = sum(each.weight * how for each, how in zip(request.words, covered, strict=True))
    return Fit(
        number=number,
        coverage=evidence / request.total,
        likeness=max((_likeness(way, size, request, vocabulary) for way, size in tool.ways), default=0.0),
        evidence=evidence,
        contrast=sum(
            each.weight
            for each, how in zip(request.words, covered, strict=True)
            if each.against and how < EXEMPLARY and not each.against.isdisjoint(tool.told)
        ),
        is_other_deed=bool(request.words and request.words[0].is_deed and covered[0] < KNOWN),
        lead=_lead(request, covered),
        naming=_naming(tool, request),
        rank=rank,
        shared=tuple(each.text for each, how in zip(request.words, covered, strict=True) if how),
    )


def _covered(tool: Features, request: Request) -> list[float]:
    """How well the tool covers each word of the request."""
    covered = [0.0] * len(request.words)
    for stem in request.covers.keys() & tool.stems.keys():
        own = tool.stems[stem]
        for at, how in request.covers[stem]:
            covered[at] = max(covered[at], how * own)
    return covered


def _naming(tool: Features, request: Request) -> float:
    """The share of the tool's name that is asked for, word by word, by how well."""
    best = (max((how for _, how in request.covers.get(stem, ())), default=0.0) for stem in tool.name)
    return sum(best) / len(tool.name) if tool.name else 0.0


def _likeness(way: frozenset[str], size: float, request: Request, vocabulary: Vocabulary) -> float:
    """How near a request is to one way of asking: F1 of what both say, by weight."""
    met = way & request.covers.keys()
    if not met:
        return 0.0
    best: dict[int, float] = {}
    for stem in met:
        for at, how in request.covers[stem]:
            best[at] = max(best.get(at, 0.0), how)
    precision = sum(request.words[at].weight * how for at, how in best.items()) / request.total
    recall = sum(map(vocabulary.weight, met)) / size
    return 2 * precision * recall / (precision + recall)


def _lead(request: Request, covered: Sequence[float]) -> float:
    """How well the first words that say something are covered."""
    both = zip(request.words, covered, strict=True)
    first = [(each.weight, how) for each, how in both if each.weight > VALUE][:LEADING]
    weight = sum(each for each, _ in first)
    return sum(each * how for each, how in first) / weight if weight else 0.0
