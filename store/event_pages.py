"""The history as a person looks through it: filtered, a page at a time, at a bounded cost.

No index holds every kind, status and word, and one would cost every task that runs. So a page looks through
a stretch of the history only, at most `STRETCH` events, and says how far it came: a search for something
rare goes on where the last page ended, and no page keeps anybody waiting.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from clock import to_rfc3339
from store.reading import Reader
from store.transaction import dump

#: Events that one page looks through.
STRETCH: Final = 20_000


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What is asked for; everything where nothing is said."""

    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    task_id: str | None = None
    #: stand in the event's kind, its task or the first 10,000 characters of its fields, in whatever case
    words: str = ""
    #: Unix seconds: not before, and before
    since: float | None = None
    until: float | None = None

    def values(self) -> dict[str, Any]:
        """The values of the queries."""
        return {
            "kinds": dump(list(self.kinds)) if self.kinds else None,
            "statuses": dump(list(self.statuses)) if self.statuses else None,
            # as it stands in the JSON of an event's fields; SQLite lowers the letters A to Z alone
            "words": _lowered(dump(self.words)[1:-1]) if self.words else None,
        } | ({} if self.task_id is None else {"task_id": self.task_id})


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events of a page, the newest first."""

    rows: list[sqlite3.Row]
    #: the stretch that was looked through, its ends included; empty where `first` is over `last`
    first: int
    last: int
    #: whether the filtered history goes on beyond the stretch, to older and to newer events
    has_older: bool
    has_newer: bool


def back(reader: Reader, asked: EventFilter, before: int | None, limit: int, least: int = 1) -> EventPage:
    """The newest `limit` events that fit, of those before a place and not before `least`."""
    oldest, newest = bounds(reader, asked)
    oldest = max(oldest, least)
    last = newest if before is None else min(newest, before - 1)
    first = max(oldest, _reach(reader, asked, oldest, last, is_back=True))
    rows = _read(reader, "log_back", asked, first, last, limit)
    if len(rows) == limit:
        first = rows[-1]["seq"]
    return EventPage(rows, first, last, has_older=first > oldest, has_newer=last < newest)


def onward(reader: Reader, asked: EventFilter, after: int, limit: int) -> EventPage:
    """The oldest `limit` events that fit, of those after a place."""
    oldest, newest = bounds(reader, asked)
    first = max(oldest, after + 1)
    last = min(newest, _reach(reader, asked, first, newest, is_back=False))
    rows = _read(reader, "log_on", asked, first, last, limit)
    if len(rows) == limit:
        last = rows[-1]["seq"]
    return EventPage(rows[::-1], first, last, has_older=first > oldest, has_newer=last < newest)


def bounds(reader: Reader, asked: EventFilter) -> tuple[int, int]:
    """The first and the last event in the time that is asked for."""
    row = reader.one("last_event_seq")
    newest = row["seq"] if row else 0
    first = 1 if asked.since is None else _place_of(reader, asked.since, newest)
    last = newest if asked.until is None else _place_of(reader, asked.until, newest) - 1
    return first, last


def _place_of(reader: Reader, moment: float, newest: int) -> int:
    """The first event that is not before a moment, found by halving, as long as no clock went back."""
    wanted, low, high = to_rfc3339(moment), 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        row = reader.one("event_at_or_after", seq=middle)
        if row is None or row["ts"] >= wanted:
            high = middle
        else:
            low = max(middle, row["seq"]) + 1
    return low


def _reach(reader: Reader, asked: EventFilter, first: int, last: int, *, is_back: bool) -> int:
    """Where a stretch ends that begins at one end of these and holds `STRETCH` events."""
    if asked.task_id is None:
        return max(first, last - STRETCH + 1) if is_back else min(last, first + STRETCH - 1)
    query = "log_reach_back_of" if is_back else "log_reach_on_of"
    end = _end_of(reader, query, asked, first, last, STRETCH)
    if end is not None:
        rest = (first, end - 1) if is_back else (end + 1, last)
        if _end_of(reader, query, asked, *rest, 1) is not None:
            return end
    return first if is_back else last  # the stretch holds all there is


def _end_of(reader: Reader, query: str, asked: EventFilter, first: int, last: int, limit: int) -> int | None:
    """The last of so many events of the task from one end on; none where there are no events."""
    row = reader.one(query, task_id=asked.task_id, first=first, last=last, limit=limit)
    return None if row is None else row["seq"]


def _read(
    reader: Reader, query: str, asked: EventFilter, first: int, last: int, limit: int
) -> list[sqlite3.Row]:
    name = query if asked.task_id is None else f"{query}_of"
    return reader.all(name, **asked.values(), first=first, last=last, limit=limit)


def _lowered(text: str) -> str:
    return "".join(chr(ord(each) + 32) if "A" <= each <= "Z" else each for each in text)
