"""Whether a request calls a tool by its name.

A name of several parts (`read_json`, `disk-usage`, `gpt4`) is meant wherever it stands as a whole word. One
that is a plain word could be just that, so it counts where it is the first word that says something (lint the
file), stands in quotes, or is said to be a tool (use lint, the lint tool).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from toolbox.lexicon import Lexicon

_PLAIN: Final = re.compile(r"[a-z]+")
_NAME: Final = re.compile(r"(?<![\w.-])[a-z][\w.-]{1,63}(?![\w-])", re.IGNORECASE)
_CALLED_BEFORE: Final = re.compile(
    r"(?:\b(?:use|using|run|via|call|invoke|tool|with the)\s+|[\"'`])$", re.IGNORECASE
)
_CALLED_AFTER: Final = re.compile(r"^(?:\s+tool\b|[\"'`])", re.IGNORECASE)


class Names:
    """The names of a set of tools."""

    def __init__(self, names: Iterable[str], lexicon: Lexicon) -> None:
        self._numbers = {name.casefold(): number for number, name in enumerate(names)}
        self._silent = lexicon.silent

    def find(self, request: str) -> int | None:
        """The number of the tool that a request names first; none where it names none."""
        has_told = False
        for found in _NAME.finditer(request):
            word = found[0].rstrip(".-").casefold() if found[0].endswith(".") else found[0].casefold()
            number = self._numbers.get(word)
            if number is not None and (
                not _PLAIN.fullmatch(word) or not has_told or _is_called(request, found, word)
            ):
                return number
            has_told = has_told or word not in self._silent
        return None


def _is_called(request: str, found: re.Match[str], word: str) -> bool:
    before = request[max(0, found.start() - 12) : found.start()]
    after = request[found.start() + len(word) : found.start() + len(word) + 6]
    return bool(_CALLED_BEFORE.search(before) or _CALLED_AFTER.search(after))
