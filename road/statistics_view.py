"""Keeps the statistics in the files of identities up with the store: seldom, and only where they changed.

Nothing waits for it. A file that cannot be written is told of once, with the way out, and left as it is; a
file with a mistake is told of by `personas.py` and left alone here.
"""

from __future__ import annotations

import logging
import math
from typing import Final

from enrichment.roster import Entry, Roster
from enrichment.statistics import Statistics, statistics_of
from enrichment.statistics_file import StatisticsFile, held_in
from enrichment.statistics_lines import Unwritable
from runtime_contract import ID_PATTERN
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds between two looks at least; an old text is watched that long for an editor that holds it open.
QUIET_S: Final = 5.0
LOOK_S: Final = 30.0
#: Counting takes longer the more was done: it is rested this many times as long as it took.
REST: Final = 100.0
#: Files that are looked into in a row; the others wait for the next look.
MOST_FILES: Final = 32


class StatisticsView:
    """Writes them for one home. For the leader."""

    def __init__(self, store: SqliteStore, roster: Roster) -> None:
        self._store = store
        self._roster = roster
        #: what the store had when it was last counted, and what was counted
        self._version = -1
        self._counted: dict[str, Statistics] = {}
        self._rests_until = -math.inf
        #: id -> the file and the figures that it shows
        self._shown: dict[str, tuple[Entry, Statistics]] = {}
        self._told: dict[str, str] = {}
        #: ids whose old texts may lie beside their files
        self._held = held_in(roster.folder)

    def look(self) -> float | None:
        """Write what changed; seconds until there is more to do, where there is. Raises `OSError`."""
        self.settle()
        return QUIET_S if self.show_new() else None

    def show_new(self) -> bool:
        """Write what changed; whether something did. Old texts stay for the next look. Raises `OSError`."""
        self._count()
        due = [each for each in self._roster.all() if each.identity is not None and not self._is_shown(each)]
        for entry in due[:MOST_FILES]:
            self._show(entry)
        return bool(due)

    def settle(self) -> None:
        """Look at the old texts for the last time, and let them go."""
        for identity in filter(ID_PATTERN.fullmatch, self._held):
            try:
                self._file(identity).settle()
            except (Unwritable, OSError) as error:
                self._tell(identity, str(error))
        self._held = set()

    def _count(self) -> None:
        clock, reader = self._store.clock, self._store.reader
        began, version = clock.monotonic(), reader.data_version()
        if version != self._version and began >= self._rests_until:
            self._counted = {each.identity: each for each in statistics_of(reader)}
            self._version = version
            ended = clock.monotonic()
            self._rests_until = ended + REST * (ended - began)

    def _is_shown(self, entry: Entry) -> bool:
        """Whether nothing changed since it was seen to be right; the roster reads a changed file anew."""
        file, figures = self._shown.get(entry.id, (None, None))
        return file is entry and figures == self._figures(entry.id)

    def _figures(self, identity: str) -> Statistics:
        return self._counted.get(identity, Statistics(identity))

    def _show(self, entry: Entry) -> None:
        figures = self._figures(entry.id)
        try:
            if not self._file(entry.id).is_shown(figures, self._store.clock.now()):
                self._held.add(entry.id)
                return
            self._told.pop(entry.id, None)
        except FileNotFoundError:
            return
        except (Unwritable, OSError) as error:
            self._tell(entry.id, str(error))
        self._shown[entry.id] = entry, figures

    def _file(self, identity: str) -> StatisticsFile:
        return StatisticsFile(self._roster.folder / f"{identity}.toml", self._store.home.conflicts)

    def _tell(self, identity: str, reason: str) -> None:
        """Once, until the reason is another."""
        if self._told.get(identity) == reason:
            return
        file = Entry(identity).file
        logger.warning("%s: %s", file, reason)
        self._store.write(lambda tx: tx.emit("identity.unwritten", file=file, reason=reason))
        self._told[identity] = reason
