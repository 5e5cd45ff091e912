"""What was found a moment ago, for who asks again before it can matter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Recent(Generic[Found]):
    """Keeps one thing for a while; of those who ask at once, one looks and the others wait for it.

    Parameters:
        age_s: seconds for which what was found counts as new.
    """

    def __init__(self, age_s: float) -> None:
        self.age_s = age_s
        self._mutex = threading.Lock()
        self._found: tuple[float, Found] | None = None

    def get(self, look: Callable[[], Found]) -> Found:
        """What was found, by `look` where that is too long ago."""
        with self._mutex:
            now = time.monotonic()
            if self._found is None or now - self._found[0] >= self.age_s:
                self._found = now, look()
            return self._found[1]
