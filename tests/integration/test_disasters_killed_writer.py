"""A process that writes is killed in the middle of it, again and again: what it said was durable is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clock import SystemClock
from settings import Home, Settings
from store import database
from store.recovery import recover_if_damaged
from store.sqlite_store import SqliteStore

REPOSITORY = Path(__file__).resolve().parents[2]
ROUNDS = 20

PROGRAM = """
import sys, threading
from pathlib import Path
from clock import SystemClock
from settings import Home, Settings
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.tasks import new_task
root, turn = Path(sys.argv[1]), sys.argv[2]
store = SqliteStore(Home(root), Settings(disk_free_bytes=0), SystemClock())
def work(thread):
    for number in range(10_000):
        name = f"r{turn}-t{thread}-{number}"
        store.submit(Intake(new=[new_task(id=name, note="x" * 3000)]), "test")
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()
        if number % 7 == 0:
            store.writer.checkpoint()
for thread in range(4):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


def run_and_kill(root: Path, turn: int) -> list[str]:
    """Let it write until it has said so often enough, then SIGKILL; what it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root), str(turn)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(3 + turn * 2)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return told + [line for line in rest.splitlines() if line.count("-") == 2]


@pytest.mark.slow
def test_after_each_of_twenty_kills_the_database_is_sound_and_every_acknowledged_task_is_in_it(
    home: Home,
) -> None:
    acknowledged: set[str] = set()
    for turn in range(ROUNDS):
        told = run_and_kill(home.root, turn)
        assert len(told) > turn
        acknowledged.update(told[:-1])  # of the very last line the end may be missing
        assert (home.state / "state.db-wal").exists()
        assert recover_if_damaged(home, Settings(disk_free_bytes=0)) is None
        database.check_integrity(home.database)
        with SqliteStore(home, Settings(), SystemClock()) as store:
            there = {row["id"] for row in store.reader.tasks()}
            events = [row["seq"] for row in store.reader.events()]
        assert acknowledged <= there
        assert events == list(range(1, len(there) + 1))
