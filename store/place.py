"""Whether what a process works on is still what stands under its name."""

from __future__ import annotations

from pathlib import Path

from errors import StoreError


class StoreGone(StoreError):
    """The home, or the database in it, was moved, removed or replaced while a process worked on it."""

    code = "store_gone"


class HeldPlace:
    """The name of a home's folder, or of its database that is open, and what stood there then.

    What is open stays what it is wherever it is moved, so SQLite goes on in it; but all else that a home
    holds is found by its name, and would be missing, or another's.
    """

    def __init__(self, path: Path, home: Path) -> None:
        """Raises `StoreGone` where nothing stands there."""
        self._path = path
        self._home = home
        self._identity = self._look()
        self.check()

    def is_gone(self) -> bool:
        """Whether nothing stands there any more, or something else does."""
        try:
            found = self._look()
        except OSError:  # closed to us for the moment: that says nothing of what stands there
            return False
        return found is None or found != self._identity

    def check(self) -> None:
        """Raise `StoreGone` where it is."""
        if self.is_gone():
            what = f"{self._home}, or the database in it, was moved or removed while Skep worked there"
            way_out = "start it where the home is now (skep --home DIR up): what ran is taken up again"
            raise StoreGone(f"{what}, so it stopped at once; {way_out}")

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_dev, found.st_ino
