from __future__ import annotations

import json

import pytest

from errors import InvalidFile
from runtime_contract import Limits
from store.queue_file.strict_json import parse

LIMITS = Limits(depth=8, file_bytes=10_000)


@pytest.mark.parametrize(
    ("data", "line", "column", "rule"),
    [
        (b'{"a": 1,}', 1, 8, "comma"),
        (b'{"a": [1,\n  2,\n]}', 2, 4, "comma"),
        (b'{"a": NaN}', 1, 7, "NaN"),
        (b'{"a": Infinity}', 1, 7, "Infinity"),
        (b'{"a":\n -Infinity}', 2, 2, "-Infinity"),
        (b'{"a": 1e999}', 1, 7, "too large"),
        (b'{"a": {"b": 1, "b": 2}}', 1, 16, "twice"),
        (b'{"a": 1, "\\u0061": 2}', 1, 10, "twice"),
        (b'\r\n{"x": {"id": 1,\r\n"id": 2}}', 3, 1, "twice"),
        (b'{"a": ' + b"1" * 5000 + b"}", 1, 7, "digits"),
        (b"[" * 9 + b"]" * 9, 1, 9, "nested"),
        (b"[" * 4000, 1, 9, "nested"),
        (b'{"a": "\xff"}', 1, 8, "UTF-8"),
        (b"", 1, 1, "empty"),
        (b'{"a": ', 1, 6, "too early"),
        (b"{'a': 1}", 1, 2, "double quotes"),
        (b'{"a": 1} true', 1, 10, "goes on"),
        (b'{"a": "one\ntwo"}', 1, 11, "line break"),
        (b" " * 10_001, 1, 1, "limit_file_bytes"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(data: bytes, line: int, column: int, rule: str) -> None:
    with pytest.raises(InvalidFile, match=rule) as caught:
        parse(data, LIMITS)

    assert (caught.value.details["line"], caught.value.details["column"]) == (line, column)


@pytest.mark.parametrize(
    "data",
    [b'\xef\xbb\xbf{"a": [1, 2.5, null]}', b'{\r\n"a": true\r\n}\r\n', b"[[[[[[[[]]]]]]]]", b'"\\u00e9"'],
)
def test_a_mark_and_windows_line_ends_are_read_over(data: bytes) -> None:
    assert parse(data, LIMITS) == json.loads(data.decode("utf-8-sig"))


def test_a_lone_surrogate_is_no_error_of_the_file() -> None:
    assert parse(b'{"a": "\\ud800"}', LIMITS) == {"a": "\ud800"}
