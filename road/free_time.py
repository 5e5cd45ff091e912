"""Free time: while nothing is to do, an identity may buy a task of its own with the tokens it earned.

Off unless the setting `free_time` is on. What is queued is an ordinary prompt on the ordinary road: claimed,
screened, reviewed, within a budget of its own. It is chosen without chance: the identity with the most
tokens first, its activities in turn. It earns nothing and is not split, so tokens cannot breed tokens; it is
paid for in the transaction that queues it, once; and the day's cap counts all identities together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from clock import local_day
from enrichment.roster import Entry, Roster
from faults import fault_point
from runtime_contract import normalize_task
from settings import Settings
from store import intake, ledger
from store.records import Intake, NewTask
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

#: Seconds between looks whether there is nothing to do.
LOOK_S: Final = 5.0
#: What tasks of free time are tagged with.
TAG: Final = "free-time"
#: Free time comes after everything else.
PRIORITY: Final = -1000
#: Letters of an identity's id in the ids of its tasks.
_LONGEST_STEM: Final = 90
_PROMPT: Final = (
    "This is your free time: nobody has asked for it, and your answer goes into your journal. "
    "What you chose to do:\n"
)


class FreeTime:
    """Queues tasks for the identities of one home. For the leader."""

    def __init__(self, store: SqliteStore, roster: Roster, settings: Settings) -> None:
        self._store = store
        self._roster = roster
        self._settings = settings

    def look(self) -> str | None:
        """Queue one task where nothing else is to do and somebody can pay; its id."""
        if not self._settings.free_time or not self._is_idle():
            return None
        entries = [entry for entry in self._roster.all() if entry.identity and entry.identity.free_time]
        queued = self._store.write(lambda tx: self._queue(tx, entries)) if entries else None
        if queued is not None:
            fault_point("reward.committed")
        return queued

    def _is_idle(self) -> bool:
        reader = self._store.reader
        gate = reader.gate()
        return gate.paused is None and "llm" not in gate.closed_modes and not reader.all("any_unrested")

    def _queue(self, tx: Transaction, entries: Iterable[Entry]) -> str | None:
        if tx.all("any_unrested") or self._is_used_up(tx):
            return None
        wanting = sorted(entries, key=lambda entry: (-ledger.purse_of(tx, entry.id).balance, entry.id))
        for entry in wanting:
            if ledger.purse_of(tx, entry.id).balance >= self._settings.free_time_cost:
                return self._buy(tx, entry)
        return None

    def _is_used_up(self, tx: Transaction) -> bool:
        bought = tx.one("free_time_of_day", day=local_day(tx.now))
        return bought is None or bought["count"] >= self._settings.free_time_per_day

    def _buy(self, tx: Transaction, entry: Entry) -> str:
        bought = tx.one("free_time_of", identity=entry.id)
        number = int(bought["count"]) if bought is not None else 0
        assert entry.identity is not None  # noqa: S101  only such are asked
        activity = entry.identity.free_time[number % len(entry.identity.free_time)]
        document = self._document(_new_id(tx, entry.id, number + 1), entry.id, activity)
        task, document = normalize_task(document, self._settings.limits)
        ledger.pay(tx, entry.id, ledger.FREE_TIME, task.id, self._settings.free_time_cost, task_id=task.id)
        intake.enter(tx, Intake(new=[NewTask(task, document)]), ledger.FREE_TIME, self._store.limits)
        return task.id

    def _document(self, task_id: str, identity: str, activity: str) -> dict[str, Any]:
        return {
            "id": task_id,
            "prompt": f"{_PROMPT}{activity}",
            "identity_id": identity,
            "max_budget": self._settings.free_time_budget_usd,
            "priority": max(PRIORITY, -self._settings.limits.priority),
            "decompose": "never",
            "tags": [TAG] if self._settings.limits.tags_items else [],
        }


def _new_id(tx: Transaction, identity: str, number: int) -> str:
    """An id that no task has: ``free-ada-3``."""
    stem = identity
    if len(identity) > _LONGEST_STEM:
        stem = f"{identity[: _LONGEST_STEM - 11]}-{hashlib.sha256(identity.encode()).hexdigest()[:10]}"
    while tx.one("get_task", id=f"free-{stem}-{number}") is not None:
        number += 1
    return f"free-{stem}-{number}"
