"""Entering judged tasks, a batch a transaction, and what became of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from store.records import Intake, NewTask
from store.task_file import Refusal

#: Tasks entered in one transaction: many, for speed; not all, so that the daemon can begin.
BATCH: Final = 2_000


@dataclass(slots=True)
class Added:
    """What became of everything that was to be added."""

    ids: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"ids": self.ids, "refused": [each.to_json() for each in self.refused]}


class Entering(Protocol):
    """A store that tasks are handed in to."""

    def submit(self, brought: Intake, source: str) -> list[str]:
        """Enter tasks; ids already known are noted and left. The ids entered."""


def add_all(
    store: Entering,
    judged: Iterable[NewTask | Refusal],
    where: Mapping[str, str],
    source: str,
    batch: int = BATCH,
) -> Added:
    """Enter tasks as they come, `batch` in one transaction; `where` says of each id where it stands."""
    added = Added()
    rest = iter(judged)
    while some := list(itertools.islice(rest, batch)):
        enter(store, some, added, where, source)
    return added


def enter(
    store: Entering,
    judged: Iterable[NewTask | Refusal],
    added: Added,
    where: Mapping[str, str],
    source: str,
) -> None:
    """Enter one batch; an id that is known is refused, not taken twice."""
    batch = list(judged)
    new = [each for each in batch if isinstance(each, NewTask)]
    entered = set(store.submit(Intake(new=new), source)) if new else set()
    for each in batch:
        if isinstance(each, Refusal):
            added.refused.append(each)
        elif each.task.id in entered:
            added.ids.append(each.task.id)
        else:
            added.refused.append(Refusal(where[each.task.id], _known(each.task.id), each.task.id, "id"))


def _known(task_id: str) -> str:
    return f"a task {task_id!r} is known already; give another id, or `skep edit {task_id}`"
