"""The execution token: who can read this home's private directory may have tasks executed, nobody else."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from store import database

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_new(path: Path) -> str:
    """Make a new token and put it at `path`, readable by this user alone from the first moment on."""
    token = secrets.token_urlsafe(48)
    written = path.with_name(f"{path.name}.{os.getpid()}")
    with database.translated(path):
        written.unlink(missing_ok=True)
        handle = os.open(written, _FLAGS, 0o600)
        try:
            os.write(handle, token.encode("ascii"))
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
        written.rename(path)
    return token


def remove(path: Path, token: str) -> None:
    """Take the token away at a stop, unless a later swarm has put its own there."""
    with contextlib.suppress(OSError):
        if path.read_text("ascii") == token:
            path.unlink()
