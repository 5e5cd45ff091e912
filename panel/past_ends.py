"""Every end of a task there ever was, summed once and then added to: what a monitor asks for all the time."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from store.reading import Reader

#: Minutes that are read anew each time, since an end may still be written into them.
FRESH_MINUTES: Final = 2


@dataclass
class Ends:
    """Ends of tasks, summed."""

    #: by the state they ended in
    by_state: Counter[str] = field(default_factory=Counter)
    #: those that ran, by the bound of their seconds
    by_bound: Counter[float] = field(default_factory=Counter)
    #: seconds of all that ran
    seconds: float = 0.0

    def add(self, rows: Iterable[sqlite3.Row]) -> None:
        """Count what rows of ``ends_between`` tell."""
        for row in rows:
            self.by_state[row["state"]] += row["count"]
            if row["within_s"] > 0:
                self.by_bound[row["within_s"]] += row["count"]
                self.seconds += row["seconds"]


class PastEnds:
    """The sums of one home. A clock that is set back may leave ends out until the panel starts again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = Ends()
        #: the last minute that is in `_kept`
        self._through = -1

    def read(self, reader: Reader) -> Ends:
        """All ends until now."""
        last = int(reader.now()) // 60
        with self._lock:
            settled = last - FRESH_MINUTES
            if settled > self._through:
                self._kept.add(reader.all("ends_between", after=self._through, upto=settled))
                self._through = settled
            found = Ends(Counter(self._kept.by_state), Counter(self._kept.by_bound), self._kept.seconds)
            found.add(reader.all("ends_between", after=self._through, upto=2**62))
        return found
