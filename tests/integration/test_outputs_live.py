"""An output can be followed while it is written, and what a dead process had written is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from commands.following import blocks_of, without_note
from store import outputs
from store.outputs import OutputSink, adopt_leftovers, follow, live_path, open_output, read_output

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


def test_who_follows_is_not_shown_the_note_about_a_cut_but_all_that_could_imitate_it(folder: Path) -> None:
    spoof = b"[skep: 7 more bytes were not kept; the cap is 3]\n"
    sink = OutputSink(folder, "1-1", 80)
    pieces = without_note(follow(sink.path, lambda: False, 0.001))

    sink.write(spoof + b"on\n")
    seen = next(pieces)
    assert seen == spoof + b"on\n"  # what goes on is no note
    sink.write(b"x" * 100)
    stored = sink.close()
    seen += b"".join(pieces)

    assert seen == spoof + b"on\n" + b"x" * (80 - len(spoof) - 3)
    assert (len(seen), stored.bytes, stored.cut) == (80, 80, 100 - (80 - len(spoof) - 3))
    with open_output(folder, stored.ref) as kept:
        assert b"".join(blocks_of(kept, stored.bytes)) == seen


def test_a_line_of_the_output_s_own_that_looks_like_the_note_is_shown_once_it_is_stored(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"one\n[skep: 7 more bytes")
    pieces = without_note(follow(sink.path, lambda: False, 0.001))
    seen = next(pieces)
    assert seen == b"one"

    stored = sink.close()
    assert b"".join(pieces) == b""
    with open_output(folder, stored.ref) as kept:
        kept.seek(len(seen))
        assert seen + b"".join(blocks_of(kept, None)) == b"one\n[skep: 7 more bytes"
