"""Keeps the workspace as it is: looks for what changed since the last time, and commits that much of it.

Tasks share one workspace. A checkpoint holds everything that differs from the one before it, whoever changed
it: the task it is named after, others that ran beside it, tasks that failed, and people. Several tasks that
were approved before one could be made share a commit.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import filelock

from errors import StoreFull
from faults import fault_point
from review.checkpoints import leftovers, workspace
from review.checkpoints.reading import Known, Reading, columns_of, known_of
from review.checkpoints.repository import CheckpointFailed, Repository
from review.checkpoints.turns import Turns
from review.checkpoints.workspace import Bounds, Look
from settings import Home, Settings
from store import checkpoints, rollbacks
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Checkpoints after which loose objects are put into packs.
PACK_EVERY: Final = 200


class Keeper:
    """Makes the checkpoints of one home. Threads and processes that do so take turns by a lock."""

    def __init__(self, home: Home, settings: Settings, store: SqliteStore) -> None:
        self.repository = Repository(home.checkpoints)
        self.lock = filelock.FileLock(home.state / "checkpoints.lock", mode=0o600)
        self.bounds = Bounds(
            settings.checkpoint_files, settings.checkpoint_file_bytes, settings.checkpoint_bytes
        )
        self._workspace = home.workspace
        self._is_on = settings.checkpoints
        self.turns = Turns(home.state)
        self._store = store
        self._has_baseline = False
        #: number of the checkpoint that `_known` belongs to
        self._number: int | None = None
        self._known: dict[bytes, Known] = {}

    def keep_due(self) -> int:
        """Make what is due; how many that were. What cannot be made is told, and the approvals stand."""
        with self.lock:
            self._tidy()
            due = checkpoints.due(self._store.reader)
            if due:
                self._keep_all(due)
            return len(due)

    def tidy(self) -> None:
        """Tell of a rollback that was killed, and take away what it left; nothing where one runs.

        Raises `OSError`.
        """
        if leftovers.are_there(self._store.reader):
            with suppress(filelock.Timeout), self.lock.acquire(timeout=0):
                self._tidy()

    def _tidy(self) -> None:
        """The same, with the lock held: a rollback that is still noted is dead, and that is told once."""
        if self._store.reader.fact(rollbacks.BEGUN) is not None:
            self._store.write(rollbacks.break_off)
        noted = self._store.reader.fact(leftovers.KEY)
        if noted is None:
            return
        with workspace.opened(self._workspace) as root:
            count = leftovers.take_away(root, self.repository, noted, self.bounds)
        self._store.write(lambda tx: leftovers.end(tx, count))

    def before_change(self, is_off: Callable[[], bool] = lambda: False) -> None:
        """Keep the workspace as it is before a command may change it: what is due, and at first everything.

        So what one task left is kept before the next that waited for it writes over it. A rollback that is
        under way is waited for, unless `is_off` tells that the command is not to run any more.
        """
        self.turns.of_a_command(is_off)
        if not self._is_on:
            return
        if not self._has_baseline:
            with self.lock:
                if checkpoints.last_made(self._store.reader) is None:
                    self.keep("baseline")
                self._has_baseline = True
        if checkpoints.due(self._store.reader):
            self.keep_due()

    def keep(self, kind: checkpoints.Kind) -> int:
        """Keep the workspace as it is now, with what is due; the lock is held. The checkpoint's number."""
        self._tidy()
        number = self._store.write(lambda tx: checkpoints.enter(tx, kind))
        self._keep_all(checkpoints.due(self._store.reader))
        return number

    def _keep_all(self, due: list[sqlite3.Row]) -> None:
        if not self._is_on:
            self._fail(due, "checkpoints are off (setting: checkpoints)")
            return
        try:
            made = self._commit(due)
        except StoreFull:
            raise  # tried again when there is room
        except (CheckpointFailed, workspace.TooMuch, OSError) as error:
            logger.warning("no checkpoint: %s", error)
            self._fail(due, str(error))
            return
        fault_point("checkpoint.written")
        self._store.write(lambda tx: checkpoints.record_made(tx, due, made))
        self._remember(due[-1]["number"], made)
        if due[-1]["number"] // PACK_EVERY > (due[0]["number"] - 1) // PACK_EVERY:
            self._pack()

    def _fail(self, due: list[sqlite3.Row], reason: str) -> None:
        self._number = None
        self._store.write(lambda tx: checkpoints.record_failed(tx, due, reason))

    def _pack(self) -> None:
        try:
            self.repository.pack()
        except CheckpointFailed as error:
            logger.warning("checkpoints take more room than they must: %s", error)

    # -- one commit ----------------------------------------------------------------------------------------

    def _commit(self, due: list[sqlite3.Row]) -> checkpoints.Made:
        last = checkpoints.last_made(self._store.reader)
        was_there = self.repository.prepare()
        before = None if last is None else str(last["commit_id"])
        is_ours = was_there and last is not None and self._number == last["number"]
        is_whole = before is None or not (is_ours or self.repository.has(before))
        if is_whole:  # a new home, or what was kept is gone: begin anew, after whatever is there
            before = self.repository.tip()
        known = {} if is_whole else self._files(last)
        with workspace.opened(self._workspace) as root:
            found = workspace.look(root, time.time_ns(), self.bounds)
            gone = sorted(known.keys() - found.files.keys())
            reading = Reading(root, self.bounds, known, found)
            contents = reading.changed()
            first = next(contents, None)
            if first is None and not gone and before is not None:
                commit = before
            else:
                contents = itertools.chain([first] if first else [], contents)
                now = self._store.clock.now()
                commit = self.repository.commit(before, _message(due), now, contents, gone, is_whole=is_whole)
        count = reading.count + len(gone)
        files = [(path, *columns_of(each)) for path, each in reading.read.items()]
        return checkpoints.Made(commit, before, count, _left_out(found), files, gone, is_whole)

    # -- what is known -------------------------------------------------------------------------------------

    def _files(self, last: sqlite3.Row | None) -> Mapping[bytes, Known]:
        """The files as the last checkpoint knows them: from memory, where nobody else has made one since."""
        if last is None or self._number != last["number"]:
            rows = self._store.reader.all("checkpoint_files")
            self._known = {bytes(row["path"]): known_of(tuple(row)[1:]) for row in rows}
            self._number = None if last is None else last["number"]
        return self._known

    def _remember(self, number: int, made: checkpoints.Made) -> None:
        if made.is_whole:
            self._known = {}
        for path in made.gone:
            self._known.pop(path, None)
        self._known.update({each[0]: known_of(each[1:]) for each in made.files})
        self._number = number


def _left_out(found: Look) -> str | None:
    """What was not kept, in a sentence."""
    if not found.left_out_count:
        return None
    more = found.left_out_count - len(found.left_out)
    named = ", ".join(found.left_out) + (f" and {more:,} more" if more > 0 else "")
    return f"left out: {named}"


def _message(due: list[sqlite3.Row]) -> str:
    names = [row["task_id"] or row["kind"] for row in due]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"checkpoint {due[-1]['number']}: {shown}\n"
