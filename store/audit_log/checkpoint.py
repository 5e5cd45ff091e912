"""A checkpoint: the place and the MAC of a record, to be kept where nobody who changes the audit can reach.

Whoever can write the audit, its key and the database can make another history that fits together. It will
not fit a checkpoint made before. A checkpoint is shown on the panel, told in the daemon's log and in the
history, and added to a file of the user's choice.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import host_platform
from errors import InvalidRequest, StoreError
from store import database
from store.chained_log.files import open_to_append
from store.transaction import Transaction, dump

logger = logging.getLogger(__name__)

#: meta: the newest checkpoint
AUDIT_CHECKPOINT: Final = "audit_checkpoint"
_TEXT: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One record that was there."""

    seq: int
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that `str` was made of. Raises `InvalidRequest`."""
        match = _TEXT.fullmatch(text.strip())
        if match is None or int(match[1]) == 0:
            raise InvalidRequest(
                f"{text[:100]!r} is not a checkpoint; give SEQ:MAC as it was told, such as 1000:3f2a... "
                "with 64 digits after the colon."
            )
        return cls(int(match[1]), match[2])

    @classmethod
    def of_fact(cls, fact: dict[str, Any] | None) -> Checkpoint | None:
        """The checkpoint that the store keeps."""
        return None if fact is None else cls(fact["seq"], fact["mac"])


def keep(tx: Transaction, checkpoint: Checkpoint, trouble: str | None) -> None:
    """Keep the newest checkpoint in the store and tell of it; `trouble` is why the user's file lacks it."""
    told = {"seq": checkpoint.seq, "mac": checkpoint.mac, "at": tx.moment}
    tx.set_meta(AUDIT_CHECKPOINT, dump(told))
    tx.emit("audit.checkpoint", checkpoint=str(checkpoint), reason=trouble)


def add_to(path: Path, checkpoint: Checkpoint, home: Path, moment: str) -> str | None:
    """Add a line to the user's file, on disk when this returns; the sentence why not, or none."""
    told = {"ts": moment, "home": str(home), "checkpoint": str(checkpoint)}
    try:
        with database.translated(path):
            handle = open_to_append(path, new=not os.path.lexists(path))
            try:
                os.write(handle, json.dumps(told).encode() + b"\n")
                host_platform.sync_data(handle)
            finally:
                os.close(handle)
    except (OSError, StoreError) as error:
        logger.error("the checkpoint %s could not be added to %s: %s", checkpoint, path, error)
        return f"it could not be added to {path}: {error}"
    return None
