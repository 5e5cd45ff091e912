"""The execution token: who can read this home's private directory may have tasks executed, nobody else."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from pathlib import Path

from errors import SkepError
from store import database, private_files


def new() -> str:
    """A new token, 384 random bits."""
    return secrets.token_urlsafe(48)


def digest(token: str) -> str:
    """SHA-256 of a token: tells one from another, and is of no use to who finds it."""
    return hashlib.sha256(token.encode()).hexdigest()


def write(path: Path, token: str) -> None:
    """Put a token at `path`, readable by this user alone from the first moment on. Raises `StoreError`."""
    with database.translated(path):
        private_files.write(path, token)


def remove(path: Path, token: str) -> None:
    """Take the token away at a stop, unless a later swarm has put its own there."""
    with contextlib.suppress(OSError, SkepError):
        if private_files.read(path) == token:
            path.unlink()
