"""What the tasks of a run keep for each other: texts under keys, for the whole run or for one part of it.

A scope is the id of a task; it stands for the tasks that it added. Who reads within a scope sees its entries
before those of the run.
"""

from __future__ import annotations

import threading

from run_contract.records import Run


class MemoryManager:
    """Reads and writes the memory of runs. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def get(self, run: Run | None, key: str, scope: str | None = None) -> tuple[str, bool]:
        """The entry, and whether there is one; that of the scope first."""
        if run is None:
            return "", False
        with self._lock:
            seen = memory_of(run, scope)
        return seen.get(key, ""), key in seen

    def put(self, run: Run | None, key: str, value: str, scope: str | None = None) -> None:
        """Keep an entry; it replaces an earlier one of the same scope."""
        if run is None:
            return
        with self._lock:
            if scope is not None:
                run.scopes.setdefault(scope, {})[key] = value
            else:
                run.memory[key] = value

    def seen(self, run: Run, scope: str | None = None) -> dict[str, str]:
        """A copy of what is seen within a scope."""
        with self._lock:
            return memory_of(run, scope)


def memory_of(run: Run, scope: str | None) -> dict[str, str]:
    """What is seen within a scope of a run: its own entries, then those of the run."""
    own = run.scopes.get(scope, {}) if scope is not None else {}
    return run.memory | own
