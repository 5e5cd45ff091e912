"""Who a task runs as: its identity, the setting's, or nobody; and tasks whose identity cannot be used.

Such a task does not run as somebody else. It waits, says so with the way out, and is let go by itself when
the file is there and right. A task that runs as nobody costs nothing here.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import Final

from enrichment.roster import Entry, Roster
from errors import IdentityUnusable
from store import ending, recording
from store.records import Claim
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

logger = logging.getLogger(__name__)

#: Seconds between looks at the files of identities.
LOOK_S: Final = 2.0
#: What `held_by` says of a task that waits for its identity.
PREFIX: Final = "identity:"


@dataclass(frozen=True, slots=True)
class Persona:
    """What an identity adds to a task."""

    #: what is put in front of the prompt; empty for nobody
    block: str = ""
    #: the model that answers where the task names none
    model: str | None = None


NOBODY: Final = Persona()


class Personas:
    """Finds the identities of the tasks of one home."""

    def __init__(self, store: SqliteStore, roster: Roster, default: str | None) -> None:
        self._store = store
        self._roster = roster
        self._default = default

    def of(self, claim: Claim) -> Persona | None:
        """Who does a claimed task; none where that cannot be, and the task has been put back."""
        identity = claim.task.identity_id or self._default
        if identity is None:
            return NOBODY
        entry = self._roster.get(identity)
        if entry.identity is not None:
            return Persona(entry.identity.block(identity), entry.identity.model)
        held = IdentityUnusable(held_by=f"{PREFIX}{identity}", waiting_for=_sentence(entry, claim.id))
        self._store.write(lambda tx: recording.hold_back(tx, claim.ref, held))
        return None


def _sentence(entry: Entry, task_id: str) -> str:
    return (
        f"identity {entry.id}: {entry.file}: {entry.fault}; or name another identity in identity_id "
        f"(skep edit {task_id})"
    )


class IdentityWatch:
    """The leader's look at the files: tells of bad ones, and lets tasks go that waited for one."""

    def __init__(self, store: SqliteStore, roster: Roster) -> None:
        self._store = store
        self._roster = roster
        self._told: dict[str, str | None] = {}
        self._is_first = True

    def look(self) -> None:
        """Do both. The first look lets all go: the setting may name another identity now."""
        self._tell()
        for row in self._store.reader.all("held_by_identities"):
            held_by = str(row["held_by"])
            if self._is_first or self._roster.get(held_by.removeprefix(PREFIX)).fault is None:
                self._store.write(functools.partial(ending.let_go, held_by=held_by))
        self._is_first = False

    def _tell(self) -> None:
        """Tell of each bad file once, until it is changed."""
        found = {entry.file: entry.fault for entry in self._roster.all()}
        new = {file: fault for file, fault in found.items() if fault and self._told.get(file) != fault}
        self._told = dict(found)
        if not new:
            return

        def tell(tx: Transaction) -> None:
            for file, fault in new.items():
                tx.emit("identity.refused", file=file, reason=fault)

        for file, fault in new.items():
            logger.warning("%s: %s", file, fault)
        self._store.write(tell)
