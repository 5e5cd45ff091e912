"""Tasks whose worker is gone: asked after, adopted where somebody executes them, else decided by `effect`."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from attempts import AttemptPolicy
from runtime_contract import Task
from store import claims, recording
from store.claims import Claimant
from store.records import Claim, TaskRef, task_of
from store.rescue import Abandoned
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from work_context import concerning

logger = logging.getLogger(__name__)


class Rescuer:
    """Brings running tasks without a living worker back onto the road."""

    def __init__(
        self,
        store: SqliteStore,
        who: Claimant,
        policy: AttemptPolicy,
        effect_of: Callable[[Task], str],
        carry_on: Callable[[Claim], None],
        is_held: Callable[[TaskRef], bool],
    ) -> None:
        self._store = store
        self._who = who
        self._policy = policy
        self._effect_of = effect_of
        self._carry_on = carry_on
        self._is_held = is_held

    def rescue(self) -> int:
        """Look once; how many tasks were rescued. Cheap while nothing runs elsewhere."""
        if all(map(self._is_ours, self._store.reader.all("running"))):
            return 0
        found = [one for one in self._store.find_abandoned() if not self._is_ours(one.row)]
        for one in found:
            with concerning(one.row["id"]):
                logger.warning("task %s: its worker is gone (%s)", one.row["id"], one.execution)
                self._rescue(one)
        return len(found)

    def _is_ours(self, row: sqlite3.Row) -> bool:
        """Whether this worker has it in hand. One it dropped, as when the disk was full, is not."""
        if row["owner"] != str(self._who.owner):
            return False
        is_fresh: bool = row["lease_expires"] >= self._store.clock.monotonic()
        return is_fresh or self._is_held(TaskRef(row["id"], row["lease"]))

    def _rescue(self, one: Abandoned) -> None:
        if one.execution in {"ended", "running"}:
            claim = self._store.write(lambda tx: claims.adopt(tx, self._who, one.row))
            if claim is not None:
                self._carry_on(claim)
        else:
            self._store.write(lambda tx: self._interrupt(tx, one))

    def _interrupt(self, tx: Transaction, one: Abandoned) -> None:
        """What was never begun did nothing, so it may run again whatever its effect."""
        row = tx.one("held", id=one.row["id"], lease=one.row["lease"])
        if row is None or row["owner"] != one.row["owner"]:
            return
        task = task_of(row["doc"], row["id"])
        own = one.row["tool_effect"] or self._effect_of(task)
        effect = "idempotent" if one.execution == "unstarted" else own
        what = f"its worker {row['worker_id']} ended"
        recording.interrupted(tx, row, effect, self._policy.interruption_limit(task), what)
