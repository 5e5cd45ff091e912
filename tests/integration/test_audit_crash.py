"""Killed at any moment, the exporter of the audit leaves no gap, no record twice and a chain that holds."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.integration.exporting import kill_again_and_again, start_exporting
from tests.unit.audit_log.audit_home import audit_home_at

EXPORT_FOR_EVER = """
import sys, time
from pathlib import Path
from tests.unit.audit_log.audit_home import AuditHome

home = AuditHome(Path(sys.argv[1]))
exporter = home.exporter(audit_rotate_bytes=60_000)
exporter.export_new()
print("ready", flush=True)
while True:
    home.decide(17)
    exporter.export_new()
    exporter.sync_if_due(time.monotonic())
"""


@pytest.mark.slow
def test_ten_kills_leave_no_gap_and_no_duplicate(tmp_path: Path) -> None:
    kill_again_and_again(EXPORT_FOR_EVER, tmp_path, 10, random.Random(11))

    with audit_home_at(tmp_path) as audit_home:
        seqs = [record["seq"] for record in audit_home.records()] if audit_home.file.exists() else []
        assert seqs == list(range(1, len(seqs) + 1))  # also before anything is repaired
        audit_home.export(audit_rotate_bytes=60_000)
        assert audit_home.is_whole()
        assert len(audit_home.rows()) > 100


@pytest.mark.parametrize("passage", [1, 2, 9])
def test_a_kill_right_after_a_write_repeats_nothing(tmp_path: Path, passage: int) -> None:
    with start_exporting(EXPORT_FOR_EVER, tmp_path, SKEP_FAULT=f"export.written:{passage}") as process:
        assert process.wait(30) == -signal.SIGKILL

    with audit_home_at(tmp_path) as audit_home:
        audit_home.export(audit_rotate_bytes=60_000)
        assert audit_home.is_whole()
        assert audit_home.repairs() == []


def test_a_kill_before_the_chain_is_noted_loses_no_record(tmp_path: Path) -> None:
    """The key is there and the chain is not: as after a kill between the two."""
    with audit_home_at(tmp_path) as audit_home:
        audit_home.decide(3)
        audit_home.export()
        key = audit_home.home.audit_key.read_text()
        audit_home.file.unlink()
        audit_home.writer.run(lambda tx: tx.run("delete_meta", key="audit_chain"))

        audit_home.export()

        assert audit_home.is_whole()
        assert audit_home.home.audit_key.read_text() == key
