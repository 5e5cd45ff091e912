"""Bounds how deep a document may be nested before anything is made of it.

Readers call themselves for every level, so a text of nothing but brackets would end them at Python's own
bound, late and without a place. Here the first level too many is named, as soon as it is read.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

#: Levels of nesting.
MOST_DEPTH: Final = 32
TOO_DEEP: Final = f"is nested more than {MOST_DEPTH} deep"

#: A text of JSON, which counts for nothing, also one that does not end; or a bracket.
_JSON_TOKEN: Final = re.compile(r'"(?>(?:[^"\\]|\\.)*)"?|[\[{]|[\]}]', re.DOTALL)

#: A text of JSON, which counts for nothing; or what Python's reader takes for a number.
_WORD: Final = re.compile(r'"(?>(?:[^"\\]|\\.)*)"?|-?Infinity|NaN', re.DOTALL)


def json_breach(text: str) -> tuple[int, int] | None:
    """Line and column, from 1, of the first bracket of a JSON text that is a level too many; else none."""
    depth = 0
    for found in _JSON_TOKEN.finditer(text):
        first = text[found.start()]
        depth += (first in "[{") - (first in "]}")
        if depth > MOST_DEPTH:
            at = found.start()
            return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return None


def json_word(text: str) -> tuple[int, int]:
    """Line and column, from 1, of the first word of a text that Python reads as a number and JSON has not."""
    at = next((found.start() for found in _WORD.finditer(text) if found[0][0] != '"'), 0)
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


class BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader; raises `yaml.MarkedYAMLError` at the first level too many.

    Brackets are counted as they are scanned, for the scanner looks far ahead of what is composed.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803  as PyYAML names it
        """A bracket opens."""
        if self.flow_level + len(self.indents) >= MOST_DEPTH:
            raise yaml.scanner.ScannerError(None, None, TOO_DEEP, self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node with all that is in it."""
        is_collection = self.check_event(yaml.CollectionStartEvent)
        if is_collection and self._depth >= MOST_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # not in types-PyYAML
            raise yaml.composer.ComposerError(None, None, TOO_DEEP, mark)
        self._depth += is_collection
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= is_collection
        return node
