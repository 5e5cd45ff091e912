"""Writes the files of a rollback: beside their places, made durable, and only then renamed into them.

Some dozens are written at a time and handed to the disk together: the file system then pays for few commits
of its journal instead of one a file, and still nothing is renamed whose bytes are not on the disk (fsync(2)).
Right before a file is renamed, what stands in its place is held against what was planned over. What is
written over stays open until the end of the batch: a file system gives its room free only when nobody has it
open, and several threads then wait for that together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from faults import fault_point
from review.checkpoints import present, rights, workspace
from review.checkpoints.obstacles import clear_if_folder
from review.checkpoints.present import Present
from review.checkpoints.workspace import LINK, PROGRAM

_LOOK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: Files, and about how many of their bytes, that lie beside their places at a time.
AT_ONCE: Final = 64
BYTES_AT_ONCE: Final = 32 * 1024 * 1024
#: Threads that wait for the disk.
THREADS: Final = 16


@dataclass(slots=True)
class Writing:
    """A file that is to be written, and how far that is."""

    path: bytes
    #: as git has it: a file, a program or a link
    mode: int
    #: what it is written over
    over: Present
    #: its name until it stands in its place
    fresh: bytes
    #: an open file; none for a link
    handle: int | None = None
    #: what it was written over, still open; none where that was no file
    old: int | None = None
    #: whether something lies beside the place
    is_beside: bool = False
    #: why it could not be written
    error: OSError | None = None


def write_all(root: int, files: Iterator[tuple[Writing, bytes]], most: int) -> Iterator[OSError | None]:
    """Write files with their contents beneath an open folder; of each, in order, why it could not be.

    Parameters:
        most: bytes of a file that may be written over.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="rollback") as pool:
        while True:
            batch: list[Writing] = []
            try:
                _put_beside(root, files, batch)
                _make_durable(batch, pool)
                _put_in_place(root, batch, most)
            finally:
                list(pool.map(_close, batch))
                for each in batch:
                    _take_away(root, each)
            if not batch:
                return
            yield from (each.error for each in batch)


def _put_beside(root: int, files: Iterator[tuple[Writing, bytes]], batch: list[Writing]) -> None:
    """Write the next files beside their places; each is in the batch before it is begun."""
    total = 0
    for each, content in files:
        batch.append(each)
        try:
            _write(root, each, content)
        except OSError as error:
            each.error = error
        total += len(content)
        if len(batch) == AT_ONCE or total >= BYTES_AT_ONCE:
            return


def _write(root: int, each: Writing, content: bytes) -> None:
    with workspace.folder_of(root, each.path, make=True) as folder:
        if each.mode == LINK:
            os.symlink(content, each.fresh, dir_fd=folder)
            each.is_beside = True
            return
        name, is_program = workspace.name_of(each.path), each.mode == PROGRAM
        each.handle = rights.create(folder, each.fresh, name, is_program=is_program)
    each.is_beside = True
    with open(each.handle, "wb", closefd=False) as file:
        file.write(content)


def _make_durable(batch: Sequence[Writing], pool: Executor) -> None:
    written = [each for each in batch if each.handle is not None and each.error is None]
    for each, error in zip(written, pool.map(_sync, written), strict=True):
        each.error = error


def _sync(each: Writing) -> OSError | None:
    assert each.handle is not None  # noqa: S101  it is written
    try:
        os.fsync(each.handle)
    except OSError as error:
        return error
    return None


def _put_in_place(root: int, batch: Sequence[Writing], most: int) -> None:
    for each in batch:
        if each.error is not None:
            continue
        try:
            _rename(root, each, most)
        except OSError as error:
            each.error = error


def _rename(root: int, each: Writing, most: int) -> None:
    path = each.path
    clear_if_folder(root, path)
    with workspace.folder_of(root, path) as folder:
        name = workspace.name_of(path)
        with suppress(OSError):  # nothing, or a link
            each.old = os.open(name, _LOOK, dir_fd=folder)
        fault_point("rollback.written")
        present.check(root, path, each.over, most)
        os.rename(each.fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    each.is_beside = False


def _close(each: Writing) -> None:
    for handle in (each.handle, each.old):
        if handle is not None:
            with suppress(OSError):
                os.close(handle)


def _take_away(root: int, each: Writing) -> None:
    """Nothing stays beside its place that did not come into it."""
    if each.is_beside:
        with suppress(OSError), workspace.folder_of(root, each.path) as folder:
            os.unlink(each.fresh, dir_fd=folder)
