"""What the benchmarks tell about the machine, and the limits that need no daemon."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks import limits, machine, processes, row_intake
from runtime_contract import Limits
from store.queue_file import entries, strict_json


def test_the_machine_is_described(tmp_path: Path):
    about = machine.describe(tmp_path)
    assert {"CPU", "Memory", "System", "File system", "Python", "SQLite", "Peers"} <= about.keys()
    assert all(about.values())
    assert "a second" in about["File system"]
    assert "million additions a second" in about["Python"]
    assert about["When"] in machine.in_short(about)
    assert list(tmp_path.iterdir()) == []


def test_bare_sqlite_works_everything_off(tmp_path: Path):
    assert limits.sqlite_claims_rate(tmp_path / "bare.db", 20, 10) > 0


def test_the_file_of_the_intake_is_one_that_skep_takes(tmp_path: Path):
    data = row_intake.queue_file(20)
    assert 250 < len(data) / 20 < 400
    found = entries.read(strict_json.parse(data, Limits()))
    assert len(found.entries) == len(json.loads(data)["tasks"]) == 20
    assert limits.parse_and_insert_seconds(data, tmp_path / "bare.db") > 0


def test_memory_of_a_process_is_read():
    resident, share = processes.memory_of(os.getpid())
    assert resident >= share > 1
