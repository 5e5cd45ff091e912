"""What people look for among tasks, and in which order: filters, orders, and where a page goes on. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from errors import InvalidRequest
from runtime_contract import ENDED, Status
from store.records import STATUS_OF_STATE
from store.transaction import dump

#: newest, oldest: by arrival. priority: what goes first. cost: the dearest first, of those that had any.
#: ended: the last to end first, of those that have ended.
Order = Literal["newest", "oldest", "priority", "cost", "ended"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
Mode = Literal["llm", "local"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

#: A place in an order: what comes after it compares greater, so newest is by negative places.
Key = tuple[Any, ...]
_SEPARATOR: Final = "~"
#: Characters of a place as an address says it: an amount and the longest id.
LONGEST_CURSOR: Final = 1_100
_LARGEST: Final = 2**62
_START: Final[dict[Order, Key]] = {
    "newest": (_LARGEST,),
    "oldest": (0,),
    "priority": (-_LARGEST, 0),
    "cost": (_LARGEST, ""),
    "ended": (float(_LARGEST), _LARGEST),
}
_ENDED_STATES: Final = tuple(state for state, status in STATUS_OF_STATE.items() if status in ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which tasks are meant; what is not given does not matter."""

    statuses: tuple[Status, ...] = ()
    mode: Mode | None = None
    source: str | None = None
    tag: str | None = None
    #: words that all stand in the task's id, text, tags or model, each perhaps only its beginning
    words: str | None = None
    #: only tasks that were there at this moment, Unix seconds
    as_of: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every task is meant."""
        return not self.statuses and not any((self.mode, self.source, self.tag, self.words, self.as_of))

    def states(self, order: Order = "newest") -> tuple[str, ...] | None:
        """The states of the store that are meant; none for all."""
        asked = [state for state, status in STATUS_OF_STATE.items() if status in self.statuses]
        if order == "ended":
            return tuple(state for state in _ENDED_STATES if not asked or state in asked)
        return tuple(asked) or None

    def values(self, order: Order = "newest") -> dict[str, Any]:
        """The filter as the queries take it."""
        states = self.states(order)
        return {
            "states": None if states is None else dump(list(states)),
            "source": self.source,
            "lane": None if self.mode is None else self.mode[:3],
            "tag": self.tag,
            "as_of": self.as_of,
        }


def natural_order(statuses: Sequence[Status]) -> Order:
    """The order in which tasks of these statuses are looked at first: of what has ended, the last end."""
    return "ended" if statuses and all(status in ENDED for status in statuses) else "newest"


def start_of(order: Order) -> Key:
    """The place before everything."""
    return _START[order]


def sorting(order: Order, key: Key) -> Key:
    """The key as something that sorts upwards."""
    if order in {"newest", "ended"}:
        return tuple(-part for part in key)
    if order == "cost":
        return (-key[0], _Downwards(key[1]))
    return key


@dataclass(frozen=True, slots=True)
class _Downwards:
    """A text that sorts before those that are smaller."""

    text: str

    def __lt__(self, other: _Downwards) -> bool:
        return other.text.encode() < self.text.encode()  # as SQLite compares


def cursor_of(order: Order, key: Key) -> str:
    """A place as an address says it."""
    return _SEPARATOR.join(repr(part) if isinstance(part, float) else str(part) for part in key)


def place_of(order: Order, cursor: str | None) -> Key:
    """The place that a page goes on after. Raises `InvalidRequest` for what no page said."""
    if not cursor:
        return _START[order]
    parts = cursor[: LONGEST_CURSOR + 1].split(_SEPARATOR, 1)
    try:
        key = tuple(_part(sample, text) for sample, text in zip(_START[order], parts, strict=True))
    except ValueError:
        raise InvalidRequest(
            f"after must be what `next` of the page before said, in the same order, not {cursor[:40]!r}."
        ) from None
    return key


def _part(sample: object, text: str) -> int | float | str:
    if isinstance(sample, str):
        if not text or len(text) > 1000:
            raise ValueError(text)
        return text
    if len(text) > 30 or not text.isascii() or "_" in text:
        raise ValueError(text)
    number = float(text) if isinstance(sample, float) else int(text)
    has_sign = isinstance(sample, int) and sample < 0  # only priorities go below zero
    if not math.isfinite(number) or abs(number) > _LARGEST or (number < 0 and not has_sign):
        raise ValueError(text)
    return number
