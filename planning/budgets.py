"""A budget in shares: whole micro-dollars, by weight, never more than there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: Weight of the step that puts the answers together. It reads all of them and writes one.
SYNTHESIS_WEIGHT: Final = 2
WORDS_A_WEIGHT: Final = 25
MOST_WEIGHT: Final = 4


def weight_of(text: str) -> int:
    """The weight of a part: 1, and 1 more for every 25 words, up to 4."""
    return min(MOST_WEIGHT, 1 + len(text.split()) // WORDS_A_WEIGHT)


def shares_of(total: int, weights: Sequence[int]) -> list[int]:
    """`total` micro-dollars by weight; the rest goes to the largest remainders (Hamilton)."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    first = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    for place in first[: total - sum(shares)]:
        shares[place] += 1
    return shares
