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


class OldFiles:
    """The swapped-out files that are still watched."""

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        take: Callable[[Content, str], bool],
        put_aside: Callable[[Content, InvalidFile], None],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._take = take
        self._put_aside = put_aside
        self._held: list[_Held] = []

    def watch(self, path: Path, content: Content) -> None:
        """Keep a file that came out with this content."""
        until = self._clock.monotonic() + HELD_S
        self._held.append(_Held(path, content.signature, content.digest, until))

    def take_up(self, path: Path, digest: str) -> None:
        """Keep a file that another process watched, or nobody yet; `digest` is known of what it held."""
        self._held.append(_Held(path, None, digest, float("-inf")))

    def folders(self) -> set[Path]:
        """Where they lie."""
        return {held.path.parent for held in self._held}

    def next_end(self) -> float:
        """When the first file is let go; never, where there is none."""
        return min((held.until for held in self._held), default=float("inf"))

    def any_changed(self) -> bool:
        """Whether a file was written to, or its time is over."""
        return any(self._is_over(held) or self._is_changed(held) for held in self._held)

    def look(self) -> bool:
        """Take in what was written since; whether anything was."""
        took = False
        for held in list(self._held):
            if self._is_over(held):
                self._held.remove(held)
                took = self._take_last(held) or took
            elif self._is_changed(held):
                took = self._take_settled(held) or took
        return took

    def _is_over(self, held: _Held) -> bool:
        if self._clock.monotonic() < held.until:
            return False
        if not host_platform.is_open_for_writing(held.path):
            return True
        held.until = self._clock.monotonic() + HELD_S
        return False

    @staticmethod
    def _is_changed(held: _Held) -> bool:
        return plain_files.look_at(held.path) != held.signature

    def _take_settled(self, held: _Held) -> bool:
        with contextlib.suppress(InvalidFile, FileNotFoundError):
            content = plain_files.read(held.path, self._limits)
            time.sleep(SETTLE_S)
            again = plain_files.read(held.path, self._limits)
            if again.digest == content.digest:
                held.signature = again.signature
                took = again.digest != held.digest and self._take(again, held.path.name)
                held.digest = again.digest
                return took
        return False

    def _take_last(self, held: _Held) -> bool:
        """Look at a file for the last time and let it go."""
        took = False
        try:
            content = plain_files.read(held.path, self._limits)
            if content.digest != held.digest:
                took = self._take_or_put_aside(content, held.path.name)
        except (FileNotFoundError, InvalidFile) as error:
            logger.warning("%s was not taken in: %s", held.path.name, error)
        with contextlib.suppress(OSError):  # then it is looked at again by the next that leads
            held.path.unlink(missing_ok=True)
        return took

    def _take_or_put_aside(self, content: Content, name: str) -> bool:
        try:
            return self._take(content, name)
        except InvalidFile as error:
            self._put_aside(content, error)
            return False
