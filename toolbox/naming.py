"""Whether a request calls a tool by its name.

A name of several parts (`read_json`, `disk-usage`, `gpt4`) is meant wherever it stands as a whole word. One
that is a plain word could be just that, so it counts only where the tool is called upon: by the first word
that says something (lint the file), in quotes, or as a tool (use lint, with the lint tool). Whether it is
called upon also decides whether its command may run: what is only spoken of is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from toolbox.lexicon import Lexicon

_PLAIN: Final = re.compile(r"[a-z]+")
_NAME: Final = re.compile(r"(?<![\w.-])[a-z][\w.-]{1,63}(?![\w-])", re.IGNORECASE)
_CALLED_BEFORE: Final = re.compile(r"(?:\b(?:use|using|run|via|call|invoke|tool)\s+|[\"'`])$", re.IGNORECASE)
#: Before a name that can be nothing else.
_MEANT_BEFORE: Final = re.compile(r"\b(?:with|by|apply|calling)\s+$", re.IGNORECASE)
_CALLED_AFTER: Final = re.compile(r"^(?:\s+tool\b|[\"'`])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A tool that a request names."""

    number: int
    #: whether it is called upon, and not only spoken of
    is_called: bool


class Names:
    """The names of a set of tools."""

    def __init__(self, names: Iterable[str], lexicon: Lexicon) -> None:
        self._numbers = {name.casefold(): number for number, name in enumerate(names)}
        self._silent = lexicon.silent

    def find(self, request: str) -> Named | None:
        """The tool that a request names first; none where it names none."""
        has_told = False
        for found in _NAME.finditer(request):
            word = found[0].rstrip(".").casefold()
            number = self._numbers.get(word)
            if number is not None:
                is_called = not has_told or _is_called(request, found, word)
                if is_called or not _PLAIN.fullmatch(word):
                    return Named(number, is_called)
            has_told = has_told or word not in self._silent
        return None


def _is_called(request: str, found: re.Match[str], word: str) -> bool:
    before = request[max(0, found.start() - 12) : found.start()]
    after = request[found.start() + len(word) : found.start() + len(word) + 6]
    is_meant = not _PLAIN.fullmatch(word) and _MEANT_BEFORE.search(before)
    return bool(is_meant or _CALLED_BEFORE.search(before) or _CALLED_AFTER.search(after))
