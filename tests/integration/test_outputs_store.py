"""What was printed is kept once, whole up to the cap, and survives the process that wrote it."""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import host_platform
from errors import NotFound, StoreError, StoreFull
from store import outputs
from store.outputs import OutputSink, live_path, open_output, read_output
from tests.small_disk import resize, small_disk

REPOSITORY = Path(__file__).resolve().parents[2]
CAP = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


def store(folder: Path, data: bytes, name: str = "1-1", cap: int = CAP) -> outputs.StoredOutput:
    sink = OutputSink(folder, name, cap)
    sink.write(data)
    return sink.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("data", [b"", b"hello\n", bytes(range(256)) * 30])
def test_an_output_is_found_under_its_hash(folder: Path, data: bytes) -> None:
    stored = store(folder, data)

    assert stored.ref == hashlib.sha256(data).hexdigest()
    assert (stored.bytes, stored.cut) == (len(data), 0)
    assert read_output(folder, stored.ref) == data
    assert read_output(folder, stored.ref, 3) == data[:3]
    assert files(folder) == [folder / stored.ref[:2] / stored.ref[2:]]


def test_it_is_for_its_owner_alone(folder: Path) -> None:
    store(folder, b"secret")

    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.is_file() else 0o700)


def test_it_can_be_read_while_it_is_written(folder: Path) -> None:
    sink = OutputSink(folder, "7-2", CAP)
    sink.write(b"first\n")

    assert live_path(folder, "7-2").read_bytes() == b"first\n"
    assert not sink.close().cut


@pytest.mark.parametrize(
    ("pieces", "kept", "cut", "note"),
    [
        ([b"0123456789"], b"0123456789", 0, b""),
        ([b"01234567", b"89ab"], b"0123456789", 2, b"\n[skep: 2 more bytes were not kept; the cap is 10]\n"),
        (
            [b"012345678\nab", b"cd"],
            b"012345678\n",
            4,
            b"[skep: 4 more bytes were not kept; the cap is 10]\n",
        ),
    ],
)
def test_what_is_over_the_cap_is_counted_and_told(
    folder: Path, pieces: list[bytes], kept: bytes, cut: int, note: bytes
) -> None:
    sink = OutputSink(folder, "1-1", 10)
    for piece in pieces:
        sink.write(piece)
    stored = sink.close()

    assert (stored.bytes, stored.cut) == (len(kept), cut)
    assert read_output(folder, stored.ref) == kept + note
    assert stored.ref == hashlib.sha256(kept + note).hexdigest()


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (b"a\tb\r\nc\x1b[31mred\x1b[0m\x00\x7f\xc2\x9b", "a\tb\nc[31mred[0m"),
        (b"\xff\xfe ok", "\ufffd\ufffd ok"),
        ("蜂".encode() * 2000, "蜂" * 1000),
        (b"\x07" * 5000 + b"after the bells", "after the bells"),
    ],
)
def test_the_head_is_text_for_a_person(folder: Path, data: bytes, head: str) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    for byte in range(0, len(data), 7):  # cut through letters
        sink.write(data[byte : byte + 7])

    assert sink.close().head == head


def test_the_same_output_is_kept_once_and_costs_no_flush(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store(folder, b"same")
    monkeypatch.setattr(host_platform, "sync_data", lambda _handle: pytest.fail("flushed"))
    second = store(folder, b"same", "2-1")

    assert first == second
    assert len(files(folder)) == 1


def test_closing_twice_gives_the_same_and_nothing_more_can_be_written(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"x")

    assert sink.close() == sink.close()
    with pytest.raises(StoreError, match="closed"):
        sink.write(b"y")


def test_a_name_in_use_is_not_written_over(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"mine")

    with pytest.raises(FileExistsError):
        OutputSink(folder, "1-1", CAP)

    assert sink.close().bytes == 4


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\n", "x" * 200])
def test_a_name_cannot_lead_elsewhere(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        OutputSink(folder, name, CAP)


@pytest.mark.parametrize("ref", ["", "../../etc/passwd", "0" * 63, "0" * 64 + "\n", "A" * 64, "0" * 64])
def test_what_is_no_output_is_not_found(folder: Path, ref: str) -> None:
    with pytest.raises(NotFound):
        open_output(folder, ref)


def test_a_symbolic_link_is_not_an_output(folder: Path, tmp_path: Path) -> None:
    ref = store(folder, b"x").ref
    blob = folder / ref[:2] / ref[2:]
    blob.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    blob.symlink_to(tmp_path / "secret")

    with pytest.raises(NotFound):
        read_output(folder, ref)


def test_a_discarded_output_leaves_nothing(folder: Path) -> None:
    sink = OutputSink(folder, "1-1", CAP)
    sink.write(b"never mind")
    sink.discard()

    assert files(folder) == []


# -- a full disk ---------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with small_disk(tmp_path, "64k") as point:
        yield point


def test_a_full_disk_cuts_the_output_and_stops_nothing(disk: Path) -> None:
    sink = OutputSink(disk, "1-1", 10**6)
    for _ in range(10):
        sink.write(b"x" * 10_000)
    resize(disk, "1m")
    sink.write(b"y" * 10)  # there is room again, but a hole in the middle would mislead
    stored = sink.close()

    assert stored.bytes + stored.cut == 100_010
    assert stored.cut > 10
    text = read_output(disk, stored.ref)
    assert text[: stored.bytes] == b"x" * stored.bytes
    assert text.endswith(f"\n[skep: {stored.cut} more bytes were not kept; the disk was full]\n".encode())


def test_an_output_that_cannot_be_flushed_can_be_closed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = OutputSink(folder, "1-1", 3)
    sink.write(b"precious")
    with monkeypatch.context() as patch:
        patch.setattr(host_platform, "sync_data", no_room)
        with pytest.raises(StoreFull):
            sink.close()
    stored = sink.close()

    assert read_output(folder, stored.ref) == b"pre\n[skep: 5 more bytes were not kept; the cap is 3]\n"


def no_room(_handle: int) -> None:
    raise OSError(errno.ENOSPC, "no room")
