"""The folders in which people and programs put things, watched where they are, also after they moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from store.file_watch import FileWatch
from store.queue_file.keeper import QueueFileKeeper


class WatchedFiles:
    """Watches the queue file, old ones and the inbox.

    Parameters:
        wake: is called when something there may have changed.
        keeper: knows where the queue file is.
        inbox: the folder that programs put files into.
    """

    def __init__(self, wake: Callable[[], None], keeper: QueueFileKeeper, inbox: Path) -> None:
        self._wake = wake
        self._keeper = keeper
        self._inbox = inbox
        self._watch = self._made()

    def start(self) -> bool:
        """Begin; whether the system tells of changes."""
        return self._watch.start()

    def look(self) -> None:
        """Watch anew where the queue file has moved, or a folder is another than the one that was watched."""
        made = self._made()
        if (made.names, made.folders()) == (self._watch.names, self._watch.watched):
            return
        self._watch.stop()
        self._watch = made
        made.start()
        self._wake()  # what came in between was told to nobody

    def stop(self) -> None:
        """Watch no more."""
        self._watch.stop()

    def _made(self) -> FileWatch:
        watch = FileWatch(self._wake)
        self._keeper.watch_with(watch)
        watch.add(self._inbox)
        return watch
