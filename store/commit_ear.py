"""Being told by the system that a database's write-ahead log has grown, while nothing else happens."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

import host_platform
from store.file_watch import FileWatch

logger = logging.getLogger(__name__)

#: commits that were not heard until nobody listens any more; one may have come as the listening began
MOST_MISSED: Final = 3


class CommitEar:
    """Listens where a store is at rest, so that nobody needs to look many times a second.

    SQLite writes the log before the commit can be seen (sqlite.org/wal.html), so what is heard says that
    something is about to change. Where the system tells nothing or cannot be asked, it is not asked again.
    """

    def __init__(self, database: Path, told: threading.Event) -> None:
        self._journal = database.with_name(f"{database.name}-wal")
        self._told = told
        self._watch: FileWatch | None = None
        self._is_of_use = host_platform.IS_LINUX
        self._missed = 0

    @property
    def is_listening(self) -> bool:
        """Whether the event is set when the log is written."""
        return self._watch is not None

    def listen(self) -> None:
        """Set the event from now on whenever the log is written, where the system can."""
        if self._watch is None and self._is_of_use:
            watch = FileWatch(self._told.set)
            watch.add(self._journal.parent, self._journal.name)
            self._is_of_use = watch.start()
            self._watch = watch if self._is_of_use else None

    def end(self) -> None:
        """Listen no more: a busy store is looked at, which costs less than being told of each write."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def missed(self) -> None:
        """There was a commit that was not heard."""
        self._missed += 1
        if self._missed == MOST_MISSED:
            logger.info("the system does not tell of commits: the store is looked at instead")
            self._is_of_use = False
            self.end()
