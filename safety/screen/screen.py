"""The screen: a text in, what was found in it out, by rule.

First the text as it looks, then its other readings (`disguises`). A reading is only gone through when it has
a word without which no rule can answer, and a sentence only when it has what a shape needs, so that an honest
text costs little more than a look at its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

from safety.screen import disguises, envelopes, sequences
from safety.screen.folding import fold
from safety.screen.lexicon import Lexicon
from safety.screen.mood import Bearing, Mood
from safety.screen.reading import COLON, Page, read

#: Characters on either side of what a pattern found that are read to tell whether it is meant.
_AROUND: Final = 600
_SHOWN: Final = 80
#: The rule about what cannot be seen; it has no words and no patterns, for it is about characters.
HIDDEN_TEXT: Final = "hidden-text"
#: Rules that count wherever their text stands.
_ANYWHERE: Final = frozenset({HIDDEN_TEXT, "control-text"})
#: What a pattern's place is marked with when the text around it is read.
_PLACE: Final = "zqplacezq"


@dataclass(frozen=True, slots=True)
class ScreenRule:
    """A rule as the screen needs it."""

    id: str
    asks: tuple[sequences.Shape, ...] = ()
    claims: tuple[sequences.Shape, ...] = ()
    unless: tuple[sequences.Shape, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    #: one of these must occur for the patterns to be tried
    hints: tuple[str, ...] = ()
    needs_order: bool = False
    spares: str = "authors"
    #: whether it refuses what it finds, or only says so
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found."""

    rule: str
    #: the words, as they were read
    words: str
    #: false: it is only talked about
    is_meant: bool
    #: whether it stood there openly, or had to be decoded or put together
    is_disguised: bool = False


class Screen:
    """Looks at texts with the rules of one constitution. Threads may share it."""

    def __init__(self, lexicon: Lexicon, rules: Sequence[ScreenRule]) -> None:
        self._lexicon = lexicon
        self._blocking = {rule.id for rule in rules if rule.blocks}
        self._hides = any(rule.id == HIDDEN_TEXT for rule in rules)
        self._rules = rules
        self._mood = Mood(lexicon.bit, lexicon.verbs)
        self._index = sequences.ShapeIndex(
            (shape, number, is_claim)
            for number, rule in enumerate(rules)
            for shapes, is_claim in ((rule.asks, False), (rule.claims, True))
            for shape in shapes
        )

    def look(self, text: str, mark: str | None = None) -> list[Hit]:
        """Everything that was found, the openly written first; `mark` is that of genuine envelopes."""
        around, within = envelopes.split(text, mark)
        hits = self._look(around)
        quoted = [hit for data in within for hit in self._look(data)]
        if quoted:
            is_followed = self._mood.says_to_follow(read(fold(around).text, self._lexicon))
            hits += [_quoted(hit, is_followed) for hit in quoted]
        return hits

    def _look(self, text: str) -> list[Hit]:
        folded = fold(text)
        words = set(_WORD.findall(folded.text))
        hits = [Hit(HIDDEN_TEXT, name, is_meant=True) for name in folded.hidden if self._hides]
        hits += self._find(folded.text, words, is_disguised=False)
        if not any(hit.is_meant and hit.rule in self._blocking for hit in hits):
            known = {(hit.rule, hit.words) for hit in hits}
            for reading in disguises.readings(text, folded.text, words, self._lexicon):
                found = self._find(reading, set(_WORD.findall(reading)), is_disguised=True)
                hits += [hit for hit in found if (hit.rule, hit.words) not in known]
        return hits

    def _find(self, text: str, words: Set[str], *, is_disguised: bool) -> list[Hit]:
        hits = [*self._patterns(text, is_disguised=is_disguised)]
        candidates = self._index.candidates(self._lexicon.classes(words) | self._lexicon.span_classes(text))
        if candidates:
            hits += self._shapes(read(text, self._lexicon), candidates, is_disguised=is_disguised)
        return hits

    def _patterns(self, text: str, *, is_disguised: bool) -> Iterator[Hit]:
        for rule in self._rules:
            if rule.patterns and (not rule.hints or any(hint in text for hint in rule.hints)):
                for pattern in rule.patterns:
                    found = pattern.search(text)
                    if found is not None:
                        is_meant = self._place_is_meant(text, found, rule)
                        yield Hit(rule.id, found[0].strip()[:_SHOWN], is_meant, is_disguised)

    def _place_is_meant(self, text: str, found: re.Match[str], rule: ScreenRule) -> bool:
        """Whether what a pattern found is meant, by the words around it."""
        if rule.spares == "none":
            return True
        before = text[max(0, found.start() - _AROUND) : found.start()]
        after = text[found.end() : found.end() + _AROUND]
        page = read(f"{before} {_PLACE} {after}", self._lexicon)
        place = page.words.index(_PLACE)
        return self._mood.is_meant(page, place, place, Bearing(is_text=True, spares=rule.spares))

    def _shapes(
        self, page: Page, candidates: Sequence[sequences.Wanted], *, is_disguised: bool
    ) -> Iterator[Hit]:
        ends = [*page.sentences[1:], len(page.words)] if page.words else []
        seen: set[tuple[int, int, bool]] = set()
        for first, end in zip(page.sentences, ends, strict=True):
            words = [(word, page.bits[word]) for word in range(first, end) if page.bits[word]]
            for wanted, found, last in sequences.find(candidates, page, words, end):
                rule, start = self._rules[wanted.rule], page.begin(found)
                if _is_cancelled(rule, page, start, last):
                    continue
                bearing = Bearing(
                    wanted.is_claim, bool(rule.patterns), needs_order=rule.needs_order, spares=rule.spares
                )
                is_meant = self._mood.is_meant(page, start, last, bearing)
                if (wanted.rule, start, is_meant) not in seen:
                    seen.add((wanted.rule, start, is_meant))
                    shown = self._shown(page, start, last)
                    yield Hit(rule.id, shown, is_meant, is_disguised)

    def _shown(self, page: Page, first: int, last: int) -> str:
        """The words by which a rule answered; others, which may be anything, are left out."""
        spread = range(first, last + 1)
        told = [self._lexicon.told(page.words[word]) if page.bits[word] else "…" for word in spread]
        return " ".join(told)[:_SHOWN]


_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def _quoted(hit: Hit, is_followed: bool) -> Hit:
    """What was found in an envelope: only quoted, unless the text around says to follow it."""
    return hit if is_followed or hit.rule in _ANYWHERE else replace(hit, is_meant=False)


def _end_of_cancelling(page: Page, last: int) -> int:
    """Up to where words may tell that something else is meant: not past a colon or a bracket."""
    end = min(last + 7, page.end(last))
    for word in range(last + 1, end):
        if page.breaks[word] >= COLON:
            return word
    return end


def _is_cancelled(rule: ScreenRule, page: Page, first: int, last: int) -> bool:
    """Whether something else is meant by what was found: a firewall's rules, a password's field."""
    if not rule.unless:
        return False
    end = _end_of_cancelling(page, last)
    near = [(word, page.bits[word]) for word in range(max(page.start(first), first - 2), end)]
    for shape in rule.unless:
        for start, stop in shape.find(page, near, end):
            if page.begin(start) <= last and stop >= first:
                return True
    return False
