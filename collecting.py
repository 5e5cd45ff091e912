"""Python's search for cycles of objects, left out while much is made that is all in use.

It is made again after so many new objects, walks all that there are, and would find nothing. Where tasks come
by the ten thousand that is a third of the time, and more for each task the more there are; where a process
imports its modules, a twelfth.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_collecting() -> Iterator[None]:
    """Leave the search out, in all threads; what it would have found it finds afterwards.

    What is made within should be gone when this ends, else it is walked once then.
    """
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()
