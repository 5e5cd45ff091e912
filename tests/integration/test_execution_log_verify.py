"""The check finds every kind of tampering, where it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from store.execution_log import GENESIS
from tests.unit.execution_log.log_home import LogHome

SMALL = 4096
Lines = list[bytes]


@pytest.fixture
def log_home(tmp_path: Path) -> Iterator[LogHome]:
    home = LogHome(tmp_path)
    yield home
    home.close()


def sealed(event: dict[str, Any]) -> bytes:
    """A line with a hash that fits it."""
    unsealed = {name: value for name, value in event.items() if name != "hash"}
    body = json.dumps(unsealed, ensure_ascii=False, separators=(",", ":")).encode()
    return body[:-1] + f',"hash":"{hashlib.sha256(body).hexdigest()}"}}\n'.encode()


def chained(lines: Lines, change: Callable[[list[dict[str, Any]]], None]) -> Lines:
    """The same lines with a change, and the whole chain made again so that it fits."""
    events = [json.loads(line) for line in lines]
    change(events)
    made, prev = [], GENESIS
    for event in events:
        del event["prev"]
        made.append(sealed({**event, "prev": prev}))
        prev = json.loads(made[-1])["hash"]
    return made


def edit(lines: Lines, at: int, old: bytes, new: bytes) -> Lines:
    assert old in lines[at]
    return [*lines[:at], lines[at].replace(old, new), *lines[at + 1 :]]


def set_field(events: list[dict[str, Any]]) -> None:
    events[4]["exit_code"] = 99


def drop_field(events: list[dict[str, Any]]) -> None:
    del events[4]["reason"]


def add_field(events: list[dict[str, Any]]) -> None:
    prev = events[4].pop("prev")
    events[4] |= {"comment": "all is well", "prev": prev}


def drop_and_renumber(events: list[dict[str, Any]]) -> None:
    del events[4]
    for number, event in enumerate(events, 1):
        event["seq"] = number


def grow(events: list[dict[str, Any]]) -> None:
    events.append({**events[-1], "seq": len(events) + 1})


@pytest.mark.parametrize(
    ("tamper", "line", "what"),
    [
        pytest.param(
            lambda lines: edit(lines, 4, b"because", b"Because"), 5, "was changed", id="changed byte"
        ),
        pytest.param(lambda lines: edit(lines, 4, b"{", b"("), 5, "not a JSON object", id="broken JSON"),
        pytest.param(lambda lines: lines[1:], 1, "event 2 stands where event 1", id="first line removed"),
        pytest.param(
            lambda lines: lines[:4] + lines[5:], 5, "event 6 stands where event 5", id="line removed"
        ),
        pytest.param(
            lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]],
            5,
            "event 6 stands",
            id="lines swapped",
        ),
        pytest.param(lambda lines: lines[:-3], 8, "events 8 to 10 are missing at the end", id="end removed"),
        pytest.param(lambda lines: [], 1, "events 1 to 10 are missing at the end", id="all removed"),
        pytest.param(
            lambda lines: [*lines, lines[-1]], 11, "event 10 stands where event 11", id="line repeated"
        ),
        pytest.param(lambda lines: [*lines[:4], b"\n", *lines[4:]], 5, "not a JSON object", id="empty line"),
        pytest.param(
            lambda lines: [*lines[:4], sealed({**json.loads(lines[3]), "seq": 5}), *lines[4:]],
            5,
            "the chain is broken",
            id="line inserted",
        ),
        pytest.param(
            lambda lines: chained(lines, set_field), 5, "in: exit_code", id="chain made again, changed"
        ),
        pytest.param(
            lambda lines: chained(lines, drop_field), 5, "in: reason", id="chain made again, field gone"
        ),
        pytest.param(
            lambda lines: chained(lines, add_field), 5, "in: comment", id="chain made again, field more"
        ),
        pytest.param(
            lambda lines: chained(lines, drop_and_renumber), 5, "another than the store's", id="renumbered"
        ),
        pytest.param(
            lambda lines: chained(lines, grow), 11, "the store has no event 11", id="event invented"
        ),
        pytest.param(lambda lines: [b"".join(lines)[:-20]], 10, "torn tail", id="torn tail"),
    ],
)
def test_tampering_is_found_where_it_is(
    log_home: LogHome, tamper: Callable[[Lines], Lines], line: int, what: str
) -> None:
    log_home.emit(10)
    log_home.export()
    lines = log_home.log.read_bytes().splitlines(keepends=True)
    log_home.log.write_bytes(b"".join(tamper(lines)))

    result = log_home.verify()

    assert not result.ok
    assert result.first_bad is not None
    assert (result.first_bad.file, result.first_bad.line) == ("execution_log.jsonl", line)
    assert what in result.first_bad.what
    assert result.lines == line - 1


def test_what_the_log_lacks_at_its_end_is_told_where_whoever_leads_should_have_written_it(
    log_home: LogHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_home.emit(5)
    log_home.export()
    log_home.emit(3)
    assert log_home.verify(leader_runs=lambda: True).note == ""

    monkeypatch.setattr("store.chained_log.verify.UNWRITTEN_S", -60.0)  # as if it were a minute later
    assert log_home.verify(leader_runs=lambda: False).note == "", "the next start writes it"
    found = log_home.verify(leader_runs=lambda: True)

    assert found.ok
    assert "Events from 6 on are in the store alone, though Skep runs" in found.note
    log_home.export()
    assert log_home.verify(leader_runs=lambda: True).note == ""


def test_every_removed_line_of_every_file_is_found(log_home: LogHome) -> None:
    log_home.emit(40)
    log_home.export(SMALL)
    assert len(log_home.files()) > 2
    for path in log_home.files():
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        for at in range(len(lines)):
            path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
            assert not log_home.verify().ok, (path, at)
        path.write_bytes(whole)
    assert log_home.verify().ok


def test_a_file_missing_in_the_middle_is_found(log_home: LogHome) -> None:
    log_home.emit(60)
    log_home.export(SMALL)
    log_home.files()[1].unlink()

    assert not log_home.verify().ok


def test_a_missing_log_is_found(log_home: LogHome) -> None:
    log_home.emit(5)
    log_home.export()
    log_home.log.unlink()

    result = log_home.verify()

    assert result.first_bad is not None
    assert "events 1 to 5 are missing at the end" in result.first_bad.what
