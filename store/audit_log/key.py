"""The key of the audit: 256 random bits in ``.swarm/audit.key``, made once, for their owner alone.

Who lacks it can change no record unnoticed. Who holds it, and that is every program of the same user, can:
against those only a checkpoint helps that is kept out of their reach.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path
from typing import Final

from errors import StoreReadOnly
from store import database, private_files

_BYTES: Final = 32
_TEXT: Final = re.compile(r"[0-9a-f]{64}")


class KeyMissing(StoreReadOnly):
    """The key of the audit is missing."""

    code = "audit_key_missing"


def read(path: Path) -> bytes:
    """The key. Raises `KeyMissing`, `NotPrivate`, `StoreReadOnly`."""
    with database.translated(path):
        try:
            text = private_files.read(path)
        except FileNotFoundError:
            raise KeyMissing(
                f"{path} is missing: put it back from a copy. Without it the daemon makes a new key at its "
                "next start, keeps the old records aside and writes all of them again under the new one."
            ) from None
    if not _TEXT.fullmatch(text):
        raise StoreReadOnly(f"{path} holds no key; put it back from a copy, or remove it for a new one.")
    return bytes.fromhex(text)


def read_or_make(path: Path) -> bytes:
    """The key, made anew where there is none. Raises as `read`."""
    try:
        return read(path)
    except KeyMissing:
        with database.translated(path):
            private_files.write(path, secrets.token_hex(_BYTES))
        return read(path)


def fingerprint(key: bytes) -> str:
    """What tells one key from another and gives neither away."""
    return hmac.digest(key, b"which key is this", "sha256").hex()[:16]
