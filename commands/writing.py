"""Lines into a file of the user's choice, whole or not at all; or on standard output."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click


def write_lines(out: Path | None, lines: Iterable[str]) -> int:
    """Write lines; how many. A file is put in place when all of it is there. Raises `OSError`."""
    count = 0
    if out is None:
        for line in lines:
            click.echo(line)
            count += 1
        return count
    handle, fresh = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(out)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(fresh).unlink()
        raise
    return count
