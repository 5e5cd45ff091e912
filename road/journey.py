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

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.is_cancelled.is_set() or self.is_handed_back.is_set()
