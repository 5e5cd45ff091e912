"""What a rollback that was killed leaves in the workspace, and taking it away without taking anything else.

Before a rollback touches a file, the store knows what it is going to write and under which name beside its
place it will first stand. Whoever holds the lock afterwards and finds that still noted, knows that the
rollback is dead. A file under such a name goes only where every byte of it is the beginning of what the
checkpoint has for that place: then nothing is lost with it, whoever made it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any, Final

from review.checkpoints import workspace
from review.checkpoints.repository import CheckpointFailed, Repository
from review.checkpoints.workspace import LINK, Bounds
from store.reading import Reader
from store.transaction import Transaction

logger = logging.getLogger(__name__)

#: Under which key the store notes a rollback that is under way.
KEY: Final = "rollback"


def fresh_name(token: str, number: int) -> bytes:
    """The name of the file that is written for the step of that number, until it is renamed."""
    return f".skep-{token}-{number}".encode()


def note(tx: Transaction, token: str, files: Sequence[tuple[bytes, str]]) -> None:
    """A rollback is about to write these files: each its path and git's id of its content."""
    told = [[os.fsdecode(path), blob] for path, blob in files]
    tx.set_meta(KEY, json.dumps({"token": token, "files": told}))


def forget(tx: Transaction) -> None:
    """No rollback is under way."""
    tx.run("delete_meta", key=KEY)


def end(tx: Transaction, count: int) -> None:
    """What a killed rollback left was taken away."""
    forget(tx)
    tx.emit("checkpoint.tidied", count=count)


def are_there(reader: Reader) -> bool:
    """Whether a rollback is under way, or was killed on it."""
    return reader.one("get_meta", key=KEY) is not None


def take_away(root: int, repository: Repository, noted: dict[str, Any], bounds: Bounds) -> int:
    """Take away what a killed rollback left beneath an open workspace; how many files that were."""
    count = 0
    for number, (path, blob) in enumerate(noted["files"]):
        folder = b"".join(os.fsencode(path).rpartition(b"/")[:2])
        fresh = folder + fresh_name(noted["token"], number)
        try:
            mode, content = workspace.read(root, fresh, bounds.file_bytes)
            if not _is_its_beginning(repository, blob, mode, content):
                raise CheckpointFailed("it holds something else")
            _delete(root, fresh)
            count += 1
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, CheckpointFailed) as error:
            logger.warning("%r, which a rollback may have left, stays: %s", fresh, error)
    return count


def _is_its_beginning(repository: Repository, blob: str, mode: int, content: bytes) -> bool:
    (whole,) = repository.contents([blob])
    return whole == content if mode == LINK else whole.startswith(content)


def _delete(root: int, path: bytes) -> None:
    with workspace.folder_of(root, path) as folder:
        os.unlink(workspace.name_of(path), dir_fd=folder)
