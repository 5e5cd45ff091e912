"""Finds where each value of a TOML text stands, which `tomllib` does not tell.

The text has been read by `tomllib` before, so it is known to be TOML; what this reader cannot follow is left
out, and then the place of what is around it is told. A table is pointed at by its header, everything else
where its value begins, as in the other formats. Read by toml.io/en/v1.0.0.
"""

from __future__ import annotations

import contextlib
import json
import re
from bisect import bisect_right
from typing import Final

Way = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"[ \t]*(?:\"((?:\\.|[^\"\\\n])*)\"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*(\.)?")
_TEXT: Final = re.compile(
    r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'", re.DOTALL
)
_PLAIN: Final = re.compile(r"[^,\]}#\n]*")


def find(text: str) -> dict[Way, tuple[int, int]]:
    """Line and column, from 1, of each key and item."""
    walk = _Walk(text)
    with contextlib.suppress(IndexError, _Lost):  # what was found before still holds
        walk.document()
    starts = [0, *(each.end() for each in re.finditer("\n", text))]
    found = {}
    for way, at in walk.found.items():
        line = bisect_right(starts, at)
        found[way] = (line, at - starts[line - 1] + 1)
    return found


class _Lost(Exception):
    """The text goes on otherwise than this reader knows."""


class _Walk:
    """Goes through a text once, from the beginning to the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.found: dict[Way, int] = {(): 0}
        #: how many tables each list of tables has so far
        self._tables: dict[Way, int] = {}

    def document(self) -> None:
        table: Way = ()
        while True:
            self._skip()
            if self._at >= len(self._text):
                return
            table = self._header() if self._text[self._at] == "[" else self._pair(table, table)

    def _header(self) -> Way:
        """A table's ``[name]`` or ``[[name]]``: its way."""
        begun = self._at
        is_list = self._text.startswith("[[", begun)
        self._at += 1 + is_list
        *outer, last = self._key()
        self._at += 1 + is_list
        way = self._inside((), outer)
        if is_list:
            number = self._tables[*way, last] = self._tables.get((*way, last), -1) + 1
            self.found.setdefault((*way, last), begun)
            way = (*way, last, number)
        else:
            way = (*way, last)
        self.found[way] = begun
        return way

    def _inside(self, way: Way, names: list[str]) -> Way:
        """The way of names, each list of tables at its newest table."""
        for name in names:
            way = (*way, name)
            if way in self._tables:
                way = (*way, self._tables[way])
        return way

    def _pair(self, table: Way, goes_on: Way) -> Way:
        """A ``key = value``; returns the table that goes on after it."""
        begun = self._at
        way = (*table, *self._key())
        if self._text[self._at] != "=":
            raise _Lost
        self._at += 1
        self._skip()
        for length in range(len(table) + 1, len(way)):
            self.found.setdefault(way[:length], begun)
        self.found[way] = self._at
        self._value(way)
        return goes_on

    def _key(self) -> list[str]:
        names = []
        while True:
            match = _KEY.match(self._text, self._at)
            if match is None:
                raise _Lost
            self._at = match.end()
            quoted, literal, bare, dot = match.groups()
            names.append(bare or literal if quoted is None else _unquoted(quoted))
            if dot is None:
                return [name or "" for name in names]

    def _value(self, way: Way) -> None:
        opening = self._text[self._at]
        if opening in "[{":
            self._at += 1
            self._items(way, "]" if opening == "[" else "}")
            return
        match = _TEXT.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
        assert match is not None  # noqa: S101  the second pattern fits everything
        self._at = match.end()

    def _items(self, way: Way, closing: str) -> None:
        """What a list or an inline table holds, up to its end."""
        number = 0
        while True:
            self._skip()
            if self._text[self._at] == closing:
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._pair(way, way)
            else:
                self.found[*way, number] = self._at
                self._value((*way, number))
                number += 1

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        assert match is not None  # noqa: S101  it fits nothing as well
        self._at = match.end()


def _unquoted(text: str) -> str:
    """What stands between quotes, by the escapes that TOML and JSON share; others stay as they are."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
