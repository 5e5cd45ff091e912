"""Entering judged tasks, a batch a transaction, and what became of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from commands.task_file import Refusal
from store.records import Intake, NewTask
from store.sqlite_store import SqliteStore

#: Tasks entered in one transaction: many, for speed; not all, so that the daemon can begin.
BATCH: Final = 2_000
SOURCE: Final = "cli"


@dataclass(slots=True)
class Added:
    """What became of everything that was to be added."""

    ids: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"ids": self.ids, "refused": [each.to_json() for each in self.refused]}


def add_all(store: SqliteStore, judged: Iterable[NewTask | Refusal], where: Mapping[str, str]) -> Added:
    """Enter tasks as they come; `where` says of each id where it stands."""
    added = Added()
    rest = iter(judged)
    while batch := list(itertools.islice(rest, BATCH)):
        enter(store, batch, added, where)
    return added


def enter(
    store: SqliteStore, judged: Iterable[NewTask | Refusal], added: Added, where: Mapping[str, str]
) -> None:
    """Enter one batch; an id that is known is refused, not taken twice."""
    batch = list(judged)
    new = [each for each in batch if isinstance(each, NewTask)]
    entered = set(store.submit(Intake(new=new), SOURCE)) if new else set()
    for each in batch:
        if isinstance(each, Refusal):
            added.refused.append(each)
        elif each.task.id in entered:
            added.ids.append(each.task.id)
        else:
            reason = (
                f"a task {each.task.id!r} is known already; give another id, or `skep edit {each.task.id}`"
            )
            added.refused.append(Refusal(where[each.task.id], reason, each.task.id))
