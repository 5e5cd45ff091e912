"""Until when a question is to wait, as a person writes it: a span, a moment, or ``none``. Pure."""

from __future__ import annotations

import re
from typing import Final

from clock import to_rfc3339
from errors import InvalidRequest, InvalidTask
from runtime_contract import read_moment

#: Lets a question wait for ever.
NONE: Final = "none"
#: Seconds that a deadline may lie ahead.
MOST_AHEAD_S: Final = 366 * 86_400.0

_SECONDS: Final = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,5}) ?([mhd])")


def read_deadline(text: str, now: float) -> float | None:
    """Unix seconds of ``90m``, ``4h``, ``2d`` from now, or of an ISO 8601 time (local without an offset).

    None for `NONE`. Raises `InvalidRequest` for anything else, and for what has passed or lies too far ahead.
    """
    word = text.strip()
    if word.lower() == NONE:
        return None
    moment = _moment(word, now)
    if moment <= now:
        raise InvalidRequest(f"deadline: {word[:80]!r} has passed. Name a time that is to come.")
    if moment > now + MOST_AHEAD_S:
        raise InvalidRequest(
            f"deadline: {word[:80]!r} is more than a year away; the last day is "
            f"{to_rfc3339(now + MOST_AHEAD_S)[:10]}. `{NONE}` lets the question wait for ever."
        )
    return moment


def example(now: float) -> str:
    """A time that is taken, as it may be written: a day from now, in UTC."""
    return f"{to_rfc3339(now + _SECONDS['d'])[:16]}Z"


def _moment(word: str, now: float) -> float:
    span = _SPAN.fullmatch(word.lower())
    if span is not None:
        return now + int(span[1]) * _SECONDS[span[2]]
    try:
        return read_moment(word, "deadline")
    except InvalidTask:
        raise InvalidRequest(
            f"deadline: {word[:80]!r} is neither a span such as 90m, 4h or 2d, nor a time such as "
            f"{example(now)}, nor {NONE}."
        ) from None
