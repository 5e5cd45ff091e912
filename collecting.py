"""Python's search for cycles of objects: seldom, and left out while much is made that is all in use.

It is made again after so many new objects, walks all that there are, and would find nothing. Where tasks come
by the ten thousand that is a third of the time, and more for each task the more there are; where a process
imports its modules, a twelfth. What a call leaves behind is no cycle, nearly always, so a process that makes
many is better off with a search for every few thousand objects than for every seven hundred.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

#: New objects before the young are searched; the old are where the young were ten, or a hundred times.
YOUNG: Final = 5_000


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


def settle() -> None:
    """Set what there is aside, at the start of a process's work, and search seldom from then on.

    What is set aside is walked no more, and the memory that it lies in is not written to: processes that are
    forked afterwards share it. They are settled as well.
    """
    if gc.get_freeze_count() == 0:
        gc.set_threshold(YOUNG, 10, 10)
        gc.collect()
        gc.freeze()
