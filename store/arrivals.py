"""Watching a folder of Linux for what comes into it (inotify(7)).

watchdog holds back the news of a file that is moved away for half a second, in case the same file turns up
elsewhere, and whatever happens meanwhile waits behind it. Every projection exchanges the queue file for the
next one, so a save of the half second after it would be noticed late. What goes away is of no interest here,
so only what comes is asked for.
"""

from __future__ import annotations

import logging

from watchdog.observers.inotify import InotifyEmitter, InotifyObserver
from watchdog.observers.inotify import logger as watchdogs_words
from watchdog.observers.inotify_c import InotifyConstants, Mask


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is more than that a watch has ended while its thread was about to look."""
    return "called when the thread is inactive" not in record.getMessage()


class ArrivalObserver(InotifyObserver):
    """watchdog's observer, deaf to what is moved away."""

    def __init__(self) -> None:
        super().__init__()
        watchdogs_words.addFilter(_is_news)
        self._emitter_class = _ArrivalEmitter


class _ArrivalEmitter(InotifyEmitter):
    def get_event_mask_from_filter(self) -> Mask:
        """The kinds of news that are asked for."""
        return Mask(
            InotifyConstants.IN_CREATE
            | InotifyConstants.IN_MODIFY
            | InotifyConstants.IN_CLOSE_WRITE
            | InotifyConstants.IN_MOVED_TO
            | InotifyConstants.IN_DELETE
            | InotifyConstants.IN_DELETE_SELF
        )
