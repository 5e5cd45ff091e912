"""A line of the log is one line, says what the store says, and shows every change made to it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.execution_log import GENESIS, Line, Problem, check_line, render
from store.execution_log.chain import disagreement

TEXTS = [
    "plain",
    'quote " and \\ slash',
    "line\nbreak\r\n",
    "\u2028\u2029\x85\x0b\x0c\x1c",
    "ß → 蜂 🐝",
    "\x00\x7f\ufeff",
]


def row_of(**fields: Any) -> sqlite3.Row:
    columns = {
        "seq": 7,
        "ts": "2026-11-21T07:00:00.000001Z",
        "event": "task.failed",
        "task_id": "t",
        "status": "failed",
        "worker_id": None,
        "attempt": 2,
        "data": "{}",
    } | fields
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        names = ", ".join(f":{name} AS {name}" for name in columns)
        row: sqlite3.Row = connection.execute(f"SELECT {names}", columns).fetchone()
    connection.close()
    return row


def with_data(value: Any) -> sqlite3.Row:
    return row_of(data=json.dumps(value))


@pytest.fixture
def line() -> bytes:
    return render(with_data({"reason": "it broke", "exit_code": 1}), GENESIS)[0]


def test_a_line_shows_the_seven_base_fields_then_its_own_then_the_chain(line: bytes) -> None:
    found = json.loads(line)

    assert list(found)[:7] == ["seq", "ts", "event", "task_id", "status", "worker_id", "attempt"]
    assert list(found)[7:] == ["reason", "exit_code", "prev", "hash"]
    assert found["worker_id"] is None
    assert found["prev"] == "0" * 64


def test_the_hash_can_be_checked_with_nothing_but_json_and_sha256(line: bytes) -> None:
    found = json.loads(line)
    claimed = found.pop("hash")

    canonical = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()

    assert hashlib.sha256(canonical).hexdigest() == claimed


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_stays_on_one_line_and_comes_back(text: str) -> None:
    raw, digest = render(with_data({"reason": text}), GENESIS)

    assert raw.count(b"\n") == 1
    line = check_line(raw, GENESIS)
    assert isinstance(line, Line)
    assert line.fields["reason"] == text
    assert line.seal == digest


def test_half_a_surrogate_pair_is_written_in_ascii_and_comes_back() -> None:
    row = row_of(data='{"reason":"half \\ud83d bee, 蜂"}')

    raw, _ = render(row, GENESIS)

    assert raw.isascii()
    line = check_line(raw, GENESIS)
    assert isinstance(line, Line)
    assert line.fields["reason"] == "half \ud83d bee, 蜂"
    assert disagreement(line, row) is None


@given(st.dictionaries(st.sampled_from(["reason", "errors", "usage", "raw"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)))  # fmt: skip
def test_whatever_an_event_holds_its_line_agrees_with_it(data: dict[str, Any]) -> None:
    row = with_data(data)

    raw, digest = render(row, "a" * 64)

    line = check_line(raw, "a" * 64)
    assert isinstance(line, Line)
    assert disagreement(line, row) is None
    assert (line.seq, line.prev, line.seal) == (7, "a" * 64, digest)


def test_every_changed_byte_is_noticed(line: bytes) -> None:
    for at in range(len(line)):
        changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        assert isinstance(check_line(changed, GENESIS), Problem), (at, changed)


def test_every_cut_is_noticed(line: bytes) -> None:
    assert all(isinstance(check_line(line[:at]), Problem) for at in range(len(line)))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "torn"),
        (b"\n", "not a JSON object"),
        (b"null\n", "not a JSON object"),
        (b"[1]\n", "not a JSON object"),
        (b"\x00" * 100 + b"\n", "not a JSON object"),
        (b"\xff\xfe\n", "not a JSON object"),
        (b"[" * 100_000 + b"\n", "not a JSON object"),
        (b'{"seq":1,"seq":1}\n', "not a JSON object"),
        (b'{"seq":NaN}\n', "not a JSON object"),
        (b"{}\n", "lacks seq, prev or hash"),
        (b'{"seq":true,"prev":"","hash":""}\n', "lacks seq, prev or hash"),
        (b'{"seq":1,"prev":"","hash":""}\n', "lacks ts, event, task_id, status"),
        (
            b'{"seq":1,"ts":"","event":"","task_id":"","status":"","prev":"","hash":"\\ud800"}\n',
            "was changed",
        ),
    ],
)
def test_what_is_no_line_is_said_to_be_none(raw: bytes, what: str) -> None:
    problem = check_line(raw)

    assert isinstance(problem, Problem)
    assert what in problem.what


def test_a_line_that_follows_another_breaks_the_chain(line: bytes) -> None:
    problem = check_line(line, "b" * 64)

    assert isinstance(problem, Problem)
    assert "chain" in problem.what


@pytest.mark.parametrize(
    ("stored", "fields"),
    [
        ({"reason": "it broke", "exit_code": 1}, None),
        ({"reason": "it broke", "exit_code": 1.0}, "exit_code"),
        ({"reason": "it broke", "exit_code": True}, "exit_code"),
        ({"reason": "other"}, "reason, exit_code"),
        ({"reason": "it broke", "exit_code": 1, "raw": None}, "raw"),
    ],
)
def test_the_fields_that_differ_from_the_store_are_named(
    line: bytes, stored: dict[str, Any], fields: str | None
) -> None:
    found = check_line(line)

    assert isinstance(found, Line)
    assert disagreement(found, with_data(stored)) == fields
