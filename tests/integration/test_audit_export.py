"""The audit file holds every record once, in order, under a key of its own, whatever happens to it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreReadOnly
from tests.unit.audit_log.audit_home import AuditHome, audit_home_at

SMALL = 4096


@pytest.fixture
def audit_home(tmp_path: Path) -> Iterator[AuditHome]:
    with audit_home_at(tmp_path) as home:
        yield home


def test_records_are_exported_once_and_in_order(audit_home: AuditHome) -> None:
    exporter = audit_home.exporter()
    written = []
    for count in (1, 3, 1500):
        audit_home.decide(count)
        written.append(exporter.export_new())
    exporter.close()

    assert written == [1, 3, 1500]
    assert audit_home.is_whole()
    macs = [record["mac"] for record in audit_home.records()]
    assert [record["prev"] for record in audit_home.records()][1:] == macs[:-1]


def test_file_and_key_are_for_their_owner_alone(audit_home: AuditHome) -> None:
    before = os.umask(0)
    try:
        audit_home.decide()
        audit_home.export()
    finally:
        os.umask(before)

    for path in (audit_home.file, audit_home.home.audit_key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_homes_have_two_keys_and_two_chains(tmp_path: Path) -> None:
    begun = []
    for name in ("a", "b"):
        with audit_home_at(tmp_path / name) as home:
            home.decide()
            home.export()
            begun.append((home.records()[0]["prev"], home.home.audit_key.read_text()))

    assert len({chain for chain, _ in begun}) == 2
    assert len({key for _, key in begun}) == 2


def test_a_restart_goes_on_where_the_file_ends(audit_home: AuditHome) -> None:
    for _ in range(5):
        audit_home.decide(7)
        audit_home.export()

    assert audit_home.is_whole()
    assert audit_home.repairs() == []


def test_a_full_file_is_given_a_name_and_the_next_one_continues_its_last_mac(audit_home: AuditHome) -> None:
    exporter = audit_home.exporter(audit_rotate_bytes=SMALL)
    for _ in range(6):
        audit_home.decide(20)
        exporter.export_new()
    exporter.close()

    first, second = audit_home.files()[:2]
    assert first.name.startswith("audit.000000000001-0000000000")
    assert (
        json.loads(second.read_bytes().splitlines()[0])["prev"]
        == (json.loads(first.read_bytes().splitlines()[-1])["mac"])
    )
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in audit_home.files())
    assert audit_home.is_whole()


def test_a_torn_last_line_is_kept_aside_written_again_and_told(audit_home: AuditHome) -> None:
    audit_home.decide(3)
    audit_home.export()
    whole = audit_home.file.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    audit_home.file.write_bytes(whole[: last + 50])
    audit_home.writer.run(lambda tx: tx.set_meta("audit_exported_seq", "2"))

    audit_home.export()

    assert audit_home.file.read_bytes().startswith(whole)
    assert audit_home.file.with_name("audit.torn-1").read_bytes() == whole[last : last + 50]
    assert audit_home.is_whole()
    assert audit_home.records()[-1]["event"] == "recovered"
    (repair,) = audit_home.repairs()
    assert (repair["code"], repair["file"], repair["bytes"]) == ("torn", "audit.torn-1", 50)
    assert audit_home.events("audit.repaired") == [repair]


@pytest.mark.parametrize("act", ["delete", "empty", "append", "forge"])
def test_a_file_that_is_changed_under_the_daemon_is_put_right(audit_home: AuditHome, act: str) -> None:
    exporter = audit_home.exporter()
    audit_home.decide(10)
    exporter.export_new()
    exporter.sync_if_due(100.0)
    if act == "delete":
        audit_home.file.unlink()
    elif act == "empty":
        os.truncate(audit_home.file, 0)
    elif act == "append":
        with audit_home.file.open("ab") as handle:
            handle.write(b"nothing happened\n")
    else:
        with audit_home.file.open("ab") as handle:
            handle.write(audit_home.raw()[-1].replace(b'"seq":10', b'"seq":11'))
    audit_home.decide(5)
    exporter.export_new()
    exporter.close()

    assert audit_home.is_whole()
    assert len(audit_home.repairs()) == 1


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory"])
def test_what_is_no_plain_file_is_not_written_to_and_the_audit_goes_on_when_it_is_gone(
    audit_home: AuditHome, tmp_path: Path, kind: str
) -> None:
    exporter = audit_home.exporter()
    audit_home.decide(2)
    exporter.export_new()
    away = audit_home.file.rename(tmp_path / "away")
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    if kind == "symlink":
        audit_home.file.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(audit_home.file)
    else:
        audit_home.file.mkdir()
    audit_home.decide()

    for _ in range(2):
        with pytest.raises(StoreReadOnly, match="not a plain file"):
            exporter.export_new()

    assert target.read_bytes() == b"precious"
    audit_home.file.rmdir() if kind == "directory" else audit_home.file.unlink()
    away.rename(audit_home.file)
    exporter.export_new()
    exporter.close()
    assert audit_home.is_whole()
    assert audit_home.repairs() == []


# -- the key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_not_used(audit_home: AuditHome, mode: int) -> None:
    audit_home.decide()
    audit_home.export()
    audit_home.home.audit_key.chmod(mode)
    audit_home.decide()

    with pytest.raises(StoreReadOnly, match="chmod 600"):
        audit_home.exporter().export_new()
    with pytest.raises(StoreReadOnly, match="chmod 600"):
        audit_home.verify()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another user needs root")
def test_a_key_of_another_user_is_not_used(audit_home: AuditHome) -> None:
    audit_home.decide()
    audit_home.export()
    os.chown(audit_home.home.audit_key, 65534, 65534)
    audit_home.decide()

    with pytest.raises(StoreReadOnly, match="not a plain file of yours alone"):
        audit_home.exporter().export_new()


def test_a_link_in_place_of_the_key_is_not_followed(audit_home: AuditHome, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("0" * 64)
    (tmp_path / "mine").chmod(0o600)
    audit_home.home.audit_key.symlink_to(tmp_path / "mine")
    audit_home.decide()

    with pytest.raises(StoreReadOnly, match="not a plain file of yours alone"):
        audit_home.exporter().export_new()


def test_a_key_that_is_none_is_refused(audit_home: AuditHome) -> None:
    audit_home.home.audit_key.write_text("secret")
    audit_home.home.audit_key.chmod(0o600)
    audit_home.decide()

    with pytest.raises(StoreReadOnly, match="holds no key"):
        audit_home.exporter().export_new()


@pytest.mark.parametrize("loss", ["removed", "replaced"])
def test_a_lost_key_begins_a_new_chain_and_keeps_what_the_old_one_sealed(
    audit_home: AuditHome, loss: str
) -> None:
    exporter = audit_home.exporter(audit_rotate_bytes=SMALL)
    for _ in range(3):
        audit_home.decide(10)
        exporter.export_new()
    exporter.close()
    old, before, checkpoint = audit_home.raw(), audit_home.records(), audit_home.checkpoint
    if loss == "removed":
        audit_home.home.audit_key.unlink()
    else:
        audit_home.home.audit_key.write_text("0" * 64)

    audit_home.export(audit_rotate_bytes=SMALL)

    assert audit_home.is_whole()
    after = audit_home.records()
    assert after[0]["prev"] != before[0]["prev"]
    assert [record["task_id"] for record in after[:30]] == [record["task_id"] for record in before]
    kept = sorted(audit_home.file.parent.glob("audit.rekeyed-*.jsonl"))
    assert b"".join(path.read_bytes() for path in kept) == b"".join(old)
    assert [repair["code"] for repair in audit_home.repairs()] == ["rekeyed"]
    assert not audit_home.verify(checkpoint).ok


# -- checkpoints --------------------------------------------------------------------------------------------


def test_a_checkpoint_is_made_every_thousand_records_and_at_the_stop(audit_home: AuditHome) -> None:
    exporter = audit_home.exporter()
    made = []
    for count in (999, 1, 5):
        audit_home.decide(count)
        exporter.export_new()
        made.append(audit_home.meta("audit_checkpoint"))
    exporter.close()

    assert made[0] is None
    assert made[1] == made[2]
    told = [event["checkpoint"] for event in audit_home.events("audit.checkpoint")]
    records = audit_home.records()
    assert told == [f"1000:{records[999]['mac']}", f"1005:{records[1004]['mac']}"]
    assert str(audit_home.checkpoint) == told[1]


def test_a_stop_without_a_new_record_makes_no_checkpoint(audit_home: AuditHome) -> None:
    audit_home.decide()
    for _ in range(3):
        audit_home.export()

    assert len(audit_home.events("audit.checkpoint")) == 1


def test_checkpoints_are_added_to_the_file_of_the_users_choice(tmp_path: Path) -> None:
    away = tmp_path / "away" / "checkpoints"
    away.parent.mkdir()
    with audit_home_at(tmp_path / "home", audit_checkpoint_file=str(away)) as audit_home:
        for _ in range(2):
            audit_home.decide()
            audit_home.export()

        told = [json.loads(line) for line in away.read_text().splitlines()]
        assert [each["checkpoint"].partition(":")[0] for each in told] == ["1", "2"]
        assert told[1]["checkpoint"] == str(audit_home.checkpoint)
        assert told[0]["home"] == str(tmp_path / "home")


def test_a_checkpoint_file_that_cannot_be_written_holds_nothing_up_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with audit_home_at(tmp_path / "home", audit_checkpoint_file=str(tmp_path / "link")) as audit_home:
        audit_home.decide()
        audit_home.export()

        (event,) = audit_home.events("audit.checkpoint")
        assert "could not be added" in event["reason"]
        assert "could not be added" in caplog.text
        assert not (tmp_path / "elsewhere").exists()
        assert audit_home.is_whole()
