"""The leader's hand on the queue file: takes in what people save, shows them what is.

Two rules order everything here. Nothing is written over a content that is not known: it is one of our own
last two, or was taken in. And nothing is taken in twice: every content is known by its hash and by the saving
of it that was seen, which the store keeps. A content that cannot be read stays where it is, with the reason
beside it in ``queue.json.error``, while the daemon goes on from the store.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
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
from store.file_watch import FileWatch
from store.lanes import ConcurrencyLimits
from store.queue_file import plain_files, swap
from store.queue_file.apply import Rules
from store.queue_file.memory import Known, Memory
from store.queue_file.old_files import OldFiles
from store.queue_file.pace import COST_FACTOR, Pace
from store.queue_file.plain_files import Content, Signature
from store.queue_file.projection import Projection
from store.queue_file.swap_places import SwapPlaces
from store.queue_file.taking_in import Taker
from store.reading import Reader
from store.writer import Writer

logger = logging.getLogger(__name__)

SETTLE_S: Final = 0.025  # between two reads of a file that is written in place
SETTLE_READS: Final = 8  # then the next look goes on
MISSING_S: Final = 1.0  # editors take the file away for a moment while they save
FAILED_S: Final = 5.0  # until a projection that failed is tried again
EDITED_S: Final = 1.0  # until an editor's mark is looked for again


class QueueFileKeeper:
    """Merges and projects ``queue.json``. One thread of the leader uses it."""

    def __init__(
        self, home: Home, settings: Settings, writer: Writer, open_reader: Callable[[], Reader], clock: Clock
    ) -> None:
        limits = ConcurrencyLimits.of_settings(settings)
        self._home = home
        self._settings = settings
        self._clock = clock
        self._reader = open_reader()
        self._rules = Rules(settings.limits, limits, self._keep_text)
        self._taker = Taker(writer, self._reader, self._rules, settings)
        self._memory = Memory(writer, self._reader)
        self._projection = Projection(writer, self._reader, limits, settings.queue_shown_ended)
        self._lock = filelock.FileLock(str(home.state / "queue_file.lock"), mode=0o600)
        self._places = swap.Places(home.queue_file, home.state)
        self._old = OldFiles(settings.limits, clock, self._take_old, self._put_aside, self._forget)
        self._pace = Pace(settings.project_quiet_s, settings.project_interval_s)
        #: what stat(2) said of the content that was last looked at
        self._seen: Signature | None = None
        #: whether that was long enough after its last change to tell the next by stat(2) alone
        self._is_settled = False
        #: hash of what stood there then, where that was read or is ours
        self._standing: str | None = None
        self._missing_since: float | None = None
        self._unreadable = False
        #: whether marks tell what was written since; not of a home that was copied
        self._knows_marks = True
        #: whether the file on disk is not our newest
        self._stale = True
        self._data_version = -1
        self._looked_at = float("-inf")

    # -- what the worker calls -----------------------------------------------------------------------------

    def start_up(self) -> None:
        """Take in what an earlier process left half done, then the file as it is. Raises `StoreError`."""
        with self._lock:
            home = Signature.of(Path(self._lock.lock_file).stat()).mark
            self._knows_marks = self._memory.is_of_this_home(home)
            self._take_up_left_over()
            self._missing_since = float("-inf")
            self._take_in_order()  # in a copied home all that was left over is let go by this
            self._knows_marks = True
            self._memory.keep_home(home)
        self._pace.note_change(self._clock.monotonic())

    def watch_with(self, watch: FileWatch) -> None:
        """Ask to be told of the file, and of old ones that a program still writes into."""
        target, exchanged = self._places.target, self._swaps.exchanged
        self._swaps.make_room()
        watch.add(target.parent, target.name)
        # Not all of the state folder: the store's log is written there at every commit.
        for folder in {exchanged} | self._old.folders() - {self._home.state}:
            watch.add(folder)

    def look(self) -> bool:
        """Take in what has changed; whether anything was. One stat where nothing has. Raises `StoreError`."""
        self._looked_at = self._clock.monotonic()
        self._follow_the_link()
        signature = plain_files.look_at(self._places.target)
        is_as_seen = signature is not None and signature == self._seen and self._is_settled
        if is_as_seen and not self._old.any_changed():
            return False
        with self._lock:
            return self._old.look() if is_as_seen else self._take_in_order()

    def project_if_due(self, now_monotonic: float | None = None) -> bool:
        """Write the file if the store has changed, has been quiet, and the last writing is not too near."""
        now = self._clock.monotonic() if now_monotonic is None else now_monotonic
        version = self._reader.data_version()
        if version != self._data_version:
            self._data_version = version
            self._pace.note_change(now)
        if now < self._pace.due_at():
            return False
        if self._places.is_being_edited(self._clock.now()):
            self._pace.hold(now + EDITED_S)
            return False
        return self.project()

    def project(self) -> bool:
        """Write the file now unless it shows the store; whether it was written. Raises `StoreError`."""
        self.look()
        self._pace.begin()
        if self._unreadable:
            return False
        if not (self._stale or self._projection.is_dirty()):
            self._memory.note_blocked(None)
            return False
        began = self._clock.monotonic()
        cost = FAILED_S / COST_FACTOR
        done = False
        try:
            with self._lock:
                done = self._project()
            cost = self._clock.monotonic() - began
            if done:
                self._memory.note_blocked(None)
        except (OSError, StoreFull) as error:
            self._note_failed(error)
        self._pace.end(self._clock.monotonic(), cost)
        if self._stale:
            self._pace.note_change(self._clock.monotonic())
        return done

    def next_wake(self) -> float:
        """Monotonic time at which there is something to do, as far as is known now."""
        return min(self._looked_at + self._settings.queue_poll_s, self._pace.due_at(), self._old.next_end())

    @property
    def _swaps(self) -> SwapPlaces:
        return self._places.swaps

    # -- taking in -----------------------------------------------------------------------------------------

    def _follow_the_link(self) -> None:
        """Go where the name leads now: a person may put a link in the place of the file at any time."""
        if self._places.has_moved():
            self._places = swap.Places(self._home.queue_file, self._home.state)
            self._seen, self._is_settled, self._stale = None, False, True
            self._pace.note_change(self._clock.monotonic())
            if self._places.is_elsewhere:  # perhaps the very folder, moved
                with self._lock:
                    self._take_up_in(self._swaps, self._memory.beside().get(self._places.target, {}))

    def _take_in_order(self) -> bool:
        """Take in the file and old ones in the order in which they were written; whether anything was new."""
        signature = plain_files.look_at(self._places.target)
        written = float("inf") if signature is None else max(signature.mtime_ns, signature.ctime_ns)
        took = self._old.look(written)
        took = self._take_current() or took
        return self._old.look() or took

    def _take_current(self) -> bool:
        """Take in the file as it stands; whether it was something new."""
        try:
            return self._take_settled()
        except FileNotFoundError:
            self._note_missing()
        except InvalidFile as error:
            # No regular file of this user: what it is stands for its content.
            self._refuse(error, hashlib.sha256(str(error).encode()).hexdigest())
            self._note_seen(plain_files.look_at(self._places.target))
        return False

    def _take_settled(self) -> bool:
        """Take in a file that came by rename at once; one that is written in place when it holds still."""
        content = self._read()
        came_whole = self._seen is not None and content.signature.inode != self._seen.inode
        for _ in range(SETTLE_READS):
            if self._is_as_left(content.signature) and self._memory.is_known(content):
                return self._accept(content, taken=False)
            if came_whole:
                with contextlib.suppress(InvalidFile):
                    self._taker.take_in(content)
                    return self._accept(content, taken=True)
            time.sleep(SETTLE_S)
            again = self._read()
            if again.digest == content.digest:
                return self._take(again)
            content, came_whole = again, False
        return False

    def _is_as_left(self, signature: Signature) -> bool:
        """Whether nothing is known to have been saved since the last look: a save may set the time back."""
        return self._seen is None or self._seen.mark == signature.mark

    def _take(self, content: Content) -> bool:
        try:
            self._taker.take_in(content)
        except InvalidFile as error:
            self._refuse(error, content.digest)
            self._note_seen(content.signature)
            return False
        return self._accept(content, taken=True)

    def _read(self) -> Content:
        return plain_files.read(self._places.target, self._rules.contract)

    def _accept(self, content: Content, *, taken: bool) -> bool:
        """The file is readable and its content is in the store."""
        self._note_seen(content.signature)
        self._missing_since = None
        self._unreadable = False
        self._standing = content.digest
        self._memory.note_readable()
        self._tell_no_error()
        self._stale = content.digest != self._memory.generations()[-1]
        if self._stale:
            self._pace.note_change(self._clock.monotonic())
        return taken

    def _note_seen(self, signature: Signature | None) -> None:
        self._seen = signature
        self._is_settled = signature is None or signature.is_settled()

    def _note_missing(self) -> None:
        """The file is gone. After a moment, in which an editor may put it back, it is written again."""
        now = self._clock.monotonic()
        self._seen = None
        self._unreadable = False
        self._tell_no_error()
        if self._missing_since is None:
            self._missing_since = now
            self._stale = True
            self._pace.note_change(now)
            self._pace.hold(now + MISSING_S)

    def _refuse(self, error: InvalidFile, digest: str) -> None:
        self._unreadable = True
        self._missing_since = None
        message = self._memory.refuse(error, digest)
        with contextlib.suppress(OSError):
            plain_files.write_anew(self._places.error, f"{message}\n")

    def _tell_no_error(self) -> None:
        with contextlib.suppress(OSError):  # somebody made a folder of that name
            self._places.error.unlink(missing_ok=True)

    # -- projection ----------------------------------------------------------------------------------------

    def _project(self) -> bool:
        was_missing = self._missing_since is not None
        if self._missing_since is not None and self._clock.monotonic() < self._missing_since + MISSING_S:
            return False
        revision = self._projection.revision() + 1
        self._projection.render_changed(revision)
        digest = self._projection.write(self._swaps.writing, revision, self._places.target)
        fault_point("project.written")
        known = self._memory.known()
        self._take_up_what_came_out()
        beside = self._places.target if self._places.is_elsewhere else None
        ours = Signature.of(self._swaps.writing.stat())
        self._memory.announce(
            digest, ours.mark, revision, stands=self._standing, was_missing=was_missing, beside=beside
        )
        self._swaps.writing.replace(self._swaps.swap)
        if not swap.exchange(self._swaps.swap, self._places.target, frozenset(known)):
            self._swaps.swap.unlink(missing_ok=True)
            self._stale, self._seen = True, None  # it may be one of ours from before a writing that failed
            return False
        fault_point("project.exchanged")
        self._note_seen(ours)
        self._standing = digest
        self._missing_since, self._stale = None, False
        if self._swaps.swap.exists():  # also where it had been missing and came back in that instant
            self._look_at_what_came_out(digest, revision, known)
        return True

    def _note_failed(self, error: OSError | StoreFull) -> None:
        """The file could not be written, and will be tried again."""
        logger.error("queue.json could not be written: %s", error)
        self._stale, self._seen = True, None  # ours may stand there already
        with contextlib.suppress(OSError):
            self._swaps.writing.unlink(missing_ok=True)
            self._take_up_what_came_out()
        if isinstance(error, OSError):
            with contextlib.suppress(StoreFull):
                self._memory.note_blocked(_told_of(error))

    def _look_at_what_came_out(self, ours: str, revision: int, known: dict[str, str | None]) -> None:
        """What stood there was known before, or is a save of the last instant."""
        try:
            content = plain_files.read(self._swaps.swap, self._rules.contract)
            if not content.is_one_of(known):
                self._taker.take_in(content, stands=False)
                self._stale = True
        except InvalidFile as error:
            self._put_back(error, ours)
        else:
            path = self._swaps.out(revision, content.digest, content.signature)
            self._swaps.swap.replace(path)
            self._old.watch(path, content)

    def _take_up_what_came_out(self) -> None:
        """Watch what an exchange left that broke off; it may be a save of that instant."""
        with contextlib.suppress(FileNotFoundError):
            self._old.take_up(*self._swaps.set_aside([self._memory.known()], self._forget_older))

    def _forget_older(self) -> None:
        """A save of that instant came out: what stood there before it counts where it is again."""
        with contextlib.suppress(StoreFull):
            self._memory.forget_older()

    def _put_back(self, error: InvalidFile, ours: str) -> None:
        """A save that cannot be read, perhaps half done, goes back to its place; ours waits."""
        logger.info("queue.json changed while it was written and cannot be read: %s", error.message)
        swap.exchange(self._swaps.swap, self._places.target, frozenset({ours}))
        self._seen, self._stale, self._unreadable = None, True, True
        # Also ours: a program may have opened it in that instant.
        self._old.take_up(*self._swaps.set_aside([{ours: None}], self._forget_older))

    # -- old files -----------------------------------------------------------------------------------------

    def _take_up_left_over(self) -> None:
        """Watch what an earlier process left, also where the name led once, on another mount."""
        home = SwapPlaces.in_home(self._home.state)
        self._take_up_in(home, {})
        beside = self._memory.beside()
        if self._places.is_elsewhere:
            self._take_up_in(self._swaps, beside.pop(self._places.target, {}))
        away = False
        for target, announced in beside.items():
            swaps = SwapPlaces.beside(target)
            is_there = swaps.can_be_reached(home)
            if target != self._places.target and not self._take_up_in(swaps, announced) and is_there:
                self._memory.forget_beside(target)
            away = away or not is_there
        if not away:
            self._memory.forget_old(self._memory.taken_of_old().keys() - self._old.names())

    def _take_up_in(self, swaps: SwapPlaces, announced: Known) -> bool:
        """Watch what was left in these places; whether anything was.

        `announced`: what was known when the exchange there was announced.
        """
        known, taken = [announced, self._memory.known()], self._memory.taken_of_old()
        try:
            swaps.writing.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                swaps.set_aside(known, self._forget_older)
        except OSError as error:
            logger.warning("what an exchange of queue.json left cannot be moved: %s", error)
        found = swaps.left_over()
        for path, digest, mark in found:
            held, written = taken.get(path.name, (digest, mark))
            self._old.take_up(path, held, written if self._knows_marks else None)
        return bool(found) or os.path.lexists(swaps.swap)

    def _take_old(self, content: Content, name: str) -> bool:
        """Take in what was written into an old file. Raises `InvalidFile`."""
        self._taker.take_in(content, old=name)
        self._stale = True
        self._pace.note_change(self._clock.monotonic())
        return True

    def _forget(self, name: str) -> None:
        """An old file is gone."""
        self._memory.forget_old({name})

    def _put_aside(self, content: Content, error: InvalidFile) -> None:
        """An old file cannot be read and nobody goes on writing it: its text is kept for a person."""
        text = content.data.decode("utf-8", "surrogateescape")
        kept = self._keep_text("queue", self._projection.revision(), text)
        self._memory.refuse(InvalidFile(f"{error.message}; the save was kept in {kept}"), content.digest)

    def _keep_text(self, task_id: str, revision: int | None, text: str) -> str:
        name = plain_files.name_for(task_id, revision, text)
        return os.path.relpath(plain_files.keep_aside(self._home.conflicts, name, text), self._home.root)


def _told_of(error: OSError) -> str:
    """Why the file cannot be written, and what goes on, for a person."""
    why = (error.strerror or str(error)).lower()
    if error.errno == errno.EBUSY:
        why += " (a file that is mounted by itself cannot be exchanged: mount its folder)"
    return f"queue.json cannot be written: {why}. Tasks go on and saves are taken in; it is tried again"
