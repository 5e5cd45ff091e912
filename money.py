"""Money: whole micro-dollars inside, dollars in what a person writes and reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

MICROS_PER_DOLLAR: Final = 1_000_000

_DOLLARS: Final = re.compile(r"\$?([0-9]{1,9}(?:\.[0-9]{1,6})?)")


def dollars_to_micros(dollars: float) -> int:
    """Dollars as a person writes them, in whole micro-dollars, rounded half to even."""
    return int((Decimal(str(dollars)) * MICROS_PER_DOLLAR).to_integral_value())


def to_dollars(micros: int) -> float:
    """Micro-dollars as a number of dollars."""
    return micros / MICROS_PER_DOLLAR


def dollars_text(micros: int, places: int = 2) -> str:
    """Micro-dollars as a person reads them: to the cent, and further only where there is something.

    Parameters:
        places: digits after the point that are told at least, so that the amounts of a column stand in line.
    """
    text = f"{Decimal(micros) / MICROS_PER_DOLLAR:.6f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"${whole}.{part:0<{places}}"


def dollar_places(amounts: Iterable[int | None]) -> int:
    """Digits after the point that the finest of these micro-dollars needs, two at least."""
    return max((len(dollars_text(each).partition(".")[2]) for each in amounts if each is not None), default=2)


def read_amount(text: str) -> int | None:
    """Micro-dollars of an amount such as ``5``, ``5.00`` or ``$0.25``; none where it is no amount over 0."""
    found = _DOLLARS.fullmatch(text.strip())
    micros = 0 if found is None else int(Decimal(found[1]) * MICROS_PER_DOLLAR)
    return micros or None


def is_nothing(text: str) -> bool:
    """Whether it is an amount of no dollars at all, such as ``0`` or ``$0.00``."""
    found = _DOLLARS.fullmatch(text.strip())
    return found is not None and not Decimal(found[1])
