"""A claimed task under way in this process, and who wants it stopped."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from store.records import Claim


@dataclass
class Journey:
    """A claimed task under way in this process."""

    claim: Claim
    #: a person wants it stopped
    is_cancelled: threading.Event = field(default_factory=threading.Event)
    #: the worker stops and gives it back
    is_handed_back: threading.Event = field(default_factory=threading.Event)
    #: what a task of a run was told of other tasks; empty where it was told nothing
    ledger: dict[str, Any] = field(default_factory=dict)
    #: what it asks, where its answer may be taken again; empty: not known; none: it may not
    cache_key: str | None = None

    #: whether more may follow in its run from an answer that counts; not known where somebody else began it
    grows: bool = True
    #: somebody else began it, and is gone
    is_resumed: bool = False

    @property
    def why_stopped(self) -> str:
        """How it came to be stopped, where no person cancelled the task."""
        if self.is_handed_back.is_set():
            return "the worker stopped"
        if self.is_resumed:  # a worker that stops calls /cancel too, and who called is not on record
            return "it was stopped through /cancel or by the worker before"
        return "it was stopped through /cancel"

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.is_cancelled.is_set() or self.is_handed_back.is_set()
