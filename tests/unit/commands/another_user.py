"""Being another user for a moment, which needs root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

#: the number of that user
ANOTHER: Final = 65_534


@contextlib.contextmanager
def as_another_user() -> Iterator[None]:
    """What is imported meanwhile must be open to all: import first what a verb needs."""
    os.setresuid(ANOTHER, ANOTHER, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
