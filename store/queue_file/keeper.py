"""The leader's hand on the queue file: takes in what people save, shows them what is.

Two rules order everything here. Nothing is written over a content that is not known: it is one of our own
last two, or was taken in. And nothing is taken in twice: every content is known by its hash, which the store
keeps. A content that cannot be read stays where it is, with the reason beside it in ``queue.json.error``,
while the daemon goes on from the store.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import filelock

from clock import Clock
from errors import InvalidFile, StoreFull
from faults import fault_point
from settings import Home, Settings
from store.lanes import ConcurrencyLimits
from store.queue_file import plain_files, swap
from store.queue_file.apply import Rules
from store.queue_file.plain_files import Content, Signature
from store.queue_file.projection import Projection
from store.queue_file.taking_in import REVISION, TAKEN, Taker
from store.reading import Reader
from store.transaction import Transaction, dump
from store.writer import Writer

logger = logging.getLogger(__name__)

SETTLE_S: Final = 0.025  # between two reads of a file that is written in place
SETTLE_READS: Final = 8  # then the next look goes on
MISSING_S: Final = 1.0  # editors take the file away for a moment while they save
FAILED_S: Final = 5.0  # until a projection that failed is tried again
COST_FACTOR: Final = 20  # at most a twentieth of the time goes into projection
GENERATIONS: Final = "queue_file_generations"
_REFUSED: Final = "queue_file_refused"


class QueueFileKeeper:
    """Merges and projects ``queue.json``. One thread of the leader uses it."""

    def __init__(
        self, home: Home, settings: Settings, writer: Writer, open_reader: Callable[[], Reader], clock: Clock
    ) -> None:
        self._home = home
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._reader = open_reader()
        limits = ConcurrencyLimits(settings.tag_limits, settings.model_limits)
        self._rules = Rules(settings.limits, limits, self._keep_text)
        self._taker = Taker(writer, self._reader, self._rules, settings)
        self._projection = Projection(writer, self._reader, limits, settings.queue_shown_ended)
        self._lock = filelock.FileLock(str(home.state / "queue_file.lock"), mode=0o600)
        self._places = swap.Places(home.queue_file, home.state)
        self._held: list[swap.Held] = []
        #: what stat(2) said of the content that was last looked at
        self._seen: Signature | None = None
        self._missing_since: float | None = None
        self._unreadable = False
        #: whether the file on disk is not our newest
        self._stale = True
        self._data_version = -1
        self._changed_at: float | None = None
        self._first_change: float | None = None
        self._projected_at = float("-inf")
        self._cost = 0.0
        self._looked_at = float("-inf")

    # -- what the worker calls -----------------------------------------------------------------------------

    def start_up(self) -> None:
        """Take in what an earlier process left half done, then the file as it is."""
        with self._lock:
            self._places.writing.unlink(missing_ok=True)
            for path in self._places.left_over():
                self._take_left_over(path)
            self._missing_since = float("-inf")
            self._take_current()
        self._note_change()

    def look(self) -> bool:
        """Take in what has changed; whether anything was. Costs one stat where nothing has."""
        self._looked_at = self._clock.monotonic()
        took = self._look_at_held()
        signature = plain_files.look_at(self._places.target)
        if signature == self._seen and signature is not None:
            return took
        with self._lock:
            return self._take_current() or took

    def project_if_due(self, now_monotonic: float | None = None) -> bool:
        """Write the file if the store has changed, has been quiet, and the last writing is not too near."""
        now = self._clock.monotonic() if now_monotonic is None else now_monotonic
        self._watch_store(now)
        if now < self._due_at() or self._places.is_being_edited(self._clock.now()):
            return False
        return self.project()

    def project(self) -> bool:
        """Write the file now if it does not show the store; whether it was written."""
        self.look()
        self._changed_at = self._first_change = None
        if self._unreadable or not (self._stale or self._projection.is_dirty()):
            return False
        began = time.monotonic()
        try:
            with self._lock:
                done = self._project()
        except (OSError, StoreFull) as error:
            logger.error("queue.json could not be written: %s", error)  # noqa: TRY400  an expected state
            self._places.writing.unlink(missing_ok=True)
            self._cost = FAILED_S / COST_FACTOR
            done = False
        else:
            self._cost = time.monotonic() - began
        self._projected_at = self._clock.monotonic()
        if self._stale:
            self._note_change()
        return done

    def next_wake(self) -> float:
        """Monotonic time at which there is something to do, as far as is known now."""
        ends = [held.until for held in self._held]
        return min(self._looked_at + self._settings.queue_poll_s, self._due_at(), *ends)

    # -- when ----------------------------------------------------------------------------------------------

    def _watch_store(self, now: float) -> None:
        version = self._reader.data_version()
        if version != self._data_version:
            self._data_version = version
            self._note_change(now)

    def _note_change(self, now: float | None = None) -> None:
        self._changed_at = self._clock.monotonic() if now is None else now
        if self._first_change is None:
            self._first_change = self._changed_at

    def _due_at(self) -> float:
        """When the file is to be written: after some quiet, but not for ever put off by a busy store."""
        if self._changed_at is None or self._first_change is None:
            return float("inf")
        interval = max(self._settings.project_interval_s, COST_FACTOR * self._cost)
        quiet = min(self._changed_at + self._settings.project_quiet_s, self._first_change + interval)
        return max(quiet, self._projected_at + interval)

    # -- taking in -----------------------------------------------------------------------------------------

    def _take_current(self) -> bool:
        """Take in the file as it stands; whether it was something new."""
        try:
            return self._take_settled()
        except FileNotFoundError:
            self._seen = None
            self._unreadable = False
            return self._note_missing()
        except InvalidFile as error:
            self._refuse(error, hashlib.sha256(str(error).encode()).hexdigest())
            self._seen = plain_files.look_at(self._places.target)
            return False

    def _take_settled(self) -> bool:
        """Take in a file that came by rename at once; one that is written in place when it holds still."""
        content = self._read()
        came_whole = self._seen is not None and content.signature.inode != self._seen.inode
        for _ in range(SETTLE_READS):
            if content.digest in self._known():
                return self._accept(content, taken=False)
            if came_whole:
                with contextlib.suppress(InvalidFile):
                    self._taker.take_in(content.data, content.digest)
                    return self._accept(content, taken=True)
            time.sleep(SETTLE_S)
            again = self._read()
            if again.digest == content.digest:
                return self._take(again)
            content, came_whole = again, False
        return False

    def _take(self, content: Content) -> bool:
        try:
            self._taker.take_in(content.data, content.digest)
        except InvalidFile as error:
            self._refuse(error, content.digest)
            self._seen = content.signature
            return False
        return self._accept(content, taken=True)

    def _read(self) -> Content:
        return plain_files.read(self._places.target, self._rules.contract)

    def _accept(self, content: Content, *, taken: bool) -> bool:
        """The file is readable and its content is in the store."""
        self._seen = content.signature
        self._missing_since = None
        self._unreadable = False
        self._places.error.unlink(missing_ok=True)
        self._stale = content.digest != self._generations()[-1]
        if taken or self._stale:
            self._note_change()
        return taken

    def _note_missing(self) -> bool:
        """The file is gone. After a moment, in which an editor may put it back, it is written again."""
        now = self._clock.monotonic()
        if self._missing_since is None:
            self._missing_since = now
        if now - self._missing_since >= MISSING_S and not self._stale:
            self._stale = True
        if self._stale:
            self._note_change(now)
        return False

    def _refuse(self, error: InvalidFile, digest: str) -> None:
        """Say once why a content cannot be read, in the history and beside the file."""
        self._unreadable = True
        line, column = error.details.get("line"), error.details.get("column")
        place = f" line {line}, column {column}:" if line else ":"
        message = f"queue.json{place} {error.message}"

        def tell(tx: Transaction) -> None:
            if tx.meta(_REFUSED) != digest:
                tx.set_meta(_REFUSED, digest)
                tx.emit("queue_file.refused", file="queue.json", reason=message, line=line, column=column)

        self._writer.run(tell)
        with contextlib.suppress(OSError):
            self._places.error.write_text(f"{message}\n", "utf-8")

    # -- what the store remembers of the file --------------------------------------------------------------

    def _generations(self) -> list[str]:
        """Hashes of the last two files we wrote, or were about to."""
        row = self._reader.one("get_meta", key=GENERATIONS)
        found: list[str] = json.loads(row["value"]) if row is not None else [""]
        return found

    def _known(self) -> frozenset[str]:
        row = self._reader.one("get_meta", key=TAKEN)
        return frozenset([*self._generations(), *([row["value"]] if row is not None else [])]) - {""}

    def _keep_text(self, task_id: str, revision: int | None, text: str) -> str | None:
        name = plain_files.name_for(task_id, revision, text)
        path = plain_files.keep_aside(self._home.conflicts, name, text)
        return os.path.relpath(path, self._home.root)

    # -- projection ----------------------------------------------------------------------------------------

    def _project(self) -> bool:
        was_missing = self._seen is None
        if was_missing and self._missing_since is not None and not self._may_recreate():
            return False
        revision = self._projection.revision() + 1
        self._projection.render_changed(revision)
        digest = self._projection.write(self._places.writing, revision)
        swap.dress(self._places.writing, self._places.target)
        fault_point("project.written")
        known = self._known()
        self._writer.run(lambda tx: self._announce(tx, revision, digest, was_missing))
        self._places.writing.replace(self._places.swap)
        ours = Signature.of(self._places.swap.stat())
        if not swap.exchange(self._places.swap, self._places.target, known):
            self._places.swap.unlink(missing_ok=True)
            return False
        fault_point("project.exchanged")
        self._seen, self._missing_since = ours, None
        self._stale = False
        self._look_at_what_came_out(known, digest, revision)
        self._data_version = self._reader.data_version()
        return True

    def _may_recreate(self) -> bool:
        return self._clock.monotonic() - (self._missing_since or 0.0) >= MISSING_S

    def _announce(self, tx: Transaction, revision: int, digest: str, was_missing: bool) -> None:
        """Before the exchange: whatever is found after a crash is recognised."""
        tx.set_meta(REVISION, str(revision))
        tx.set_meta(GENERATIONS, dump([self._generations()[-1], digest]))
        if was_missing and revision > 1:
            reason = "it was missing; nothing was cancelled"
            tx.emit("queue_file.recreated", file="queue.json", revision=revision, reason=reason)

    def _look_at_what_came_out(self, known: frozenset[str], ours: str, revision: int) -> None:
        came_out = self._places.swap
        if not came_out.is_symlink() and not came_out.exists():
            return
        try:
            content = plain_files.read(came_out, self._rules.contract)
            if content.digest not in known:
                self._taker.take_in(content.data, content.digest)
                self._stale = True
        except InvalidFile as error:
            self._put_back(error, ours)
            return
        path = self._places.out(revision)
        came_out.replace(path)
        until = self._clock.monotonic() + swap.HELD_S
        self._held.append(swap.Held(path, content.signature, until))

    def _put_back(self, error: InvalidFile, ours: str) -> None:
        """A save that cannot be read, perhaps half done, goes back to its place; ours waits."""
        swap.exchange(self._places.swap, self._places.target, frozenset({ours}))
        self._seen, self._stale = None, True
        if plain_files.hash_file(self._places.swap) == ours:
            self._places.swap.unlink()
        else:
            self._take_left_over(self._places.swap)
        logger.info("queue.json changed while it was written: %s", error.message)
        self._unreadable = True

    # -- old files -----------------------------------------------------------------------------------------

    def _look_at_held(self) -> bool:
        """Take in what an editor wrote into an old file through a handle it had open."""
        took = False
        for held in list(self._held):
            is_over = self._clock.monotonic() >= held.until
            signature = plain_files.look_at(held.path)
            if signature is not None and (is_over or signature != held.signature):
                with self._lock:
                    took = self._take_old(held, is_over) or took
            if is_over or signature is None:
                self._held.remove(held)
        return took

    def _take_old(self, held: swap.Held, is_over: bool) -> bool:
        if is_over:
            return self._take_left_over(held.path)
        with contextlib.suppress(InvalidFile, FileNotFoundError):
            content = plain_files.read(held.path, self._rules.contract)
            time.sleep(SETTLE_S)
            again = plain_files.read(held.path, self._rules.contract)
            if again.digest == content.digest:
                held.signature = again.signature
                return self._take_unknown(again)
        return False

    def _take_unknown(self, content: Content) -> bool:
        if content.digest in self._known():
            return False
        self._taker.take_in(content.data, content.digest)
        self._stale = True
        self._note_change()
        return True

    def _take_left_over(self, path: Path) -> bool:
        """Take in an old file nobody watches any more, then let it go; what cannot be read is put aside."""
        took = False
        try:
            content = plain_files.read(path, self._rules.contract)
            try:
                took = self._take_unknown(content)
            except InvalidFile as error:
                text = content.data.decode("utf-8", "surrogateescape")
                kept = self._keep_text("queue", self._projection.revision(), text)
                logger.warning("an unreadable save was kept in %s: %s", kept, error.message)
        except (FileNotFoundError, InvalidFile) as error:
            logger.warning("%s was not taken in: %s", path.name, error)
        with contextlib.suppress(IsADirectoryError):
            path.unlink(missing_ok=True)
        return took
