"""Recurring and delayed tasks as page and API show them."""

from __future__ import annotations

import re
from typing import Any, Final

from clock import to_local
from errors import InvalidRequest
from panel.context import Panel
from panel.words import one_line
from redaction import clean_value
from store import timetable

#: Rows of a page.
ROWS: Final = 20
#: A place among delayed tasks, as `next` says it: Unix seconds, and the number of the task.
PLACE_AT: Final = r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?:[0-9]{1,18}"
_PLACE_AT: Final = re.compile(PLACE_AT)


def schedules_of(here: Panel, after: int = 0, count: int = ROWS) -> dict[str, Any]:
    """A page of recurring tasks, in order of arrival."""
    found = timetable.schedules(here.reader, count + 1, after)
    return {
        "schedules": [_told(each) for each in found[:count]],
        "next": str(found[count - 1]["seq"]) if len(found) > count else None,
        "time_zone": _zone(here),
    }


def delayed_of(here: Panel, place: str = "", count: int = ROWS) -> dict[str, Any]:
    """A page of delayed tasks, the next first."""
    found = timetable.delayed(here.reader, count + 1, _read_place(place))
    last = found[count - 1] if len(found) > count else None
    return {
        "delayed": [_told(each) for each in found[:count]],
        "next": None if last is None else f"{last['at']!r}:{last['seq']}",
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = clean_value(row | {"work": one_line(row["work"], 120)})
    told.pop("at", None)
    return told


def _read_place(text: str) -> tuple[float, int]:
    """Where a page of delayed tasks begins. Raises `InvalidRequest`."""
    if not text:
        return -1.0, 0
    moment, _, seq = text.partition(":")
    try:
        if len(text) > 60 or not _PLACE_AT.fullmatch(text):
            raise ValueError
        return float(moment), int(seq)
    except ValueError:
        raise InvalidRequest("after must be what `next` of the page before said.") from None


def _zone(here: Panel) -> str:
    """The time zone cron runs in here, such as ``CET, UTC+01:00``; ``UTC`` alone where it is that."""
    local = to_local(here.clock.now())
    if local.tzname() == "UTC":
        return "UTC"
    return f"{local.tzname()}, UTC{local.strftime('%z')[:3]}:{local.strftime('%z')[3:5]}"
