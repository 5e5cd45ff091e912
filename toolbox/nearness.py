"""Which known stems are written almost like an unknown one: a slip of the pen, or another form of a word."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

#: How near two stems must be: Dice of their runs of three to five letters.
NEAR: Final = 0.55
#: Letters from which on a stem has enough runs to be told by them.
SHORTEST: Final = 4
#: Letters that two near stems may differ by in length.
MOST_LONGER: Final = 4
#: How near a stem is to itself with an ending; letters it must have, but before the endings of comparison.
FORM: Final = 0.85
SHORT_OF_FORM: Final = 5
COMPARED: Final = frozenset({"er", "est", "ier", "iest"})
#: Stems that are looked at closely, and that are told.
MOST_LOOKED_AT: Final = 24
MOST_TOLD: Final = 6
#: Unknown stems whose answer is kept.
MOST_KEPT: Final = 10_000


class Nearness:
    """Finds the nearest of a set of stems."""

    def __init__(self, stems: Iterable[str]) -> None:
        self._by_run: dict[str, list[str]] = defaultdict(list)
        for stem in stems:
            if len(stem) >= SHORTEST:
                for run in _threes(stem):
                    self._by_run[run].append(stem)
        self.to = functools.lru_cache(MOST_KEPT)(self._to)

    def _to(self, stem: str) -> tuple[tuple[str, float], ...]:
        """The nearest stems, each with how near it is, 0 to 1."""
        if len(stem) < SHORTEST:
            return ()
        shared = Counter(
            other
            for run in _threes(stem)
            for other in self._by_run.get(run, ())
            if abs(len(other) - len(stem)) <= MOST_LONGER
        )
        runs = _runs(stem)
        close = shared.most_common(MOST_LOOKED_AT)
        near = [(other, max(_dice(runs, _runs(other)), _as_a_form(stem, other))) for other, _ in close]
        found = sorted((each for each in near if each[1] >= NEAR), key=lambda each: (-each[1], each[0]))
        return tuple(found[:MOST_TOLD])


def _as_a_form(one: str, other: str) -> float:
    """How near two stems are of which one is the other with an ending, such as slow and slowest."""
    short, long = sorted((one, other), key=len)
    is_form = long.startswith(short) and (len(short) >= SHORT_OF_FORM or long[len(short) :] in COMPARED)
    return FORM if is_form else 0.0


def _threes(stem: str) -> frozenset[str]:
    marked = f"^{stem}$"
    return frozenset(marked[at : at + 3] for at in range(len(marked) - 2))


def _runs(stem: str) -> frozenset[str]:
    """The runs of three to five letters, the ends of the word marked."""
    marked = f"^{stem}$"
    return frozenset(marked[at : at + size] for size in (3, 4, 5) for at in range(len(marked) - size + 1))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))
