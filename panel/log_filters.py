"""What of the history is asked for, as a request says it: each filter read with its bound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from errors import InvalidRequest
from events import EVENT_KINDS, EVENT_STATUSES
from panel.api.fields import words_of
from store.event_pages import EventFilter

#: The parameters that choose events, in the order of the form.
NAMES: Final = ("kind", "status", "task", "text", "from", "to")
#: Those that may be given several times.
SEVERAL: Final = ("kind", "status")
LONGEST_WORDS: Final = 200
LONGEST_ID: Final = 600
#: A time as RFC 3339 has it; seconds and zone may be left out, and so may the time of day.
TIME: Final = (
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_TIME: Final = re.compile(TIME)
#: Kinds that begin with the same word, each offered as one choice.
GROUPS: Final = tuple(dict.fromkeys(kind.partition(".")[0] + "." for kind in EVENT_KINDS))


def read(given: MultiDict[str, str]) -> EventFilter:
    """The filter of a request. Raises `InvalidRequest`, naming the parameter and the rule."""
    return EventFilter(
        kinds=tuple(_kinds(words_of(given, "kind"))),
        statuses=tuple(_statuses(words_of(given, "status"))),
        task_id=_bounded(given, "task", LONGEST_ID) or None,
        words=_bounded(given, "text", LONGEST_WORDS),
        since=_moment(given, "from"),
        until=_moment(given, "to"),
    )


def said(given: Mapping[str, str]) -> dict[str, str]:
    """The filters that say something, as they stand in an address."""
    return {name: given[name] for name in NAMES if given.get(name)}


def _kinds(words: list[str]) -> list[str]:
    found: dict[str, Any] = {}
    for word in words:
        named = [kind for kind in EVENT_KINDS if kind == word or (word in GROUPS and kind.startswith(word))]
        if not named:
            raise InvalidRequest(
                f"kind: {word[:80]!r} is no kind of event; docs/events.md lists them, and a group such as "
                "task. with its dot stands for all of them."
            )
        found |= dict.fromkeys(named)
    return list(found)


def _statuses(words: list[str]) -> list[str]:
    for word in words:
        if word not in EVENT_STATUSES:
            known = ", ".join(sorted(EVENT_STATUSES))
            raise InvalidRequest(f"status: {word[:80]!r} is no status of an event; choose of {known}.")
    return words


def _bounded(given: MultiDict[str, str], name: str, most: int) -> str:
    text = given.get(name, "")
    if len(text) > most:
        raise InvalidRequest(f"{name} may have {most} characters, not {len(text):,}.")
    return text.strip()


def _moment(given: MultiDict[str, str], name: str) -> float | None:
    """Unix seconds. A time without its zone is this machine's."""
    text = given.get(name, "")
    if not text:
        return None
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest(
            f"{name} must be a time such as 2026-11-28T14:05 or 2026-11-28T14:05:00Z, not {text[:40]!r}."
        ) from None
