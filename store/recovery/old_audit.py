"""The audit of a damaged database: what was exported is entered again, and the chain goes on from there.

Only records that prove themselves under the key of the home are taken. What was decided after the last copy
of the database and was not exported yet is lost; that this happened is a record of its own.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from errors import StoreError
from settings import Home
from store.audit_log import AUDIT_CHAIN
from store.audit_log import key as keys
from store.audit_log.record import AuditChain, audit_book, columns_of
from store.chained_log.files import LogFiles
from store.recovery.old_log import OldForm, OldLog, agrees_at
from store.transaction import Transaction, dump

ACTOR: Final = "recovery"
_SEQ: Final = re.compile(rb'"seq":(\d{1,18}),')


@dataclass(frozen=True, slots=True)
class AuditPlayed:
    """What came of it."""

    #: records that were taken
    records: int = 0
    #: lines that prove nothing any more
    damaged: int = 0
    #: why nothing was taken; none where something could be
    trouble: str | None = None

    @property
    def sentence(self) -> str:
        """What the record of it says."""
        if self.trouble is not None:
            return f"the database was rebuilt; {self.trouble}, so the audit is that of the backup alone"
        lost = f", passed over as damaged: {self.damaged}" if self.damaged else ""
        taken = f"{self.records} records were taken from the audit file{lost}"
        return f"the database was rebuilt; {taken}; what was not exported yet is lost"


def play_audit(tx: Transaction, home: Home) -> AuditPlayed:
    """Enter every record the file has and the store lacks, as it was, and a record that tells of it."""
    try:
        played = _play(tx, home, keys.read(home.audit_key))
    except (StoreError, OSError) as error:
        played = AuditPlayed(trouble=f"the key of the audit cannot be used ({error})")
    tx.audit("recovered", "recorded", actor=ACTOR, code="rebuilt", reason=played.sentence)
    return played


def _play(tx: Transaction, home: Home, key: bytes) -> AuditPlayed:
    chain, files = AuditChain(key, ""), LogFiles(home.audit_file)
    form = OldForm(chain.check_line, _SEQ, lambda record: columns_of(record) is not None, chain.disagreement)
    newest = tx.one("last_audit", limit=1)
    after = int(newest["seq"]) if newest else 0
    if not agrees_at(files, newest, after, form):
        return AuditPlayed(trouble="the audit file does not belong to the backup")
    log = OldLog(files, after, form)
    last = after
    for record in log:
        if last:
            _fill_gap(tx, last + 1, record)
        tx.run("put_audit", **columns_of(record) or {})
        last = record["seq"]
    if log.lines:
        _note(tx, key, log)
    return AuditPlayed(log.lines, log.damaged)


def _fill_gap(tx: Transaction, first: int, before: dict[str, Any]) -> None:
    """A place whose record is lost says so, since the numbers of records have no gaps."""
    lost = {"code": "lost", "reason": "the record of this place was damaged, and lost with the database"}
    tx.run_many("put_audit", (
        {"seq": seq, "ts": before["ts"], "boot": before["boot"], "event": "recovered",
         "decision": "recorded", "actor": ACTOR, "task_id": None, "lease": None, "rule": None,
         "digest": None, "cost_micros": None, "data": dump(lost)}
        for seq in range(first, before["seq"])
    ))  # fmt: skip


def _note(tx: Transaction, key: bytes, log: OldLog) -> None:
    """The chain goes on: its id is what the first record continues, or what the backup knew."""
    noted, first = tx.meta(AUDIT_CHAIN), log.first_line()
    chain_id = str(json.loads(noted)["id"]) if noted else secrets.token_hex(32)
    if first is not None and first.seq == 1:
        chain_id = first.prev
    book = audit_book(key, chain_id)
    tx.set_meta(AUDIT_CHAIN, dump({"id": chain_id, "key": keys.fingerprint(key)}))
    tx.set_meta(book.exported_seq, str(log.last))
    tx.set_meta(book.exported_from, str(log.first_of_current()))
