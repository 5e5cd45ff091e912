"""The tasks that could start, in the order they are admitted: the highest priority first, then by id."""

from __future__ import annotations

import heapq
import threading


class QueueManager:
    """A queue of task ids that never blocks. Threads may share it.

    An id may be in it several times, and may be empty; among equal priorities the order is that of the ids.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._lock = threading.Lock()

    def enqueue(self, task_id: str, priority: int = 0) -> None:
        """Put an id into the queue; a higher priority comes out first."""
        with self._lock:
            heapq.heappush(self._heap, (-priority, task_id))

    def dequeue(self) -> tuple[str, bool]:
        """The next id, and whether there was one."""
        with self._lock:
            if not self._heap:
                return "", False
            return heapq.heappop(self._heap)[1], True

    def __len__(self) -> int:
        return len(self._heap)
