"""A run of the daemon whose attempts are paid: reserved, held back, booked, and a person asked for more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from config_files.models import ModelEntry
from cost.cost_calculator import Bill
from cost.model_catalog import ModelCatalog
from llm.contracts import Message
from llm.discovery import ModelStatus
from road.holding import AMPLE, Holding, look_at
from road.run_prompts import Given
from safety.headroom import payer_of
from safety.model_call import ModelCall, Wishes
from safety.secure_api import SecureAPIWrapper
from safety.work import Approved
from settings import Settings
from store import budgets, top_ups
from store.answering import Answer
from store.budgets import Account
from store.claims import Claimant
from store.records import Claim, TaskRef
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.timed_runs import TimedRuns
from testing.timed_slots import Deed

#: Of this model a token that may be written costs a micro-dollar, and one that is read nothing.
MODEL: Final = "counted"
CATALOG: Final = ModelCatalog(Settings(), [ModelEntry(name=MODEL, input=0, output=1)])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked where a limit cannot pay a task; amounts in micro-dollars."""

    limit: str
    task: str
    #: what the limit lacks
    needed: int
    #: the limit as it was set
    limit_micros: int

    @property
    def more(self) -> int:
        """The larger amount that is offered."""
        return max(self.limit_micros, AMPLE * self.needed)


#: Micro-dollars that a person adds; 0: nothing.
Person = Callable[[Asked], int]


class _OneModel:
    """The model whose answers are paid; nobody asks it."""

    def client(self) -> tuple[Any, ModelStatus]:
        return None, ModelStatus(True, MODEL, "http://localhost/", "it is counted alone")


class PaidRuns(TimedRuns):
    """What is claimed is paid as swarm pays it, and held back as a worker does."""

    def __init__(self, store: SqliteStore, who: Claimant, clock: FakeClock) -> None:
        super().__init__(store, who, clock)
        self.person: Person = lambda asked: 0
        self.holding = Holding(store)
        self._secure = SecureAPIWrapper(store, Settings(), CATALOG, _OneModel(), str(who.owner))
        self._calls: dict[TaskRef, ModelCall] = {}
        self._seen = 0

    def turn(self) -> bool:
        """Let the leader look at the budgets first; where nothing else is left, a person is asked."""
        self.holding.look()
        if super().turn():
            return True
        return bool(look_at(self.store.reader, self.clock.now())) or self._ask()

    def new_events(self) -> list[sqlite3.Row]:
        """What happened since this was asked the last time."""
        found = [*self.store.reader.events(self._seen)]
        self._seen = found[-1]["seq"] if found else self._seen
        return found

    def _may_begin(self, claim: Claim, given: Given) -> bool:
        text = given.prompt or claim.task.prompt or ""
        wishes = Wishes(claim.task.model, claim.task.max_tokens)
        approved = Approved(messages=(Message("user", text),))
        call = self._secure.prepare(approved, wishes, payer_of(claim.task), claim.ref.lease)
        (held,) = self.store.write(lambda tx: (self._secure.reserve(tx, call),))
        if held is None:
            self._calls[claim.ref] = call
        else:
            self.holding.hold(claim.ref, held, is_known=True)
        return held is None

    def _settle(self, claim: Claim, deed: Deed) -> None:
        call = self._calls.pop(claim.ref)
        call.bill = Bill(deed.micros, is_settled=True)
        self.store.write(lambda tx: self._secure.settle(tx, call))

    def _ask(self) -> bool:
        """Have a person answer for the most urgent task that waits; false where none does."""
        questions = {
            json.loads(row["payload"])["limit"]: row for row in self.store.reader.all("open_budget_decisions")
        }
        waiting = [row for limit in questions for row in self._waiting_for(limit)]
        if not waiting:
            return False
        row = min(waiting, key=lambda row: (-row["priority"], row["seq"]))
        asked = self._asked(row, json.loads(questions[row["held_by"]]["payload"]))
        self._answer(questions[row["held_by"]]["id"], asked, self.person(asked))
        return True

    def _waiting_for(self, limit: str) -> Iterable[sqlite3.Row]:
        rows = self.store.reader.all("held_tasks", held_by=limit, limit=100)
        found = (self.store.reader.task(row["id"]) for row in rows)
        return [row for row in found if row is not None]

    def _asked(self, row: sqlite3.Row, about: dict[str, Any]) -> Asked:
        balance = budgets.balance_of(self.store.reader, Account.of_limit(about["limit"], self.clock.now()))
        limit_micros = about["granted_micros"] - balance.topped_up
        left = about["granted_micros"] - balance.spent - balance.reserved
        return Asked(about["limit"], row["id"], row["needs"] - left, limit_micros)

    def _answer(self, question: str, asked: Asked, micros: int) -> None:
        if micros:
            self.store.write(lambda tx: top_ups.add(tx, asked.limit, micros, "you"))
        else:
            self.store.answer(Answer(question, "no", "you"))
