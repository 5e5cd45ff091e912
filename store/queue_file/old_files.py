"""Queue files that were swapped out: watched for some seconds, for editors that still write into them.

One that a program still holds open for writing is watched for as long as it does, where the system tells.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import host_platform
from clock import Clock
from errors import InvalidFile
from runtime_contract import Limits
from store.queue_file import plain_files
from store.queue_file.plain_files import Content, Signature

logger = logging.getLogger(__name__)

#: seconds an old file is watched for writes through a handle that was open before the exchange, and then
#: between looks whether there still is one
HELD_S: Final = 5.0
SETTLE_S: Final = 0.025  # between two reads that must agree


@dataclass(slots=True)
class _Held:
    path: Path
    #: none: it has not been looked at
    signature: Signature | None
    digest: str
    until: float
    #: of what it held when it came out, or what was last taken in of it
    mark: str | None = None
    #: whether it was read long enough after its last change to tell the next by stat(2) alone
    is_settled: bool = True


class OldFiles:
    """The swapped-out files that are still watched."""

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        take: Callable[[Content, str], bool],
        put_aside: Callable[[Content, InvalidFile], None],
        forget: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._take = take
        self._put_aside = put_aside
        self._forget = forget
        self._held: list[_Held] = []

    def watch(self, path: Path, content: Content) -> None:
        """Keep a file that came out with this content."""
        until = self._clock.monotonic() + HELD_S
        self._held.append(_Held(path, content.signature, content.digest, until))

    def take_up(self, path: Path, digest: str, mark: str | None = None) -> None:
        """Keep a file that another process watched, or nobody yet.

        `digest` is known of what it held, and `mark` of that very writing of it; none: not known.
        """
        if all(held.path != path for held in self._held):
            self._held.append(_Held(path, None, digest, float("-inf"), mark))

    def names(self) -> set[str]:
        """What they are called."""
        return {held.path.name for held in self._held}

    def folders(self) -> set[Path]:
        """Where they lie."""
        return {held.path.parent for held in self._held}

    def next_end(self) -> float:
        """When the first file is let go; never, where there is none."""
        return min((held.until for held in self._held), default=float("inf"))

    def any_changed(self) -> bool:
        """Whether a file was written to, or its time is over."""
        return any(self._is_over(held) or self._is_changed(held) for held in self._held)

    def look(self, before_ns: float = float("inf")) -> bool:
        """Take in what was written since, in the order it was; whether anything was.

        `before_ns`: what was written after this time (nanoseconds since 1970) is left for another look.
        """
        took = False
        for written, _, held in sorted((_written(held.path), at, held) for at, held in enumerate(self._held)):
            if written > before_ns:  # of the same moment, what stands in the place came last
                break
            if self._is_over(held):
                took = self._let_go(held) or took
            elif self._is_changed(held):
                took = self._take_settled(held) or took
        return took

    def _is_over(self, held: _Held) -> bool:
        """Whether its time is over; where there is still somebody who may write, it is given more."""
        if self._clock.monotonic() < held.until:
            return False
        is_away = not held.path.parent.is_dir()  # its mount may come back, and its writer never left
        if not is_away and not host_platform.is_open_for_writing(held.path):
            return True
        held.until = self._clock.monotonic() + HELD_S
        return False

    def _let_go(self, held: _Held) -> bool:
        held.until = self._clock.monotonic() + HELD_S  # where the store is full it is tried again then
        took = self._take_last(held)
        self._held.remove(held)
        return took

    @staticmethod
    def _is_changed(held: _Held) -> bool:
        return plain_files.look_at(held.path) != held.signature or not held.is_settled

    def _take_settled(self, held: _Held) -> bool:
        with contextlib.suppress(InvalidFile, FileNotFoundError):
            content = plain_files.read(held.path, self._limits)
            time.sleep(SETTLE_S)
            again = plain_files.read(held.path, self._limits)
            if again.digest == content.digest:
                return self._take_read(held, again)
        return False

    def _take_read(self, held: _Held, content: Content) -> bool:
        took = self._is_written(held, content) and self._take(content, held.path.name)
        held.signature, held.digest = content.signature, content.digest
        held.is_settled = content.signature.is_settled()
        return took

    @staticmethod
    def _is_written(held: _Held, content: Content) -> bool:
        """Whether somebody wrote into it: also the same again, if something else was said in between."""
        if held.signature is None:
            return content.digest != held.digest or content.signature.is_later_than(held.mark)
        return content.digest != held.digest or content.signature != held.signature

    def _take_last(self, held: _Held) -> bool:
        """Look at a file for the last time and let it go."""
        took = False
        try:
            content = plain_files.read(held.path, self._limits)
            if self._is_written(held, content):
                took = self._take_or_put_aside(content, held.path.name)
        except (FileNotFoundError, InvalidFile) as error:
            logger.warning("%s was not taken in: %s", held.path.name, error)
        with contextlib.suppress(OSError):  # then it is looked at again by the next that leads
            held.path.unlink(missing_ok=True)
            self._forget(held.path.name)
        return took

    def _take_or_put_aside(self, content: Content, name: str) -> bool:
        try:
            return self._take(content, name)
        except InvalidFile as error:
            self._put_aside(content, error)
            return False


def _written(path: Path) -> float:
    """When a file was written, in nanoseconds since 1970; what cannot be found comes first."""
    found = plain_files.look_at(path)
    return 0 if found is None else found.mtime_ns
