"""JSON as a queue file may be written: the standard, no more, every breach with its line and column.

The standard library's parser is fast and forgiving: it reads NaN, keeps the last of two equal keys and
recurses as deep as it is told. So good input goes through its C scanner with a few cheap hooks, and only
when one of them finds something does a slow, exact scan look for the place.
"""

from __future__ import annotations

import json
import math
import re
import sys
from itertools import chain, compress
from json.decoder import JSONDecodeError
from json.decoder import scanstring as _scan_string  # type: ignore[attr-defined]  # not in typeshed
from typing import Any, Final, NoReturn

from errors import InvalidFile
from runtime_contract import Limits

#: digits of a number: Python's own bound for integers, which its parser keeps
MOST_DIGITS: Final = sys.int_info.default_max_str_digits
_is_container: Final = frozenset({dict, list}).__contains__


class _Breach(Exception):
    """Something is wrong; where, is looked for afterwards."""


def parse(data: bytes, limits: Limits) -> Any:
    """The value that `data` says. Raises `InvalidFile` with the rule, `line` and `column`.

    A byte-order mark and CRLF are read over. A lone surrogate is left in its text: it spoils one task,
    not the file.
    """
    if len(data) > limits.file_bytes:
        raise too_large(len(data), limits)
    text = _decode(data)
    try:
        value = _DECODER.decode(text)
    except JSONDecodeError as error:
        raise _from_stdlib(text, error) from None
    except (_Breach, ValueError, RecursionError):
        return _Locator(text, limits).find()
    if _is_deeper(value, limits.depth):
        return _Locator(text, limits).find()
    return value


def too_large(size: int, limits: Limits) -> InvalidFile:
    """The error for a file over its bound."""
    return InvalidFile(
        f"{size:,} bytes are over the bound of {limits.file_bytes:,} (settings: limit_file_bytes)",
        line=1,
        column=1,
    )


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        raise _invalid("not UTF-8", before, len(before)) from None


def _invalid(rule: str, text: str, position: int) -> InvalidFile:
    start = text.rfind("\n", 0, position) + 1
    return InvalidFile(rule, line=text.count("\n", 0, position) + 1, column=position - start + 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Breach
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise _Breach


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Breach
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
)


def _is_deeper(value: object, bound: int) -> bool:
    """Whether containers nest deeper than `bound`; level by level, without recursion."""
    level: list[Any] = [value] if _is_container(type(value)) else []
    for _ in range(bound):
        inner = list(chain.from_iterable(each.values() if type(each) is dict else each for each in level))
        level = list(compress(inner, map(_is_container, map(type, inner))))
        if not level:
            return False
    return bool(level)


_RULES: Final = {
    "Expecting value": "a value is missing here",
    "Expecting ',' delimiter": "a comma is missing here",
    "Expecting ':' delimiter": "a colon is missing here",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here",
    "Extra data": "the file goes on after its end",
    "Unterminated string starting at": "the text that begins here has no closing quote",
    "Invalid control character at": "a line break or other control character stands in a text; write \\n",
}


def _from_stdlib(text: str, error: JSONDecodeError) -> InvalidFile:
    """The plain rule for what the parser found, at the place a person would point to."""
    before = text[: error.pos].rstrip()
    if error.pos >= len(text.rstrip()) and error.msg != "Extra data":
        rule = "the file ends too early" if before else "the file is empty"
        return _invalid(rule, text, len(before))
    if before.endswith(",") and text[error.pos : error.pos + 1] in {"}", "]"}:
        return _invalid("a comma stands after the last item; take it out", text, len(before) - 1)
    rule = _RULES.get(error.msg) or error.msg[:1].lower() + error.msg[1:]
    return _invalid(rule, text, error.pos)


_TOKEN: Final = re.compile(
    r'[ \t\r\n]*(?:(?P<string>")|(?P<open>[\[{])|(?P<close>[\]}])|(?P<other>[:,])'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>-?[A-Za-z]+))"
)


class _Locator:
    """Finds the first breach of a text that is otherwise JSON."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._depth = limits.depth
        #: for every open container the keys it has, or none for a list
        self._open: list[set[str] | None] = []

    def find(self) -> NoReturn:
        """Raise `InvalidFile` for the first breach."""
        position = 0
        while (token := _TOKEN.match(self._text, position)) is not None:
            start = token.start(token.lastgroup or 0)
            position = self._string(start) if token["string"] else token.end()
            self._check(token, start)
        raise _invalid("not JSON", self._text, position)

    def _string(self, start: int) -> int:
        try:
            found: tuple[str, int] = _scan_string(self._text, start + 1, True)
        except JSONDecodeError as error:
            raise _from_stdlib(self._text, error) from None
        value, end = found
        keys = self._open[-1] if self._open else None
        if keys is not None and re.compile(r"[ \t\r\n]*:").match(self._text, end):
            if value in keys:
                raise _invalid(f"the key {value!a} stands twice in one object", self._text, start)
            keys.add(value)
        return end

    def _check(self, token: re.Match[str], start: int) -> None:
        if token["open"]:
            self._open.append(set() if token["open"] == "{" else None)
            if len(self._open) > self._depth:
                rule = f"nested deeper than {self._depth} levels (settings: limit_depth)"
                raise _invalid(rule, self._text, start)
        elif token["close"] and self._open:
            self._open.pop()
        elif token["word"] and token["word"] not in {"true", "false", "null"}:
            raise _invalid(f"{token['word']} is not JSON", self._text, start)
        elif token["number"]:
            self._check_number(token["number"], start)

    def _check_number(self, text: str, start: int) -> None:
        if len(text) > MOST_DIGITS:
            raise _invalid(
                f"a number of {len(text):,} digits; {MOST_DIGITS:,} is the bound", self._text, start
            )
        if not text.lstrip("-").isdigit() and math.isinf(float(text)):
            raise _invalid(f"{text} is too large for a number", self._text, start)
