"""When the database is lost the audit goes on: what was exported counts, and what happened is on record."""

from __future__ import annotations

import functools
import json
import sqlite3
from pathlib import Path

import pytest

from store import database
from store.audit_log import AuditExporter, Checkpoint, verify
from testing.clock import FakeClock
from tests.unit.store_recovery.worked_home import WorkedHome


class AuditedHome(WorkedHome):
    """A worked home whose leader exports the audit too."""

    def decide(self, *ids: str) -> None:
        for name in ids:
            self.clock.advance(1)
            self.opened.audit("execution", "allowed", actor="swarm", task_id=name, lease=1)

    def export_audit(self) -> None:
        reader = functools.partial(database.open_reader, self.home.database)
        exporter = AuditExporter(self.home, self.settings, reader, self.opened.writer, self.clock)
        exporter.export_new()
        exporter.close()

    def records(self) -> list[tuple[int, str, str | None]]:
        found = map(json.loads, self.home.audit_file.read_bytes().splitlines())
        return [(one["seq"], one["event"], one["task_id"] or one.get("code")) for one in found]

    def rows(self) -> list[sqlite3.Row]:
        return self.opened.reader.all("audit_after", after=0, limit=1000)

    def macs(self) -> list[str]:
        return [json.loads(line)["mac"] for line in self.home.audit_file.read_bytes().splitlines()]


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock):
    opened = AuditedHome(tmp_path / "home", clock).open()
    opened.do("a")
    opened.decide("a", "b")
    opened.export_audit()
    opened.show()
    yield opened
    if opened.store is not None:
        opened.close()


def lose_the_database(home: AuditedHome) -> None:
    home.close()
    home.overwrite(0, bytes(100))
    assert home.recover() is not None
    home.open()


@pytest.mark.parametrize("with_backup", [True, False], ids=["with a backup", "without a backup"])
def test_what_was_exported_is_entered_again_and_the_chain_goes_on(
    home: AuditedHome, with_backup: bool
) -> None:
    if with_backup:
        home.back_up()
    home.decide("c", "d")
    home.export_audit()
    home.decide("lost")
    checkpoint = Checkpoint(4, home.macs()[3])

    lose_the_database(home)
    home.decide("e")
    home.export_audit()

    assert home.records() == [
        (1, "execution", "a"), (2, "execution", "b"), (3, "execution", "c"), (4, "execution", "d"),
        (5, "recovered", "rebuilt"), (6, "execution", "e"),
    ]  # fmt: skip
    assert [row["seq"] for row in home.rows()] == [1, 2, 3, 4, 5, 6]
    assert verify(home.home, checkpoint=checkpoint).ok
    taken = 2 if with_backup else 4
    assert f"{taken} records were taken" in json.loads(home.rows()[4]["data"])["reason"]


def test_a_damaged_record_leaves_a_place_that_says_so(home: AuditedHome) -> None:
    home.decide("c", "d")
    home.export_audit()
    checkpoint = Checkpoint(4, home.macs()[3])
    lines = home.home.audit_file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"allowed", b"blocked")
    home.home.audit_file.write_bytes(b"".join(lines))

    lose_the_database(home)
    home.export_audit()

    assert [record[1:] for record in home.records()] == [
        ("execution", "a"), ("execution", "b"), ("recovered", "lost"), ("execution", "d"),
        ("recovered", "rebuilt"), ("recovered", "torn"),
    ]  # fmt: skip
    assert home.home.audit_file.with_name("audit.torn-1").read_bytes() == b"".join(lines[2:])
    assert json.loads(home.rows()[2]["data"])["code"] == "lost"
    assert "passed over as damaged: 1" in json.loads(home.rows()[4]["data"])["reason"]
    assert "Passed over as damaged: 1 line of the audit." in home.opened.reader.decisions()[0]["question"]
    assert verify(home.home).ok
    assert not verify(home.home, checkpoint=checkpoint).ok


def test_records_of_another_key_are_not_believed(home: AuditedHome) -> None:
    before = home.home.audit_file.read_bytes()
    home.home.audit_key.write_text("0" * 64)

    lose_the_database(home)
    home.export_audit()

    assert home.records() == [(1, "recovered", "rebuilt"), (2, "recovered", "rekeyed")]
    assert home.home.audit_file.with_name("audit.rekeyed-1.jsonl").read_bytes() == before
    assert verify(home.home).ok


def test_without_the_key_the_audit_begins_anew_and_says_why(home: AuditedHome) -> None:
    home.home.audit_key.unlink()

    lose_the_database(home)
    home.export_audit()

    assert [record[1:] for record in home.records()] == [("recovered", "rebuilt"), ("recovered", "rekeyed")]
    assert "the key of the audit cannot be used" in json.loads(home.rows()[0]["data"])["reason"]
    assert "The audit was not used" in home.opened.reader.decisions()[0]["question"]


def test_the_audit_of_another_home_is_not_taken_in(
    home: AuditedHome, tmp_path: Path, clock: FakeClock
) -> None:
    home.back_up()
    other = AuditedHome(tmp_path / "other", clock).open()
    other.decide("x", "y", "z")
    other.export_audit()
    other.close()
    for name in ("audit_file", "audit_key"):
        getattr(home.home, name).write_bytes(getattr(other.home, name).read_bytes())

    lose_the_database(home)
    home.export_audit()

    assert [row["task_id"] for row in home.rows()][:2] == ["a", "b"]
    assert "does not belong to the backup" in json.loads(home.rows()[2]["data"])["reason"]
    assert verify(home.home).ok
