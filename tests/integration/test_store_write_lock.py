"""The writing lock: immediate, and not waited for without end when its holder has been stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from errors import StoreBusy
from store import write_lock
from store.write_lock import WriteLock
from store.writer import Writer
from testing.clock import FakeClock

ROOT = Path(__file__).resolve().parents[2]
#: Takes the lock, says so, and lets go of it when told.
HOLD = """
import sys
from pathlib import Path
from store.write_lock import WriteLock
with WriteLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextlib.contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock, and is stopped."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a stopped holder go on and let go."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.send_signal(signal.SIGCONT)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "let go\n"


def test_a_holder_that_was_stopped_is_named_with_the_way_out(path):
    with holder(path) as process, contextlib.closing(WriteLock(path, 0.05)) as lock:
        with pytest.raises(StoreBusy) as error, lock:
            pass
        assert f"process {process.pid} has held" in error.value.message
        assert f"`kill -CONT {process.pid}`" in error.value.message


def test_who_gave_up_gets_it_later_and_holds_up_nobody(path):
    with holder(path) as process, contextlib.closing(WriteLock(path, 0.05)) as lock:
        for _ in range(3):
            with pytest.raises(StoreBusy), lock:
                pass
        go_on(process)
        with contextlib.closing(WriteLock(path)) as other:
            for each in (other, lock, other, lock):
                with each:
                    pass


def test_a_lock_that_comes_in_time_is_held_and_let_go(path):
    order: list[str] = []
    with holder(path) as process, contextlib.closing(WriteLock(path)) as lock:

        def wait_and_hold() -> None:
            with lock:
                order.append("held")

        waiting = threading.Thread(target=wait_and_hold)
        waiting.start()
        order.append("let go")
        go_on(process)
        waiting.join(60)
        with contextlib.closing(WriteLock(path)) as other, other:
            assert order == ["let go", "held"]


def test_a_function_that_cannot_be_written_says_who_holds_the_home_and_the_next_one_is(path, monkeypatch):
    writer = Writer(path, FakeClock())
    monkeypatch.setattr(write_lock, "WAIT_S", 0.05)
    try:
        with holder(path) as process:
            with pytest.raises(StoreBusy, match=f"process {process.pid} has held"):
                writer.run(lambda tx: tx.set_meta("lost", "1"))
            go_on(process)
            monkeypatch.setattr(write_lock, "WAIT_S", 60)
            writer.run(lambda tx: tx.set_meta("kept", "1"))
        assert writer.run(lambda tx: (tx.meta("lost"), tx.meta("kept"))) == (None, "1")
    finally:
        writer.close()


def test_a_lock_that_was_closed_leaves_no_descriptor(path):
    before = len(list(Path(f"/proc/{os.getpid()}/fd").iterdir())) if Path("/proc").exists() else 0
    with holder(path) as process:
        lock = WriteLock(path)
        waiting = threading.Thread(target=lock.__enter__)
        waiting.start()
        go_on(process)
        waiting.join(60)
        lock.__exit__()
        lock.close()
    if before:
        assert len(list(Path(f"/proc/{os.getpid()}/fd").iterdir())) <= before
