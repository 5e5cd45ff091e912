"""The execution token: who can read this home's private directory may have tasks executed, nobody else."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from pathlib import Path
from typing import Final

from errors import SkepError
from redaction import KNOWN
from store import database, private_files

#: Tells a token from other texts, so that one in a log or a prompt is known for what it is.
PREFIX: Final = "skep_"


def new() -> str:
    """A new token, 384 random bits, which nothing that is shown will hold from here on."""
    token = PREFIX + secrets.token_urlsafe(48)
    KNOWN.learn(token, "execution-token")
    return token


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
