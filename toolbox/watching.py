"""Something made of the tools of a home, made again when their files have changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from errors import InvalidSetting
from toolbox import files
from toolbox.tool import Tool

logger = logging.getLogger(__name__)

Made = TypeVar("Made")

#: Seconds between looks at the files, and how many times longer than a look that is at least.
LOOK_AGAIN_S: Final = 1.0
REST: Final = 50


class WatchedTools(Generic[Made]):
    """What `make` makes of the tools of a home. Threads may share it.

    A change that cannot be understood leaves what was, and is told once. Raises `InvalidSetting` where the
    files are wrong at the start.

    Parameters:
        root: the home.
        make: makes it.
        on_change: is told of each change: why it is not taken, or none, and how many tools there are then.
    """

    def __init__(
        self,
        root: Path,
        make: Callable[[list[Tool]], Made],
        on_change: Callable[[str | None, int], None] = lambda reason, count: None,
    ) -> None:
        self._root = root
        self._make = make
        self._on_change = on_change
        self._mutex = threading.Lock()
        self._look_at = 0.0
        self._stamp = files.stamp(root)
        tools = files.read_home(root)
        self._count = len(tools)
        self._made = make(tools)

    def current(self) -> Made:
        """What was made of the tools as they were a second ago at most, while that is cheap to see."""
        if time.monotonic() >= self._look_at and self._mutex.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._mutex.release()
        return self._made

    def refreshed(self) -> Made:
        """What was made of the tools as they are at this moment."""
        with self._mutex:
            self._look()
        return self._made

    def _look(self) -> None:
        began = time.monotonic()
        found = files.stamp(self._root)
        if found != self._stamp:
            self._stamp = found
            self._take_in()
        now = time.monotonic()
        self._look_at = now + max(LOOK_AGAIN_S, REST * (now - began))

    def _take_in(self) -> None:
        try:
            tools = files.read_home(self._root)
        except InvalidSetting as error:
            logger.warning("the tools stay as they were: %s", error)
            self._on_change(error.message, self._count)
            return
        self._made, self._count = self._make(tools), len(tools)
        logger.info("%d tools are known", len(tools))
        self._on_change(None, len(tools))
