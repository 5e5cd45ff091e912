"""Ids for tasks that come without one: ``t-`` and the time, so that they sort as they came."""

from __future__ import annotations

import secrets
import time
from typing import Final

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LENGTH: Final = 14
_RANDOM_BITS: Final = 24


class NewIds:
    """Gives ids that nobody else gives: milliseconds and 24 random bits, counted on within one command."""

    def __init__(self, now: float | None = None) -> None:
        milliseconds = int((time.time() if now is None else now) * 1000)
        self._next = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)

    def give(self) -> str:
        """The next id."""
        self._next += 1
        digits = (_DIGITS[self._next >> 5 * place & 31] for place in reversed(range(_LENGTH)))
        return "t-" + "".join(digits)
