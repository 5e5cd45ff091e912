"""A text that ends before the first of some words, also where it comes in pieces that cut one."""

from __future__ import annotations

from collections.abc import Sequence


class Cut:
    """Cuts one text.

    Parameters:
        words: what it ends before; none of them is told.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = [word for word in words if word]
        self._longest = max(map(len, self._words), default=0)
        self._held = ""
        #: whether one of the words was there
        self.is_cut = False

    def take(self, piece: str) -> str:
        """Take the next piece; what can be told now."""
        if self.is_cut:
            return ""
        text = self._held + piece
        end, begun = self._end(text), self._begun(text)
        if end is not None and end <= begun:
            self.is_cut, self._held = True, ""
            return text[:end]
        self._held = text[begun:]
        return text[:begun]

    def rest(self) -> str:
        """What was held back, when there are no more pieces."""
        text, self._held = self._held, ""
        end = self._end(text)
        self.is_cut = self.is_cut or end is not None
        return text[:end]

    def _end(self, text: str) -> int | None:
        """Where the first of the words begins."""
        found = [place for word in self._words if (place := text.find(word)) >= 0]
        return min(found, default=None)

    def _begun(self, text: str) -> int:
        """From where on the text could be the beginning of a word."""
        for place in range(max(0, len(text) - self._longest + 1), len(text)):
            if any(word.startswith(text[place:]) for word in self._words):
                return place
        return len(text)
