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
from typing import Final

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


class ShapeIndex:
    """Shapes by what they need, so that a sentence is held against few of them.

    Parameters:
        shapes: each with what it belongs to.
        rare: classes that honest texts seldom have.
    """

    def __init__(self, shapes: Sequence[tuple[Shape, int]], rare: int) -> None:
        self._by_anchor: dict[int, list[tuple[Shape, int]]] = {}
        for shape, owner in shapes:
            anchors = [element.bits for element in shape.elements if not element.bits & ~rare]
            anchor = (anchors or [element.bits for element in shape.elements])[-1]
            self._by_anchor.setdefault(anchor, []).append((shape, owner))
        #: what the elements of each shape need, without repetition
        self._needs = {tuple(element.bits for element in shape.elements) for shape, _ in shapes}

    def may_find(self, mask: int) -> bool:
        """Whether a text that has these classes can have any of the shapes."""
        return any(all(bits & mask for bits in needs) for needs in self._needs)

    def find(self, page: Page, words: Sequence[tuple[int, int]], end: int) -> Iterator[tuple[int, int, int]]:
        """Owner, first and last word of everything found among a sentence's words that have a class."""
        mask = functools.reduce(operator.or_, (bits for _, bits in words), 0)
        for anchor, shapes in self._by_anchor.items():
            if not mask & anchor:
                continue
            for shape, owner in shapes:
                if all(element.bits & mask for element in shape.elements):
                    for start, last in shape.find(page, words, end):
                        yield owner, start, last
