"""Tasks in pages, by filters and in an order, with bounded work however many there are.

Each page is made in two steps: the places of tasks are read from one index, in chunks, and what they must
besides be is looked at for each. The index is the order's own, or that of the filter that leaves least. Where
so many tasks do not fit that a page would take long, it is handed out short, and says where to go on.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from store.reading import Reader
from store.task_filter import Filter, Key, Order, sorting, start_of
from store.task_search import TaskSearch
from store.transaction import dump

#: Tasks looked at for one page; about 20 ms.
MOST_LOOKED_AT: Final = 6_000
#: So few are all read and put in order, whatever the order.
FEW: Final = 2_000
#: States of a schedule that has not ended.
_SCHEDULED: Final = frozenset({"blocked", "delayed"})
_CHUNKS: Final = (200, 1_800, 4_000)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task stands in an order."""

    key: Key
    seq: int
    #: of the text that was found; none where no text was looked for
    version: int | None = None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A page of tasks."""

    rows: list[sqlite3.Row]
    #: the place of the last task that was looked at; none where there are no more
    next: Key | None
    #: whether the page is short because enough was looked at, and not because there are no more
    is_short: bool = False


#: Reads the next places after one: the place, and how many.
Source = Callable[[Key, int], list[Place]]


@dataclass(frozen=True)
class TaskList:
    """The tasks of a store, as people look for them."""

    reader: Reader
    search: TaskSearch

    def page(self, wanted: Filter, order: Order, limit: int, after: Key | None = None) -> TaskPage:
        """The tasks that fit, from a place on; where words are looked for, newest or oldest first alone."""
        after = start_of(order) if after is None else after
        source = self._source(wanted, order)
        places: list[Place] = []
        looked, last, is_done = 0, after, False
        for chunk in self._chunks(source, after):
            is_done = chunk is None
            if chunk is None:
                break
            places += [place for place, _ in self._fitting(chunk, wanted, order)]
            looked, last = looked + len(chunk), chunk[-1].key
            if len(places) > limit or looked >= MOST_LOOKED_AT:
                break
        rows = self.rows([place.seq for place in places[:limit]])
        if len(places) > limit:
            return TaskPage(rows, places[limit - 1].key)
        return TaskPage(rows, None if is_done else last, is_short=not is_done)

    def tally(self, wanted: Filter, most: int) -> tuple[Counter[str], bool]:
        """How many of the tasks that fit are in each state, and whether that are all.

        No more than `most` are looked at.
        """
        counts: Counter[str] = Counter()
        looked = 0
        for chunk in self._chunks(self._source(wanted, "oldest"), start_of("oldest")):
            if chunk is None:
                return counts, True
            if looked >= most:
                break
            states = self._fitting(chunk, wanted, "oldest")
            counts.update(row["state"] for _, row in states)
            looked += len(chunk)
        return counts, False

    def recurring(self, wanted: Filter, most: int) -> list[str]:
        """Ids of the schedules that fit and have not ended, in order of arrival.

        Where words are looked for no more than `most` tasks are looked at.
        """
        source = self._recurring if wanted.words is None else self._of_words(wanted.words, "oldest")
        found: list[str] = []
        looked = 0
        for chunk in self._chunks(source, start_of("oldest")):
            if chunk is None or looked >= most:
                break
            rows = (row for _, row in self._fitting(chunk, wanted, "oldest"))
            found += [row["id"] for row in rows if row["every"] is not None and row["state"] in _SCHEDULED]
            looked += len(chunk)
        return found

    def _recurring(self, after: Key, limit: int) -> list[Place]:
        rows = self.reader.all("places_recurring", place=after[0], limit=limit)
        return [Place((row["seq"],), row["seq"]) for row in rows]

    def rows(self, seqs: list[int]) -> list[sqlite3.Row]:
        """The tasks at these places, in their order, each with what it cost."""
        found = {row["seq"]: row for row in self.reader.all("tasks_at", seqs=dump(seqs))} if seqs else {}
        return [found[seq] for seq in seqs if seq in found]

    @staticmethod
    def _chunks(source: Source, after: Key) -> Iterator[list[Place] | None]:
        """The places in chunks, none at the end."""
        number = 0
        while True:
            size = _CHUNKS[min(number, len(_CHUNKS) - 1)]
            chunk = source(after, size)
            if chunk:
                yield chunk
                after = chunk[-1].key
            if len(chunk) < size:
                yield None
                return
            number += 1

    def _fitting(self, places: list[Place], wanted: Filter, order: Order) -> list[tuple[Place, sqlite3.Row]]:
        """Those that fit, each with what is known of it."""
        found = self.reader.all("fitting", seqs=dump([place.seq for place in places]), **wanted.values(order))
        rows = {row["seq"]: row for row in found}
        return [
            (place, rows[place.seq])
            for place in places
            if place.seq in rows and place.version in {None, rows[place.seq]["version"]}
        ]

    # -- where the places come from ------------------------------------------------------------------------

    def _source(self, wanted: Filter, order: Order) -> Source:
        """What is read: the words' own index, few tasks put in order, or the order's index."""
        direction: Order = "oldest" if order == "oldest" else "newest"
        if wanted.words is not None:
            return self._of_words(wanted.words, direction)
        least, size = self._least(wanted, order)
        by_arrival = self._by_arrival(least, direction, wanted.values(order))
        if order == direction:
            return by_arrival
        if size <= FEW:
            return self._sorted(by_arrival, direction, order, wanted)
        return {"priority": self._by_priority, "cost": self._by_cost, "ended": self._ended(wanted)}[order]

    def _least(self, wanted: Filter, order: Order) -> tuple[str, int]:
        """The filter that leaves least, and how many that are; `FEW` and one where they are more."""
        values = wanted.values(order)
        names = {"in_states": "states", "of_source": "source", "of_mode": "lane", "of_tag": "tag"}
        sizes = {name: self._size(name, values) for name, field in names.items() if values[field] is not None}
        least = min(sizes, key=lambda name: sizes[name], default="")
        return least, sizes.get(least, MOST_LOOKED_AT)

    def _size(self, name: str, values: dict[str, Any]) -> int:
        row = self.reader.one(f"count_{name}", most=MOST_LOOKED_AT, **values)
        return int(row["count"]) if row is not None else 0

    def _by_arrival(self, least: str, direction: str, values: dict[str, Any]) -> Source:
        query = f"places_{least}_{direction}" if least else f"places_{direction}"

        def read(after: Key, limit: int) -> list[Place]:
            rows = self.reader.all(query, place=after[0], limit=limit, **values)
            return [Place((row["seq"],), row["seq"]) for row in rows]

        return read

    def _of_words(self, words: str, direction: str) -> Source:
        def read(after: Key, limit: int) -> list[Place]:
            found = self.search.find(words, after[0], limit, newest=direction == "newest")
            return [Place((seq,), seq, version) for seq, version in found]

        return read

    def _by_priority(self, after: Key, limit: int) -> list[Place]:
        rows = self.reader.all("places_by_priority", rank=after[0], seq=after[1], limit=limit)
        return [Place((row["rank"], row["seq"]), row["seq"]) for row in rows]

    def _by_cost(self, after: Key, limit: int) -> list[Place]:
        rows = self.reader.all("places_by_cost", spent=after[0], id=after[1], limit=limit)
        return [Place((row["spent"], row["id"]), row["seq"]) for row in rows]

    def _ended(self, wanted: Filter) -> Source:
        def read(after: Key, limit: int) -> list[Place]:
            found = [
                Place((row["finished"], row["seq"]), row["seq"])
                for state in wanted.states("ended") or ()
                for row in self.reader.all(
                    "places_ended", state=state, finished=after[0], seq=after[1], limit=limit
                )
            ]
            return sorted(found, key=lambda place: sorting("ended", place.key))[:limit]

        return read

    def _sorted(self, by_arrival: Source, direction: Order, order: Order, wanted: Filter) -> Source:
        """A few tasks, read whole and put in order."""
        places: list[Place] | None = None

        def read(after: Key, limit: int) -> list[Place]:
            nonlocal places
            if places is None:
                found = by_arrival(start_of(direction), MOST_LOOKED_AT)
                keyed = [(place, _key_of(row, order)) for place, row in self._fitting(found, wanted, order)]
                places = sorted(
                    (Place(key, place.seq) for place, key in keyed if key is not None),
                    key=lambda place: sorting(order, place.key),
                )
            left = [each for each in places if sorting(order, after) < sorting(order, each.key)]
            return left[:limit]

        return read


def _key_of(row: sqlite3.Row, order: Order) -> Key | None:
    """Where a task stands in an order; none where it has no place there."""
    if order == "priority":
        return (row["rank"], row["seq"])
    if order == "cost":
        return (row["spent"], row["id"]) if row["spent"] else None
    return None if row["finished"] is None else (row["finished"], row["seq"])
