"""What the checks are given: one home as a face has opened it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from settings import Home, Settings
from store.reading import Reader


class Examined(Protocol):
    """A home that is looked at."""

    @property
    def home(self) -> Home:
        """Its places."""

    @property
    def settings(self) -> Settings:
        """Its settings. Raises `InvalidSetting` where they cannot be understood."""

    def reader(self) -> AbstractContextManager[Reader]:
        """Its store to read from, for a while. Raises `StoreError`."""
