"""How often a model may be asked: token buckets in the store, shared by every thread and process.

A bucket holds at most a minute's worth and fills evenly, by the monotonic clock that all processes of one
start of the machine share. Each call takes one request and the tokens it will probably use; what it really
used is put right when it has ended, so a bucket may stand below zero for a while. A call that is larger than
the whole bucket goes when the bucket is full.

A rate that is used up keeps tasks from being claimed, as a concurrency limit does (`store.lanes`), so they
wait in their order and cost nothing. This module is what a call itself is held to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from clock import Clock
from host_platform import boot_id
from store.lanes import EVERY_OTHER, Room
from store.transaction import Transaction, dump

#: The rates of the home in `meta`, as the executing process goes by them.
RATE_LIMITS: Final = "rate_limits"
#: What `held_by` says of a task whose call came too early.
RATE_PREFIX: Final = "rate:"
PER_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests and tokens a minute, by model; `EVERY_OTHER` for each that is not named."""

    requests: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)

    def of(self, model: str) -> dict[str, int]:
        """What a model may be asked in a minute: by kind, only the kinds that are limited."""
        found = {
            "requests": self.requests.get(model, self.requests.get(EVERY_OTHER)),
            "tokens": self.tokens.get(model, self.tokens.get(EVERY_OTHER)),
        }
        return {kind: most for kind, most in found.items() if most is not None}

    @property
    def models(self) -> frozenset[str]:
        """Every name that has a limit."""
        return frozenset(self.requests) | frozenset(self.tokens)

    def as_json(self) -> str:
        """The limits as the store keeps them."""
        return dump([dict(self.requests), dict(self.tokens)])

    @classmethod
    def of_fact(cls, fact: Any) -> Self:
        """The limits that `as_json` told, read; none where nothing was told yet."""
        return cls() if fact is None else cls(*fact)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a model may not be asked now."""

    #: such as ``60 requests a minute``
    limit: str
    #: seconds until it may be
    seconds: float


def level_at(
    row: Mapping[str, Any] | sqlite3.Row | None, per_minute: int, monotonic: float, boot: str
) -> float:
    """How full a bucket is now; full where there is none yet, or the machine was started again since."""
    if row is None or row["boot"] != boot:
        return float(per_minute)
    filled = row["level"] + (monotonic - row["at"]) * per_minute / PER_MINUTE
    return float(min(per_minute, filled))


def wait_for(kind: str, level: float, wanted: float, per_minute: int) -> Wait | None:
    """Why `wanted` cannot be taken of a bucket that is so full; none where it can."""
    missing = min(wanted, per_minute) - level
    if missing <= 0:
        return None
    return Wait(f"{per_minute:,} {kind} a minute", missing * PER_MINUTE / per_minute)


def longest(waits: Iterable[Wait | None]) -> Wait | None:
    """The wait that counts."""
    return max((wait for wait in waits if wait is not None), key=lambda wait: wait.seconds, default=None)


def take(tx: Transaction, limits: RateLimits, model: str, tokens: int) -> Wait | None:
    """Take what a call needs of its model's buckets; where one is too empty, take nothing and say why."""
    most = limits.of(model)
    if not most:
        return None
    wanted = {"requests": 1.0, "tokens": float(tokens)}
    levels = _levels(tx, model, most)
    wait = longest(wait_for(kind, level, wanted[kind], most[kind]) for kind, level in levels.items())
    for kind, level in levels.items():
        _put(tx, model, kind, level if wait else level - wanted[kind], wanted[kind])
    return wait


def correct(tx: Transaction, limits: RateLimits, model: str, taken: int, used: int) -> None:
    """A call has used other than the tokens that were taken for it; the next may be like it."""
    most = limits.of(model).get("tokens")
    if most is not None and taken != used:
        level = _levels(tx, model, {"tokens": most})["tokens"] + taken - used
        _put(tx, model, "tokens", min(float(most), level), float(taken))


def _levels(tx: Transaction, model: str, most: Mapping[str, int]) -> dict[str, float]:
    rows = {row["kind"]: row for row in tx.all("buckets_of", model=model)}
    return {kind: level_at(rows.get(kind), most[kind], tx.monotonic, boot_id()) for kind in most}


def _put(tx: Transaction, model: str, kind: str, level: float, wanted: float) -> None:
    tx.run("put_bucket", model=model, kind=kind, level=level, wanted=wanted, at=tx.monotonic, boot=boot_id())


def rooms(buckets: Iterable[sqlite3.Row], limits: RateLimits, clock: Clock) -> dict[str, Room]:
    """How often each model may be asked now, as far as its buckets tell."""
    found: dict[str, Room] = {}
    for row in buckets:
        per_minute = limits.of(row["model"]).get(row["kind"])
        if per_minute is None:
            continue
        level = level_at(row, per_minute, clock.monotonic(), boot_id())
        wanted = min(row["wanted"], per_minute)
        wait = wait_for(row["kind"], level, wanted, per_minute)
        room = Room(
            calls=0 if wait else max(1, int(level / wanted)),
            limit=f"{per_minute:,} {row['kind']} a minute",
            opens_at=clock.now() + (wait.seconds if wait else 0.0),
        )
        other = found.get(row["model"])
        if other is None or (room.calls, -room.opens_at) < (other.calls, -other.opens_at):
            found[row["model"]] = room
    return found
