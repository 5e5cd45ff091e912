"""Shapes of what is asked, as sequences of word classes: ``override 4:earlier 2:rules``.

An element is a class, or several with ``|``. Before it may stand the most words that may come between it and
the one before (``2:``; without it three). ``?`` after an element makes it optional, ``$`` asks that it ends
its clause. Looking for a shape goes once over a sentence and keeps for each element the last place where the
shape had come so far, so it is linear whatever the text.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from safety.screen.reading import COMMA, Page

DEFAULT_GAP: Final = 3
_ELEMENT: Final = re.compile(r"(?:(\d{1,2}):)?([a-z][a-z-]*(?:\|[a-z][a-z-]*)*)(\??)(\$?)")


class BadShape(ValueError):
    """A shape cannot be read, or names a class that there is not."""


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a shape."""

    bits: int
    #: most words between it and the element before
    gap: int
    is_last: bool


@dataclass(frozen=True)
class Shape:
    """A sequence of classes."""

    elements: tuple[Element, ...]
    #: as it is written
    text: str

    @functools.cached_property
    def bits(self) -> int:
        """The classes of all its elements."""
        return functools.reduce(operator.or_, (element.bits for element in self.elements))

    def find(self, page: Page, words: Iterable[tuple[int, int]], end: int) -> Iterator[tuple[int, int]]:
        """Where it stands: first and last word. `words` are those that have a class, with it, up to `end`."""
        elements, wanted = self.elements, self.bits
        last = len(elements) - 1
        reached: list[tuple[int, int] | None] = [None] * len(elements)
        for word, mask in words:
            if not mask & wanted:
                continue
            for number in range(last, -1, -1):
                element = elements[number]
                if not mask & element.bits or (element.is_last and not _ends_clause(page, word, end)):
                    continue
                start = word
                if number:
                    before = reached[number - 1]
                    if (
                        before is None
                        or word - before[1] - 1 > element.gap
                        or page.pairs.get(word) == before[1]
                    ):
                        continue
                    start = before[0]
                if number == last:
                    yield start, word
                else:
                    reached[number] = (start, word)


def _ends_clause(page: Page, word: int, end: int) -> bool:
    following = word + 1
    return following >= end or page.breaks[following] >= COMMA or page.words[following] in _JOINS


_JOINS: Final = frozenset(
    {"and", "then", "but", "or", "instead", "now", "please", "und", "et", "y", "e", "и"}
)


def parse(text: str, bit: Mapping[str, int]) -> Iterator[Shape]:
    """The shapes that a text describes: one for each choice of its optional elements. Raises `BadShape`."""
    choices: list[list[Element | None]] = []
    for part in text.split():
        found = _ELEMENT.fullmatch(part)
        if found is None:
            raise BadShape(f"{part!r} is no element; write a class such as 2:rules")
        unknown = [name for name in found[2].split("|") if name not in bit]
        if unknown:
            raise BadShape(f"there is no class {unknown[0]!r} of words")
        mask = sum({bit[name] for name in found[2].split("|")})
        element = Element(mask, DEFAULT_GAP if found[1] is None else int(found[1]), bool(found[4]))
        choices.append([element, None] if found[3] else [element])
    if not choices:
        raise BadShape("a shape has at least one element")
    for chosen in itertools.product(*choices):
        elements = tuple(element for element in chosen if element is not None)
        if elements:
            yield Shape(elements, text)


class Wanted(NamedTuple):
    """A shape that is looked for."""

    shape: Shape
    #: number of the rule it belongs to
    rule: int
    is_claim: bool
    #: the classes of its elements
    needs: tuple[int, ...]

    def may_be_in(self, mask: int) -> bool:
        """Whether words of these classes can have it."""
        for bits in self.needs:  # noqa: SIM110  a loop costs a third of all() with a generator
            if not bits & mask:
                return False
        return True


class ShapeIndex:
    """Every shape of a constitution, and which of them a text can have at all.

    Parameters:
        shapes: each with the number of its rule, and whether it is a claim.
    """

    def __init__(self, shapes: Iterable[tuple[Shape, int, bool]]) -> None:
        #: by the classes of an element of theirs, the fewest there are, with the place of each
        self._groups: dict[int, list[tuple[int, Wanted]]] = {}
        for place, (shape, rule, is_claim) in enumerate(shapes):
            wanted = Wanted(shape, rule, is_claim, tuple(element.bits for element in shape.elements))
            rarest = min(wanted.needs, key=int.bit_count)
            self._groups.setdefault(rarest, []).append((place, wanted))

    def candidates(self, mask: int) -> list[Wanted]:
        """The shapes that a text of these classes may have; of most texts none or a few."""
        found = [
            each
            for bits, group in self._groups.items()
            if bits & mask
            for each in group
            if each[1].may_be_in(mask)
        ]
        return [wanted for _, wanted in sorted(found, key=lambda each: each[0])]


def find(
    candidates: Sequence[Wanted], page: Page, words: Sequence[tuple[int, int]], end: int
) -> Iterator[tuple[Wanted, int, int]]:
    """Every candidate that stands among a sentence's words that have a class: its first and last word."""
    mask = functools.reduce(operator.or_, (bits for _, bits in words), 0)
    for wanted in candidates:
        if wanted.may_be_in(mask):
            for start, last in wanted.shape.find(page, words, end):
                yield wanted, start, last
