"""A record is one line that proves itself to whoever has the key, and to nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.audit_log.record import RECORD_FIELDS, AuditChain, columns_of, record_of
from store.chained_log.book import Line, Problem

KEY = b"k" * 32
CHAIN = AuditChain(KEY, "c" * 64)


def row_of(**fields: Any) -> sqlite3.Row:
    columns = {
        "seq": 7,
        "ts": "2026-11-21T07:00:00.000001Z",
        "boot": "boot-1",
        "event": "execution",
        "decision": "allowed",
        "actor": "swarm",
        "task_id": "t",
        "lease": 2,
        "rule": None,
        "digest": "ab" * 32,
        "cost_micros": None,
        "data": "{}",
    } | fields
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        names = ", ".join(f":{name} AS {name}" for name in columns)
        row: sqlite3.Row = connection.execute(f"SELECT {names}", columns).fetchone()
    connection.close()
    return row


@pytest.fixture
def line() -> bytes:
    return CHAIN.render(row_of(data='{"level":"L3"}'), CHAIN.genesis)[0]


def test_a_record_shows_what_every_record_has_and_its_own_fields(line: bytes) -> None:
    found = json.loads(line)

    assert found.keys() == RECORD_FIELDS.keys() | {"level", "prev", "mac"}
    assert (found["v"], found["rule"], found["prev"]) == (1, None, CHAIN.genesis)


def test_the_mac_can_be_checked_with_nothing_but_json_and_hmac(line: bytes) -> None:
    found = json.loads(line)
    claimed = found.pop("mac")

    canonical = json.dumps(found, sort_keys=True, separators=(",", ":")).encode()

    assert hmac.new(KEY, canonical, hashlib.sha256).hexdigest() == claimed


@pytest.mark.parametrize(
    "text",
    ["plain", 'quote " \\', "line\nbreak\r\x85\u2028", "\x1b[2J", "\u202egnp", "蜂 🐝", "\ud83d", "\x00"],
)
def test_any_text_stays_on_one_line_of_ascii_and_comes_back(text: str) -> None:
    raw, mac = CHAIN.render(row_of(data=json.dumps({"reason": text})), CHAIN.genesis)

    assert raw.isascii()
    assert raw[:-1].decode().isprintable()
    line = CHAIN.check_line(raw, CHAIN.genesis)
    assert isinstance(line, Line)
    assert (line.fields["reason"], line.seal) == (text, mac)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["reason", "count", "origin"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)))  # fmt: skip
def test_whatever_a_record_holds_its_line_agrees_with_it_and_gives_the_row_again(
    data: dict[str, Any],
) -> None:
    row = row_of(data=json.dumps(data))

    raw, _ = CHAIN.render(row, "a" * 64)

    line = CHAIN.check_line(raw, "a" * 64)
    assert isinstance(line, Line)
    assert CHAIN.disagreement(line, row) is None
    columns = columns_of(line.fields)
    assert columns is not None
    assert record_of(row_of(**columns)) == record_of(row)
    assert CHAIN.render(row_of(**columns), "a" * 64)[0] == raw


def test_every_changed_byte_is_noticed(line: bytes) -> None:
    for at in range(len(line)):
        changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        assert isinstance(CHAIN.check_line(changed, CHAIN.genesis), Problem), (at, changed)


def test_every_cut_is_noticed(line: bytes) -> None:
    assert all(isinstance(CHAIN.check_line(line[:at]), Problem) for at in range(len(line)))


@pytest.mark.parametrize("name", [*RECORD_FIELDS, "level", "prev"])
def test_a_changed_field_is_noticed_whichever_it_is(line: bytes, name: str) -> None:
    found = json.loads(line)
    found[name] = "other" if isinstance(found[name], str) else 99

    problem = CHAIN.check_line(json.dumps(found, sort_keys=True, separators=(",", ":")).encode() + b"\n")

    assert isinstance(problem, Problem)
    assert problem.what in {"the record was changed: its mac does not fit it",
                            "seq, prev or mac of the record is of the wrong type"}  # fmt: skip


def test_another_key_proves_nothing(line: bytes) -> None:
    problem = AuditChain(b"x" * 32, CHAIN.genesis).check_line(line)

    assert problem == Problem("the record was changed: its mac does not fit it")


def test_the_same_record_in_another_form_is_not_taken(line: bytes) -> None:
    for text in (json.dumps(json.loads(line)), json.dumps(json.loads(line), sort_keys=True, indent=None)):
        assert CHAIN.check_line(text.encode() + b"\n") == Problem("the record is not in canonical form")


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
        (b"{}\n", "lacks v, seq, ts"),
    ],
)
def test_what_is_no_record_is_said_to_be_none(raw: bytes, what: str) -> None:
    problem = CHAIN.check_line(raw)

    assert isinstance(problem, Problem)
    assert what in problem.what


def test_numbers_and_depths_that_json_lets_in_do_not_break_the_check(line: bytes) -> None:
    for value in (b"1e999", b"[" * 900 + b"]" * 900, b"1" * 5000):
        raw = line.replace(b'"lease":2', b'"lease":' + value)
        assert raw != line
        assert isinstance(CHAIN.check_line(raw), Problem)


def test_a_record_that_follows_another_breaks_the_chain(line: bytes) -> None:
    problem = CHAIN.check_line(line, "b" * 64)

    assert isinstance(problem, Problem)
    assert "chain" in problem.what


@pytest.mark.parametrize(
    "spoil", [{"seq": "7"}, {"v": 2}, {"ts": 1}, {"lease": "1"}, {"task_id": 4}, {"cost_micros": 1.5}]
)
def test_a_record_that_no_row_gives_is_not_entered(spoil: dict[str, Any]) -> None:
    assert columns_of(record_of(row_of()) | spoil) is None


def test_a_record_that_lacks_a_field_is_not_entered() -> None:
    record = record_of(row_of())
    del record["boot"]

    assert columns_of(record) is None
