"""An output can be followed while it is written, and what a dead process had written is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store import outputs
from store.outputs import OutputSink, adopt_leftovers, follow, live_path, read_output

REPOSITORY = Path(__file__).resolve().parents[2]
CAP = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


def store(folder: Path, data: bytes, name: str = "1-1", cap: int = CAP) -> outputs.StoredOutput:
    sink = OutputSink(folder, name, cap)
    sink.write(data)
    return sink.close()


PRINT_FOR_EVER = """
import sys
from pathlib import Path
from store.outputs import OutputSink
sink = OutputSink(Path(sys.argv[1]), "9-3", 10**6)
sink.write(b"as far as I came")
print("written", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_had_written_is_kept(folder: Path) -> None:
    command = [sys.executable, "-c", PRINT_FOR_EVER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert process.returncode == -signal.SIGKILL

    adopted = adopt_leftovers(folder)

    assert list(adopted) == ["9-3"]
    assert adopted["9-3"].head == "as far as I came"
    assert read_output(folder, adopted["9-3"].ref) == b"as far as I came"
    assert adopt_leftovers(folder) == {}


def test_what_a_living_process_writes_is_left_alone(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"at work")

    assert adopt_leftovers(folder, in_use={"1-1"}) == {}
    assert sink.close().head == "at work"


def test_links_and_pipes_among_the_leftovers_are_passed_over(folder: Path, tmp_path: Path) -> None:
    OutputSink(folder, "1-1", CAP).discard()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "live" / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "live" / "pipe")

    assert adopt_leftovers(folder) == {}
    assert adopt_leftovers(tmp_path / "nothing here") == {}


@pytest.mark.parametrize("data", [b"end\n", b"other end\n"])
def test_a_follower_sees_everything_to_the_end(folder: Path, data: bytes) -> None:
    store(folder, b"start\nend\n", "0-1")  # one of the two is kept already: its live file is only dropped
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"start\n")
    followed = follow(sink.path, lambda: False, 0.001)
    first = next(followed)

    def finish() -> None:
        sink.write(data)
        sink.close()

    writer = threading.Timer(0.05, finish)
    writer.start()

    assert first + b"".join(followed) == b"start\n" + data
    writer.join()


def test_a_follower_stops_when_told_to(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"so far")

    assert list(follow(sink.path, lambda: True)) == [b"so far"]
    sink.discard()


def test_there_is_nothing_to_follow_without_a_file(folder: Path) -> None:
    assert list(follow(live_path(folder, "1-1"), lambda: False)) == []
