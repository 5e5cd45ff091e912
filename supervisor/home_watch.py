"""Whether a home is still where its daemon began to work in it."""

from __future__ import annotations

import os
from pathlib import Path


class HomeWatch:
    """Holds the directory of a home, and looks whether its name leads to it.

    Held, it is known again on file systems that give other numbers to what nobody holds (overlayfs).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def is_gone(self) -> bool:
        """Whether nothing stands in its place, or something else does."""
        try:
            return not os.path.samestat(self._root.stat(), os.fstat(self._handle))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # closed to us for the moment: it says nothing of what stands there
            return False

    def told(self) -> str:
        """The sentence for a person when it is gone."""
        what = f"{self._root} was moved or removed while Skep worked in it, so everything was stopped at once"
        way_out = "Nothing is lost where it is now: start Skep there (skep --home DIR up)"
        return f"{what}. {way_out}; what it wrote to the old place in that instant is not needed."

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
