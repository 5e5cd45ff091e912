"""One line of the log, and the chain that ties it to the line before.

A line is one JSON object: `seq`, `ts`, `event`, `task_id`, `status`, `worker_id` and `attempt` (all seven
always there, null where there is none), then the event's own fields, then `prev`, the hash of the line before
(64 zeros at the very first), then `hash`. What is hashed is the line itself with ``,"hash":"..."`` taken out:
keys in their order, no white space, so that ``sha256`` over a piece of text is all a checker needs.

The whole chain follows from the store. A line can be written again at any time, byte for byte, and a log that
was rewritten with fresh hashes still differs from the store.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any, Final

from store.chained_log.book import BROKEN_CHAIN, Book, Line, Problem, Repair, differing, read_object
from store.reading import event_of
from store.transaction import Transaction

#: `prev` of the very first line
GENESIS: Final = "0" * 64
#: bytes of the end of a line: ``,"hash":"``, 64 digits, ``"}`` and the newline
_SEAL: Final = 9 + 64 + 3
_BASE: Final = ("seq", "ts", "event", "task_id", "status")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def render(row: sqlite3.Row, prev: str) -> tuple[bytes, str]:
    """The line of an event, newline included, and its hash."""
    # Not through jsonlines.Writer: the hash is of these very bytes, so they are made once and sealed.
    body = _to_bytes(event_of(row) | {"prev": prev})
    digest = hashlib.sha256(body).hexdigest()
    return b'%b,"hash":"%b"}\n' % (body[:-1], digest.encode()), digest


def _to_bytes(value: Any) -> bytes:
    """JSON in UTF-8; half a surrogate pair has no UTF-8, so a line that holds one is written in ASCII."""
    text = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _encode_ascii(value).encode()


def check_line(raw: bytes, prev: str | None = None) -> Line | Problem:
    """What a line says, if it is whole, unchanged and (where `prev` is given) the next in the chain."""
    found = read_object(raw)
    line = found if isinstance(found, Problem) else _read(found)
    if isinstance(line, Problem):
        return line
    if not raw.endswith(f',"hash":"{line.seal}"}}\n'.encode(errors="replace")) or line.seal != _hash_of(raw):
        return Problem("the line was changed: its hash does not fit it")
    if prev is not None and line.prev != prev:
        return Problem(BROKEN_CHAIN)
    return line


def _read(found: dict[str, Any]) -> Line | Problem:
    event = dict(found)
    seq, prev, digest = event.get("seq"), event.pop("prev", None), event.pop("hash", None)
    if type(seq) is not int or not isinstance(prev, str) or not isinstance(digest, str):
        return Problem("the line lacks seq, prev or hash")
    if missing := [name for name in _BASE if name not in event]:
        return Problem(f"the line lacks {', '.join(missing)}")
    return Line(seq, event, prev, digest)


def _hash_of(raw: bytes) -> str:
    return hashlib.sha256(raw[:-_SEAL] + b"}").hexdigest()


def disagreement(line: Line, row: sqlite3.Row) -> str | None:
    """Names of the fields in which a line and the store's event differ; none when they agree."""
    return differing(event_of(row), line.fields, _encode)


class EventChain:
    """The functions above, as every copy of a table needs them."""

    genesis = GENESIS
    render = staticmethod(render)
    check_line = staticmethod(check_line)
    disagreement = staticmethod(disagreement)


def _tell(tx: Transaction, repair: Repair) -> None:
    tx.emit("log.repaired", code=repair.code, reason=repair.reason, file=repair.file, bytes=repair.bytes)


#: The event table and ``execution_log.jsonl``.
EVENTS: Final = Book(
    name="the log",
    row="event",
    rows_after="events_after",
    exported_seq="exported_seq",
    exported_from="exported_from",
    chain=EventChain(),
    tell=_tell,
)
