"""How much of each answer is handed on, where all of them together are more than there is room for."""

from __future__ import annotations

from collections.abc import Sequence


def shorten(texts: Sequence[str], most: int) -> list[str]:
    """The texts in at most `most` characters: the short ones whole, the long ones cut to one length.

    What is cut says so. The note is not counted.
    """
    room = _room(sorted(map(len, texts)), most)
    return [
        text if len(text) <= room else f"{text[:room]}\n[cut: {len(text) - room:,} more characters]"
        for text in texts
    ]


def _room(lengths: Sequence[int], most: int) -> int:
    """The length up to which every text is kept."""
    left = most
    for number, length in enumerate(lengths):
        share = left // (len(lengths) - number)
        if length > share:
            return share
        left -= length
    return max(lengths, default=0)
