"""File systems of a few bytes, in memory, for tests of what happens when a disk is full or read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(*arguments: str) -> None:
    """Mount; where that is not allowed the test is skipped, and fails where it must run."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = f"needs the right to mount: {done.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system below `folder`, of `size` as mount(8) reads it."""
    point = folder / "disk"
    point.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(point))
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def resize(disk: Path, size: str) -> None:
    """Give a file system another size."""
    mount("-o", f"remount,size={size}", str(disk))


def fill(disk: Path) -> Path:
    """Leave no byte free; the file that takes them."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return path
