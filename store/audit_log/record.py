"""One record of the audit as a line, and the MAC that chains it to the record before.

A line is one JSON object in canonical form: keys sorted, no white space, ASCII alone, so that no control
character, no line break and no letter that turns text around stands in it. `v`, `seq`, `ts`, `boot`,
`event`, `decision`, `actor`, `task_id`, `lease`, `rule`, `digest`, `cost_micros`, `prev` and `mac` are always
there, null where there is none; fields of the event come besides. `mac` is the HMAC-SHA256 (RFC 2104) of the
line without `mac`, `prev` the `mac` of the record before; in the very first record it is the random id of
the chain.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from typing import Any, Final

from store.chained_log.book import BROKEN_CHAIN, Book, Line, Problem, Repair, differing, read_object
from store.transaction import Transaction

#: Version of the form of a record.
VERSION: Final = 1
#: What every record has, with its meaning; `prev` and `mac` besides.
RECORD_FIELDS: Final[dict[str, str]] = {
    "v": "version of the form of a record",
    "seq": "place of the record, from 1, without gaps",
    "ts": "when, RFC 3339 in UTC with microseconds",
    "boot": "which start of the machine: a text that changes with each",
    "event": "what was decided about, see below",
    "decision": "what was decided, see below",
    "actor": "who decided: worker, swarm, panel, cli with the user, or api",
    "task_id": "the task it is about",
    "lease": "the lease under which it would run",
    "rule": "what decided: the check of the gateway, or the code of the refusal",
    "digest": "SHA-256 of the exact bytes that were decided on",
    "cost_micros": "micro-dollars",
}
#: What chains a record to the others, with its meaning.
SEAL_FIELDS: Final[dict[str, str]] = {
    "prev": "`mac` of the record before; of the first: the random id of the chain",
    "mac": "HMAC-SHA256, under the key of `.swarm/audit.key`, of the record without `mac`",
}
_COLUMNS: Final = tuple(name for name in RECORD_FIELDS if name != "v")
_TEXTS: Final = ("ts", "boot", "event", "decision", "actor")
_TEXTS_OR_NONE: Final = ("task_id", "rule", "digest")
_NUMBERS_OR_NONE: Final = ("lease", "cost_micros")

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def record_of(row: sqlite3.Row) -> dict[str, Any]:
    """A row of the audit as every face shows it; `prev` and `mac` are of the file alone."""
    fields: dict[str, Any] = json.loads(row["data"])
    return {"v": VERSION} | {name: row[name] for name in _COLUMNS} | fields


def columns_of(record: dict[str, Any]) -> dict[str, Any] | None:
    """The columns of a row that gives this record; none where no row can."""
    if not _is_record(record):
        return None
    fields = {name: value for name, value in record.items() if name not in RECORD_FIELDS}
    return {name: record[name] for name in _COLUMNS} | {"data": _encode(fields)}


def _is_record(record: dict[str, Any]) -> bool:
    return (
        record.get("v") == VERSION
        and type(record.get("seq")) is int
        and all(type(record.get(name)) is str for name in _TEXTS)
        and all(record.get(name) is None or type(record[name]) is str for name in _TEXTS_OR_NONE)
        and all(record.get(name) is None or type(record[name]) is int for name in _NUMBERS_OR_NONE)
        and RECORD_FIELDS.keys() <= record.keys()
    )


class AuditChain:
    """Makes and checks the lines of one chain."""

    def __init__(self, key: bytes, genesis: str) -> None:
        self._key = key
        self._genesis = genesis

    @property
    def genesis(self) -> str:
        """The id of the chain."""
        return self._genesis

    def render(self, row: sqlite3.Row, prev: str) -> tuple[bytes, str]:
        """The line of a row, newline included, and its MAC."""
        record = record_of(row) | {"prev": prev}
        mac = self._mac(record).decode()
        return _line_of(record | {"mac": mac}), mac

    def check_line(self, raw: bytes, prev: str | None = None) -> Line | Problem:
        """What a line says, if it is whole, unchanged and (where `prev` is given) the next in the chain."""
        found = read_object(raw)
        if isinstance(found, Problem):
            return found
        if missing := [name for name in (*RECORD_FIELDS, *SEAL_FIELDS) if name not in found]:
            return Problem(f"the record lacks {', '.join(missing)}")
        seq, before, mac = found["seq"], found["prev"], found["mac"]
        if type(seq) is not int or not isinstance(before, str) or not isinstance(mac, str):
            return Problem("seq, prev or mac of the record is of the wrong type")
        unsealed = {name: value for name, value in found.items() if name != "mac"}
        try:
            was_changed = not hmac.compare_digest(mac.encode("ascii", "replace"), self._mac(unsealed))
            is_canonical = raw == _line_of(found)
        except (ValueError, RecursionError):  # a number or a depth that JSON lets in and we never write
            return Problem("the line is not a JSON object")
        if was_changed:
            return Problem("the record was changed: its mac does not fit it")
        if not is_canonical:
            return Problem("the record is not in canonical form")
        if prev is not None and before != prev:
            return Problem(BROKEN_CHAIN)
        return Line(seq, {name: value for name, value in unsealed.items() if name != "prev"}, before, mac)

    def disagreement(self, line: Line, row: sqlite3.Row) -> str | None:
        """Names of the fields in which a record and the store's row differ; none when they agree."""
        return differing(record_of(row), line.fields, _encode)

    def _mac(self, record: dict[str, Any]) -> bytes:
        return hmac.digest(self._key, _encode(record).encode("ascii"), "sha256").hex().encode()


def _line_of(record: dict[str, Any]) -> bytes:
    return _encode(record).encode("ascii") + b"\n"


def _tell(tx: Transaction, repair: Repair) -> None:
    told: dict[str, Any] = {
        "code": repair.code,
        "reason": repair.reason,
        "file": repair.file,
        "bytes": repair.bytes,
    }
    tx.emit("audit.repaired", **told)
    tx.audit("recovered", "recorded", actor="worker", **told)


def audit_book(key: bytes, genesis: str) -> Book:
    """The audit table and ``audit.jsonl``, chained under a key."""
    return Book(
        name="the audit",
        row="record",
        rows_after="audit_after",
        exported_seq="audit_exported_seq",
        exported_from="audit_exported_from",
        chain=AuditChain(key, genesis),
        tell=_tell,
    )
