"""When a server that is busy wants to be asked again, from the headers of its answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

#: The longest wait that is believed, in seconds: one day.
LONGEST_WAIT_S: Final = 86_400.0

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,9})?")


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` (Unix seconds) until the server wants the next request; None where it does not say.

    Read in this order: ``retry-after-ms``; ``retry-after`` as seconds or HTTP date (RFC 9110);
    ``x-ratelimit-reset-requests`` and ``-tokens`` (OpenAI: ``6m0s``, ``20ms``); ``x-ratelimit-reset``
    (seconds, or a moment in Unix seconds or milliseconds). What cannot be read is passed over.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    found = None if milliseconds is None else milliseconds / 1000
    for wait in (found, _wait(headers.get("retry-after"), now), _limits(headers), _reset(headers, now)):
        if wait is not None and math.isfinite(wait):
            return min(max(wait, 0.0), LONGEST_WAIT_S)
    return None


def _number(text: str | None) -> float | None:
    return float(text) if text and _NUMBER.fullmatch(text.strip()) else None


def _wait(text: str | None, now: float) -> float | None:
    """The value of ``retry-after``."""
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _duration(text: str | None) -> float | None:
    """Seconds of a text such as ``1h2m3.5s``, ``20ms`` or a bare number of seconds."""
    if not text or _number(text) is not None:
        return _number(text)
    text = text.strip()
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _limits(headers: Mapping[str, str]) -> float | None:
    """The longest reset among the limits that are used up; the nearest of all where none says so."""
    resets: list[tuple[bool, float]] = []
    for kind in ("requests", "tokens"):
        wait = _duration(headers.get(f"x-ratelimit-reset-{kind}"))
        if wait is not None:
            resets.append((headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0", wait))
    used_up = [wait for empty, wait in resets if empty]
    if used_up:
        return max(used_up)
    return min((wait for _, wait in resets), default=None)


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    value = _number(headers.get("x-ratelimit-reset"))
    if value is None:
        return None
    if value > 1e11:  # Unix milliseconds
        return value / 1000 - now
    return value - now if value > 1e9 else value
