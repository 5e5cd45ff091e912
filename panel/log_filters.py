"""What of the history is asked for, as a request says it: each filter read with its bound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from errors import InvalidRequest
from events import EVENT_KINDS, EVENT_STATUSES
from store.event_pages import EventFilter

#: The parameters that choose events, in the order of the form.
NAMES: Final = ("kind", "status", "task", "text", "from", "to")
LONGEST_WORDS: Final = 200
LONGEST_ID: Final = 600
#: Kinds that begin with the same word, each offered as one choice.
GROUPS: Final = tuple(dict.fromkeys(kind.partition(".")[0] + "." for kind in EVENT_KINDS))


def read(given: MultiDict[str, str]) -> EventFilter:
    """The filter of a request. Raises `InvalidRequest`, naming the parameter and the rule."""
    return EventFilter(
        kinds=tuple(_kinds(_words(given, "kind"))),
        statuses=tuple(_statuses(_words(given, "status"))),
        task_id=_bounded(given, "task", LONGEST_ID) or None,
        words=_bounded(given, "text", LONGEST_WORDS),
        since=_moment(given, "from"),
        until=_moment(given, "to"),
    )


def said(given: Mapping[str, str]) -> dict[str, str]:
    """The filters that say something, as they stand in an address."""
    return {name: given[name] for name in NAMES if given.get(name)}


def _words(given: MultiDict[str, str], name: str) -> list[str]:
    return [word.strip() for text in given.getlist(name) for word in text.split(",") if word.strip()]


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
    text = given.get(name, "").strip()
    if len(text) > most:
        raise InvalidRequest(f"{name} may have {most} characters, not {len(text):,}.")
    return text


def _moment(given: MultiDict[str, str], name: str) -> float | None:
    """Unix seconds. A time without its zone is this machine's."""
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text[:40]).timestamp()
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest(
            f"{name} must be a time such as 2026-11-28T14:05 or 2026-11-28T14:05:00Z, not {text[:40]!r}."
        ) from None
