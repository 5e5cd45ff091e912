"""Which states of the workspace are kept or still to be, and the files as the newest one knows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from store.asking import Asks
from store.transaction import Transaction

Kind = Literal["baseline", "task", "rollback"]


@dataclass(frozen=True, slots=True)
class Made:
    """A commit that was made, and what it changes in what is known of the workspace's files."""

    commit: str
    #: the commit before it
    before: str | None
    #: paths that differ from it
    paths: int
    #: what was left out, in words
    reason: str | None = None
    #: figures of the files that are new or changed: path, mode, size, mtime_ns, ctime_ns, inode, blob
    files: list[tuple[bytes, int, int, int, int, int, str]] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    #: whether `files` is everything there is
    is_whole: bool = False


def note_approval(tx: Transaction, row: sqlite3.Row) -> None:
    """A task was approved: where its command or a check of it may have changed files, a checkpoint is due."""
    may_write = row["result"] and '"may_write":' in row["result"]
    if may_write or '"commands":' in row["doc"]:
        tx.run("checkpoint_due", seq=row["seq"], now=tx.now)


def enter(tx: Transaction, kind: Kind) -> int:
    """A checkpoint that belongs to no task is due; its number."""
    return int(tx.run("enter_checkpoint", kind=kind, now=tx.now).lastrowid or 0)


def record_made(tx: Transaction, due: Sequence[sqlite3.Row], made: Made) -> None:
    """The checkpoints that were due are made, all by one commit."""
    if made.is_whole:
        tx.run("forget_checkpoint_files")
    tx.run_many("forget_checkpoint_file", ({"path": path} for path in made.gone))
    names = ("path", "mode", "size", "mtime_ns", "ctime_ns", "inode", "blob")
    tx.run_many("put_checkpoint_file", (dict(zip(names, each, strict=True)) for each in made.files))
    for row in due:
        tx.run(
            "checkpoint_made",
            number=row["number"],
            commit_id=made.commit,
            before_id=made.before,
            paths=made.paths,
            reason=made.reason,
            now=tx.now,
        )
        _tell(tx, "checkpoint.made", row, commit=made.commit, count=made.paths, reason=made.reason)


def record_failed(tx: Transaction, due: Iterable[sqlite3.Row], reason: str) -> None:
    """The checkpoints that were due cannot be made; the approvals stand."""
    for row in due:
        tx.run("checkpoint_failed", number=row["number"], reason=reason)
        _tell(tx, "checkpoint.failed", row, reason=reason)


def _tell(tx: Transaction, event: str, row: sqlite3.Row, **fields: Any) -> None:
    tx.emit(event, task_id=row["task_id"], kind=row["kind"], checkpoint_number=row["number"], **fields)


def due(asks: Asks) -> list[sqlite3.Row]:
    """What is still to be made, in order."""
    return list(asks.all("checkpoints_due"))


def last_made(asks: Asks) -> sqlite3.Row | None:
    """The newest one that was made."""
    return asks.one("last_checkpoint")


def of_task(asks: Asks, task_id: str) -> sqlite3.Row | None:
    """The newest one of a task that was made."""
    return asks.one("checkpoint_of", id=task_id)
