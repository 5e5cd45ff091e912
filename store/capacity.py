"""How much works at once: the workers, and the pace of each, as a person sets them while the daemon runs.

The settings `workers` and `concurrency` say how a daemon starts. What a person says later is a fact of the
store that outlives restarts, until it is taken back or a flag of ``skep up`` says otherwise. The supervisor
starts the workers that are missing; a worker that is one too many sees that itself, claims nothing more and
goes when what it runs has ended, so nothing is cut off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from errors import InvalidRequest
from settings import Settings
from store import processes
from store.room import Shared
from store.transaction import Transaction, dump

#: The fact, kept in `meta`: ``workers`` and ``pace`` where a person has set them, and who did last.
CAPACITY: Final = "capacity"
#: How the daemon that runs was started: its `workers` and `concurrency`, flags included.
STARTED: Final = "capacity_started"
MOST_WORKERS: Final = 16
MOST_PACE: Final = 512
#: Tasks that run at once in all: so many requests swarm serves.
MOST_AT_ONCE: Final = 1024
_MOST: Final = {"workers": MOST_WORKERS, "pace": MOST_PACE}

#: ``workers`` or ``pace`` -> how many; none: as the settings say.
Change = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is wanted now."""

    #: worker processes
    workers: int
    #: tasks each of them runs at once
    pace: int

    @classmethod
    def of(cls, fact: Mapping[str, Any] | None, settings: Settings) -> Self:
        """What a person has set, and where nobody has, what the settings say."""
        said = fact or {}
        workers = said.get("workers") or settings.workers
        return cls(int(workers), int(said.get("pace") or settings.concurrency))

    @property
    def at_once(self) -> int:
        """Tasks that run at once in all."""
        return self.workers * self.pace

    def pace_of(self, number: int | None) -> int:
        """How many tasks a worker runs at once, by its place among the workers of a supervisor, from 1.

        One that is one too many runs none; one that no supervisor keeps has no place.
        """
        return self.pace if number is None or number <= self.workers else 0

    def shared_by(self, worker_id: str, number: int | None) -> Shared:
        """The places a worker has together with the others of its supervisor; its own where it has none."""
        if number is None:
            return Shared(self.pace, frozenset({worker_id}))
        return Shared(self.at_once, frozenset(processes.names_of_workers(self.workers)))


def note_start(tx: Transaction, settings: Settings) -> None:
    """A daemon starts: what its flags and settings say, for whoever reads other settings."""
    tx.set_meta(STARTED, dump({"workers": settings.workers, "concurrency": settings.concurrency}))


def note_end(tx: Transaction) -> None:
    """It has ended."""
    tx.run("delete_meta", key=STARTED)


def _check(change: Change) -> None:
    for name, count in change.items():
        if count is not None and not 1 <= count <= _MOST[name]:
            raise InvalidRequest(f"{name} must be a whole number from 1 to {_MOST[name]}, not {count}.")


def _check_together(wanted: Capacity) -> None:
    if wanted.at_once > MOST_AT_ONCE:
        raise InvalidRequest(
            f"{wanted.workers} workers with a pace of {wanted.pace} are {wanted.at_once:,} "
            f"tasks at once; swarm serves at most {MOST_AT_ONCE:,}. Lower one of the two first."
        )


def set_capacity(tx: Transaction, change: Change, by: str, settings: Settings) -> bool:
    """Set workers, pace or both; whether that changed anything. Raises `InvalidRequest`."""
    _check(change)
    text = tx.meta(CAPACITY)
    before: dict[str, Any] = {} if text is None else json.loads(text)
    merged: dict[str, Any] = {name: change.get(name, before.get(name)) for name in _MOST}
    if merged == {name: before.get(name) for name in _MOST}:
        return False
    _check_together(Capacity.of(merged, settings))
    tx.set_meta(CAPACITY, dump(merged | {"by": by}))
    reason = None if any(merged.values()) else "as the settings say"
    tx.emit("daemon.capacity", source=by, reason=reason, **merged)
    tx.audit("capacity", "recorded", actor=by, reason=reason, **merged)
    return True
