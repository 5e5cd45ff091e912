"""The real daemon over a home whose database broke: it says so, waits for a person, and then goes on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_contract import ENDED
from testing.running_daemon import RunningDaemon

pytestmark = pytest.mark.acceptance


@pytest.fixture
def daemon(tmp_path: Path):
    running = RunningDaemon(tmp_path / "home")
    yield running
    running.kill_everything()


def starts(daemon: RunningDaemon, name: str) -> int:
    return daemon.statuses(name).count("in_progress")


def zero_the_header(state: Path) -> None:
    # The write-ahead log may hold a good copy of the first page, and would heal it.
    (state / "state.db-wal").unlink(missing_ok=True)
    with (state / "state.db").open("r+b") as file:
        file.write(bytes(100))


def lose_the_write_ahead_log(state: Path) -> None:
    wal = state / "state.db-wal"
    wal.write_bytes(bytes(wal.stat().st_size if wal.exists() else 4096))


def is_nothing_lost(daemon: RunningDaemon) -> bool:
    """Whether the database alone has all the log tells of: its write-ahead log had been copied into it."""
    database = daemon.root / ".swarm" / "state.db"
    with contextlib.closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as reader:
        try:
            (kept,) = reader.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        except sqlite3.Error:
            return False
    return kept >= len((daemon.root / "execution_log.jsonl").read_bytes().splitlines())


def start_again(daemon: RunningDaemon) -> None:
    """Start, and wait for the new database: the damaged one may be readable until it is moved away."""
    daemon.start("--no-panel")
    daemon.client().close()  # swarm starts when the rebuilding is over


def wait_until_held(daemon: RunningDaemon, *names: str) -> str:
    """Wait until these wait for the answer; the decision's id."""
    tasks = daemon.wait_until(
        lambda tasks: all("recovery-" in str(tasks.get(name, {}).get("waiting_for")) for name in names),
        "held",
    )
    words = str(tasks[names[0]]["waiting_for"]).replace("`", " ").split()
    return next(word for word in words if word.startswith("recovery-"))


@pytest.mark.parametrize(
    "damage", [zero_the_header, lose_the_write_ahead_log], ids=lambda damage: damage.__name__
)
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_home_that_broke_is_rebuilt_at_the_start_and_runs_nothing_twice(
    daemon: RunningDaemon, damage: Callable[[Path], None], end: str
) -> None:
    daemon.start("--no-panel")
    daemon.add_to_queue(*({"id": f"done-{n}", "command": "true"} for n in range(5)))
    daemon.wait_for_ends(*(f"done-{n}" for n in range(5)))
    # What only the write-ahead log tells is lost with it; then a person is told that it runs again.
    daemon.wait_until_logged("approved", *(f"done-{n}" for n in range(5)))
    if end == "stopped":
        assert daemon.stop() == 0
    else:
        daemon.kill_everything()
    damage(daemon.root / ".swarm")
    is_whole = is_nothing_lost(daemon)
    assert not (is_whole and damage is zero_the_header)
    daemon.add_to_queue({"id": "next", "command": "true"})

    start_again(daemon)
    if is_whole:
        daemon.wait_for_ends("next")  # nobody is asked
    else:
        decision = wait_until_held(daemon, "next")
        assert all(starts(daemon, f"done-{n}") == 1 for n in range(5))
        assert daemon.skep("approve", decision).returncode == 0
        daemon.wait_for_ends("next")
    tasks = daemon.tasks()
    assert all(tasks[f"done-{n}"]["status"] == "approved" for n in range(5))
    assert all(starts(daemon, f"done-{n}") == 1 for n in range(5))
    assert daemon.stop() == 0
    assert daemon.skep("verify").returncode == 0
    assert {task["status"] for task in tasks.values()} <= {str(status) for status in ENDED}


def test_a_stop_in_good_order_leaves_a_copy_and_the_rebuilding_uses_it(daemon: RunningDaemon) -> None:
    daemon.start("--no-panel")
    daemon.add_to_queue({"id": "a", "command": "true"})
    daemon.wait_for_ends("a")
    assert daemon.stop() == 0
    assert (daemon.root / ".swarm" / "backup.db").exists()
    zero_the_header(daemon.root / ".swarm")
    start_again(daemon)
    daemon.add_to_queue({"id": "b", "command": "true"})
    decision = wait_until_held(daemon, "b")
    assert "the backup of" in daemon.skep("events", "--json").stdout
    assert daemon.skep("approve", decision).returncode == 0
    daemon.wait_for_ends("b")
    assert daemon.stop() == 0
    assert daemon.skep("verify").returncode == 0
