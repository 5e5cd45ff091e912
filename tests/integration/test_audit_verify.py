"""The check says what is wrong and where; what it cannot see alone it sees against a checkpoint."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import StoreError
from store.audit_log import Checkpoint
from tests.unit.audit_log.audit_home import AuditHome, audit_home_at

Record = dict[str, Any]
Lines = list[bytes]


@pytest.fixture
def audit_home(tmp_path: Path) -> Iterator[AuditHome]:
    with audit_home_at(tmp_path) as home:
        for _ in range(10):
            home.decide()
        home.export()
        yield home


def line_of(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def sealed(record: Record, key: bytes) -> Record:
    """A record with a MAC that fits it."""
    unsealed = {name: value for name, value in record.items() if name != "mac"}
    mac = hmac.new(key, line_of(unsealed)[:-1], hashlib.sha256).hexdigest()
    return unsealed | {"mac": mac}


def resealed(records: list[Record], key: bytes) -> Lines:
    """The whole chain made again so that it fits, by somebody who has the key."""
    made: list[Record] = []
    for record in records:
        prev = made[-1]["mac"] if made else records[0]["prev"]
        made.append(sealed(record | {"prev": prev}, key))
    return [line_of(record) for record in made]


def key_of(audit_home: AuditHome) -> bytes:
    return bytes.fromhex(audit_home.home.audit_key.read_text())


def edit(lines: Lines, at: int, old: bytes, new: bytes) -> Lines:
    assert old in lines[at]
    return [*lines[:at], lines[at].replace(old, new), *lines[at + 1 :]]


@pytest.mark.parametrize(
    ("tamper", "line", "what"),
    [
        pytest.param(lambda lines: edit(lines, 4, b"allowed", b"blocked"), 5, "mac does not fit", id="mac"),
        pytest.param(lambda lines: edit(lines, 4, b"{", b"("), 5, "not a JSON object", id="JSON"),
        pytest.param(lambda lines: lines[1:], 1, "record 2 stands where record 1", id="first removed"),
        pytest.param(lambda lines: lines[:4] + lines[5:], 5, "record 6 stands where record 5", id="seq gap"),
        pytest.param(
            lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5, "record 6 stands", id="swapped"
        ),
        pytest.param(lambda lines: [*lines, lines[-1]], 11, "record 10 stands where", id="repeated"),
        pytest.param(lambda lines: [*lines[:4], b"\n", *lines[4:]], 5, "not a JSON object", id="empty line"),
        pytest.param(lambda lines: lines[:-3], 8, "records 8 to 10 are missing at the end", id="end removed"),
        pytest.param(lambda lines: [], 1, "records 1 to 10 are missing at the end", id="all removed"),
        pytest.param(lambda lines: [b"".join(lines)[:-20]], 10, "torn tail", id="torn"),
        pytest.param(
            lambda lines: [*lines[:4], json.dumps(json.loads(lines[4])).encode() + b"\n", *lines[5:]],
            5, "not in canonical form", id="spaces",
        ),
    ],
)  # fmt: skip
def test_what_somebody_without_the_key_does_is_seen(
    audit_home: AuditHome, tamper: Callable[[Lines], Lines], line: int, what: str
) -> None:
    audit_home.file.write_bytes(b"".join(tamper(audit_home.raw())))

    found = audit_home.verify()

    assert not found.ok
    assert found.first_bad is not None
    assert (found.first_bad.file, found.first_bad.line) == ("audit.jsonl", line)
    assert what in found.first_bad.what


def change_field(name: str) -> Callable[[list[Record]], None]:
    def change(records: list[Record]) -> None:
        records[4][name] = "other" if isinstance(records[4][name], str) else 99

    return change


FIELDS = [
    "ts",
    "boot",
    "event",
    "decision",
    "actor",
    "task_id",
    "lease",
    "rule",
    "digest",
    "cost_micros",
    "reason",
]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_changed_by_somebody_with_the_key_differs_from_the_store(
    audit_home: AuditHome, name: str
) -> None:
    records = audit_home.records()
    change_field(name)(records)
    audit_home.file.write_bytes(b"".join(resealed(records, key_of(audit_home))))

    found = audit_home.verify()

    assert found.first_bad is not None
    assert (found.first_bad.line, found.first_bad.what) == (
        5,
        f"record 5 is another than the store's, in: {name}",
    )


def test_a_chain_that_is_cut_and_sealed_again_is_seen(audit_home: AuditHome) -> None:
    records = audit_home.records()
    records[4] = sealed(records[4] | {"prev": "f" * 64}, key_of(audit_home))
    audit_home.file.write_bytes(b"".join(map(line_of, records)))

    found = audit_home.verify()

    assert found.first_bad is not None
    assert (found.first_bad.line, "chain is broken" in found.first_bad.what) == (5, True)


def test_a_row_changed_in_the_store_is_seen_against_the_file(audit_home: AuditHome) -> None:
    in_store(audit_home, "UPDATE audit SET decision = 'blocked' WHERE seq = 5")

    found = audit_home.verify()

    assert found.first_bad is not None
    assert found.first_bad.what == "record 5 is another than the store's, in: decision"


def in_store(audit_home: AuditHome, *statements: str) -> None:
    """What somebody does who can write the database."""
    audit_home.close()
    with sqlite3.connect(audit_home.home.database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_time_that_goes_back_in_file_and_store_is_seen(audit_home: AuditHome) -> None:
    earlier = "2000-01-01T00:00:00.000000Z"
    records = audit_home.records()
    records[4]["ts"] = earlier
    audit_home.file.write_bytes(b"".join(resealed(records, key_of(audit_home))))
    in_store(audit_home, f"UPDATE audit SET ts = '{earlier}' WHERE seq = 5")

    found = audit_home.verify()

    assert found.first_bad is not None
    assert (found.first_bad.line, "time goes back: record 5" in found.first_bad.what) == (5, True)


def test_a_clock_that_was_set_back_says_so_and_breaks_nothing(audit_home: AuditHome) -> None:
    audit_home.clock.jump(-3600)
    audit_home.decide()
    audit_home.decide()
    audit_home.export()

    assert audit_home.is_whole()
    back = [record.get("clock_back_s") for record in audit_home.records()]
    assert back[10] == pytest.approx(3599)
    assert back[11] is None


# -- truncation ---------------------------------------------------------------------------------------------


def truncate(audit_home: AuditHome, left: int) -> None:
    """Cut the end from the file and from the store, as somebody can who has both."""
    audit_home.file.write_bytes(b"".join(audit_home.raw()[:left]))
    in_store(
        audit_home,
        f"DELETE FROM audit WHERE seq > {left}",
        f"UPDATE sqlite_sequence SET seq = {left} WHERE name = 'audit'",
        f"UPDATE meta SET value = '{left}' WHERE key = 'audit_exported_seq'",
    )


def test_what_is_cut_from_file_and_store_shows_only_against_a_checkpoint(audit_home: AuditHome) -> None:
    checkpoint = audit_home.checkpoint
    truncate(audit_home, 7)

    assert audit_home.verify().ok
    against = audit_home.verify(checkpoint)
    assert against.first_bad is not None
    assert against.first_bad.line == 8
    assert "ends with record 7, the checkpoint is of record 10: its end was cut off" in against.first_bad.what


def test_a_history_written_anew_by_somebody_with_the_key_shows_against_a_checkpoint(
    audit_home: AuditHome,
) -> None:
    checkpoint = audit_home.checkpoint
    records = audit_home.records()
    records[4]["decision"] = "blocked"
    audit_home.file.write_bytes(b"".join(resealed(records, key_of(audit_home))))
    in_store(audit_home, "UPDATE audit SET decision = 'blocked' WHERE seq = 5")

    assert audit_home.verify().ok
    against = audit_home.verify(checkpoint)
    assert against.first_bad is not None
    assert (against.first_bad.line, "written anew" in against.first_bad.what) == (10, True)


def test_a_good_audit_holds_every_checkpoint_that_was_told(audit_home: AuditHome) -> None:
    audit_home.decide(5)
    earlier = audit_home.checkpoint
    audit_home.export()

    assert audit_home.verify(earlier).ok
    assert audit_home.verify(audit_home.checkpoint).ok
    assert audit_home.verify(Checkpoint(3, audit_home.records()[2]["mac"])).ok


def test_a_good_audit_says_how_far_it_goes(audit_home: AuditHome) -> None:
    found = audit_home.verify()

    assert found.ok
    assert (found.lines, found.seq, found.seal) == (10, 10, audit_home.records()[-1]["mac"])


def test_a_checkpoint_whose_record_was_archived_away_cannot_be_checked(tmp_path: Path) -> None:
    with audit_home_at(tmp_path) as audit_home:
        exporter = audit_home.exporter(audit_rotate_bytes=4096)
        for _ in range(3):
            audit_home.decide(20)
            exporter.export_new()
        exporter.close()
        early = Checkpoint(1, audit_home.records()[0]["mac"])
        audit_home.files()[0].rename(tmp_path / "archive")

        assert audit_home.verify().ok
        assert "their files were moved away" in audit_home.verify().note
        found = audit_home.verify(early)
        assert found.first_bad is not None
        assert "was moved away" in found.first_bad.what


# -- what cannot be checked ---------------------------------------------------------------------------------


def test_another_key_is_named_as_what_is_wrong(audit_home: AuditHome) -> None:
    audit_home.home.audit_key.write_text("0" * 64)

    found = audit_home.verify()

    assert found.first_bad is not None
    assert (found.first_bad.file, "another key" in found.first_bad.what) == ("audit.key", True)


def test_without_the_key_nothing_is_checked(audit_home: AuditHome) -> None:
    audit_home.home.audit_key.unlink()

    with pytest.raises(StoreError, match="put it back"):
        audit_home.verify()


def test_an_audit_that_was_never_exported_says_so(tmp_path: Path) -> None:
    with audit_home_at(tmp_path) as audit_home, pytest.raises(StoreError, match="No record"):
        audit_home.verify()


@pytest.mark.slow
def test_a_hundred_thousand_records_are_checked_one_by_one(tmp_path: Path) -> None:
    with audit_home_at(tmp_path) as audit_home:
        for _ in range(10):
            audit_home.decide(10_000)
        audit_home.export()

        found = audit_home.verify()

        assert (found.ok, found.lines) == (True, 100_000)
