"""What commands printed and models answered: kept once for each content, under the hash of it.

Output is written live to ``outputs/live/NAME`` while it comes, so that a person can follow it and a killed
attempt leaves what it had printed. When it ends, the file is flushed and renamed to
``outputs/<2 hex>/<62 hex>``, its SHA-256: a name in the store always means those bytes, and a thousand
attempts that print the same cost one file.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import hashlib
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import host_platform
from errors import NotFound, StoreError
from store import database

HEAD_CHARS: Final = 1000
FOLLOW_POLL_S: Final = 0.05
_BLOCK: Final = 256 * 1024
_NEW_S: Final = 5.0
_REF: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CONTROLS: Final = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS


#: How the note about a cut begins, which a stored output ends with and which any output could imitate.
NOTE_BEGINS: Final = b"[skep: "
_MOST_NOTE_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """An output that is on disk for certain."""

    #: SHA-256 of the file
    ref: str
    #: bytes of the output that are kept, without a note about a cut
    bytes: int
    #: bytes that were not kept
    cut: int
    #: the first thousand characters, for a person
    head: str


class OutputSink:
    """An output that is being written. One thread writes; another may close.

    A full disk does not stop what runs: what could not be kept is counted with what was over the cap. Closing
    does raise then, and may be tried again.
    """

    def __init__(self, outputs_dir: Path, name: str, cap_bytes: int) -> None:
        self._outputs = outputs_dir
        self._cap = cap_bytes
        self._lock = threading.Lock()
        self._content = _Content()
        self._kept = self._cut = 0
        self._no_room = self._noted = False
        self._stored: StoredOutput | None = None
        self.path = live_path(outputs_dir, name)
        with database.translated(self.path):
            try:
                self._handle = os.open(self.path, _NEW, 0o600)
            except FileNotFoundError:
                outputs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.path.parent.mkdir(mode=0o700, exist_ok=True)
                self._handle = os.open(self.path, _NEW, 0o600)

    def write(self, data: bytes) -> None:
        """Keep more output, up to the cap. Raises `StoreError` when closed, `OSError` when the disk fails."""
        with self._lock:
            if self._stored is not None or self._noted:
                raise StoreError(f"output {self.path.name} is closed")
            kept = self._store(data[: self._cap - self._kept])
            self._kept += kept
            self._cut += len(data) - kept

    def close(self) -> StoredOutput:
        """Make the output durable under its hash. Raises `StoreFull`, `StoreError`; may be called again."""
        with self._lock:
            if self._stored is None:
                if self._cut and not self._noted:
                    note, self._no_room = self._note(), False
                    self._store(note)
                self._noted = True
                with database.translated(self.path):
                    _settle(self._outputs, self.path, self._handle, self._content)
                os.close(self._handle)
                self._stored = StoredOutput(self._content.ref, self._kept, self._cut, self._content.head)
            return self._stored

    def discard(self) -> None:
        """Drop the output: the attempt never began."""
        with self._lock:
            if self._stored is None:
                self._stored = StoredOutput("", 0, self._kept + self._cut, "")
                os.close(self._handle)
                self.path.unlink(missing_ok=True)

    def _store(self, data: bytes) -> int:
        """Write as much as there is room for; how much that was."""
        left = data
        while left and not self._no_room:
            try:
                written = os.write(self._handle, left)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._no_room = True
            else:
                self._content.take(left[:written])
                left = left[written:]
        return len(data) - len(left)

    def _note(self) -> bytes:
        start = "" if self._content.ends_line else "\n"
        why = "the disk was full" if self._no_room else f"the cap is {self._cap}"
        return f"{start}{NOTE_BEGINS.decode()}{self._cut} more bytes were not kept; {why}]\n".encode()


class _Content:
    """Hash and head of bytes that come in pieces."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.size = 0
        self.head = ""
        self.ends_line = True

    def take(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self.ends_line = data.endswith(b"\n") if data else self.ends_line
        if len(self.head) < HEAD_CHARS:
            self.head = (self.head + self._decoder.decode(data).translate(_CONTROLS))[:HEAD_CHARS]

    @property
    def ref(self) -> str:
        return self._hash.hexdigest()


def _settle(outputs_dir: Path, live: Path, handle: int, content: _Content) -> None:
    """Give a finished file its lasting name, or drop it where the same is kept already."""
    folder = f"{outputs_dir}/{content.ref[:2]}"
    blob = f"{folder}/{content.ref[2:]}"
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(blob)
        if stat.S_ISREG(found.st_mode) and found.st_size == content.size:
            if abs(time.time() - found.st_ctime) < _NEW_S:  # another thread may just be at making it durable
                host_platform.fsync_directory(folder)
            live.unlink(missing_ok=True)
            return
    host_platform.sync_data(handle)
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    live.rename(blob)
    host_platform.fsync_directory(folder)
    host_platform.fsync_directory(outputs_dir)


def live_path(outputs_dir: Path, name: str) -> Path:
    """Where the output of that name is while it is being written."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name for an output: {name!r}")
    return outputs_dir / "live" / name


def open_output(outputs_dir: Path, ref: str) -> BinaryIO:
    """A stored output, to be read. Raises `NotFound`."""
    if not _REF.fullmatch(ref):
        raise NotFound(f"{ref[:80]!r} is not the name of an output")
    try:
        return os.fdopen(_open_plain(outputs_dir / ref[:2] / ref[2:]), "rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no output {ref}") from error


def open_live(outputs_dir: Path, name: str) -> BinaryIO:
    """An output that is being written, to be read as far as it is. Raises `NotFound` once it is stored."""
    try:
        return os.fdopen(_open_plain(live_path(outputs_dir, name)), "rb")
    except FileNotFoundError as error:
        raise NotFound(f"{name} is not being written") from error


def read_output(outputs_dir: Path, ref: str, limit: int = -1) -> bytes:
    """A stored output's bytes, at most `limit` of them. Raises `NotFound`."""
    with open_output(outputs_dir, ref) as handle:
        return handle.read(limit)


def own_bytes(result: Mapping[str, Any]) -> int | None:
    """How many bytes of a stored file are the output's own, before a note about a cut; none: all of them."""
    return result.get("output_bytes") if result.get("output_cut") else None


def cut_told(result: Mapping[str, Any]) -> str:
    """What the store knows of a cut, in a sentence; empty where nothing was cut."""
    cut = result.get("output_cut") or 0
    return f"{cut:,} more bytes of the output were not kept." if cut else ""


def note_at_end(data: bytes) -> int:
    """How many bytes at the end of what is being written may be the note about a cut, whole or begun."""
    text = data.removesuffix(b"\n")
    begin = text.rfind(b"\n") + 1
    line = text[begin:]
    if not line or len(line) > _MOST_NOTE_BYTES:
        return 0
    if not (line.startswith(NOTE_BEGINS) or NOTE_BEGINS.startswith(line)):
        return 0
    return len(data) - max(0, begin - 1)  # the line break before it may be its own


def adopt_leftovers(outputs_dir: Path, in_use: Container[str] = ()) -> dict[str, StoredOutput]:
    """Store what a dead process was writing, by name; names `in_use` belong to a living one."""
    adopted = {}
    live = outputs_dir / "live"
    for path in sorted(live.iterdir()) if live.is_dir() else ():
        if path.name not in in_use:
            with contextlib.suppress(FileNotFoundError), database.translated(path):
                adopted[path.name] = _adopt(outputs_dir, path)
    return adopted


def _adopt(outputs_dir: Path, path: Path) -> StoredOutput:
    handle = _open_plain(path)
    try:
        content = _Content()
        while block := os.read(handle, _BLOCK):
            content.take(block)
        _settle(outputs_dir, path, handle, content)
    finally:
        os.close(handle)
    return StoredOutput(content.ref, content.size, 0, content.head)


def _open_plain(path: Path) -> int:
    """A handle on a regular file; anything else that stands there counts as no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise FileNotFoundError(errno.ENOENT, "not a plain file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(errno.ENOENT, "not a plain file", str(path))
    return handle


def follow(path_live: Path, stop: Callable[[], bool], poll_s: float = FOLLOW_POLL_S) -> Iterator[bytes]:
    """What is written to a live output, as it comes, until it is stored or `stop` says so."""
    try:
        handle = _open_plain(path_live)
    except FileNotFoundError:
        return
    try:
        while True:
            # Looked at before reading: nothing is written after the file has gone, so then all was read.
            over = _is_gone(path_live, handle) or stop()
            while block := os.read(handle, _BLOCK):
                yield block
            if over:
                return
            time.sleep(poll_s)
    finally:
        os.close(handle)


def _is_gone(path: Path, handle: int) -> bool:
    try:
        return not os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return True
