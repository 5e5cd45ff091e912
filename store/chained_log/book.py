"""What a table of the store and the file that copies it are to each other, whatever they hold.

``execution_log.jsonl`` is the copy of the events, ``.swarm/audit.jsonl`` that of the audit. Both are exported
once per row and in order, both hang together line by line, and both are checked against the store. What
differs (how a line looks, what proves it, how a repair is told) is a `Book`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

from store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is whole and unchanged since it was written."""

    seq: int
    #: everything but what chains it to the others
    fields: dict[str, Any]
    #: what the line before it was sealed with
    prev: str
    #: what it is sealed with: a hash, or a MAC
    seal: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, for a person."""

    what: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong with a file and what was done."""

    code: Literal["torn", "foreign", "shorter", "missing", "rekeyed"]
    reason: str
    #: name of the file that keeps what was taken out
    file: str | None = None
    bytes: int | None = None


class Chain(Protocol):
    """How rows become lines, each of which names the seal of the one before."""

    @property
    def genesis(self) -> str:
        """`prev` of the very first line."""

    def render(self, row: sqlite3.Row, prev: str) -> tuple[bytes, str]:
        """The line of a row, newline included, and its seal."""

    def check_line(self, raw: bytes, prev: str | None = None) -> Line | Problem:
        """What a line says, if it is whole, unchanged and (where `prev` is given) the next in the chain."""

    def disagreement(self, line: Line, row: sqlite3.Row) -> str | None:
        """Names of the fields in which a line and the store's row differ; none when they agree."""


@dataclass(frozen=True, slots=True)
class Book:
    """One table and its copy."""

    #: the copy, as sentences call it
    name: str
    #: what a row is, as sentences call it
    row: str
    #: the query for a page of rows, by ``after`` and ``limit``
    rows_after: str
    #: meta: the copy holds every row up to this one, on disk for certain
    exported_seq: str
    #: meta: the first row of the file that is being written
    exported_from: str
    chain: Chain
    #: tells of a repair, in the transaction that notes it
    tell: Callable[[Transaction, Repair], None]


def read_object(raw: bytes) -> dict[str, Any] | Problem:
    """The JSON object of a whole line, read strictly."""
    if not raw.endswith(b"\n"):
        return Problem("the line is torn: it has no end")
    import jsonlines  # noqa: PLC0415  read only where a log is checked or begun

    try:
        found: dict[str, Any] = jsonlines.Reader((raw,), loads=_loads).read(type=dict)
    except (jsonlines.InvalidLineError, RecursionError):
        return Problem("the line is not a JSON object")
    return found


def _loads(text: str | bytes) -> Any:
    return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: What a line says when it does not continue the one before.
BROKEN_CHAIN = "the chain is broken: the line does not continue the one before"


def differing(
    stored: dict[str, Any], found: dict[str, Any], encode: Callable[[Any], str] = json.dumps
) -> str | None:
    """Names of the fields in which two objects differ; none when they agree."""

    def told(fields: dict[str, Any], name: str) -> str | None:
        return encode(fields[name]) if name in fields else None

    # As JSON, because to Python 1, 1.0 and true are the same.
    names = [name for name in {**stored, **found} if told(stored, name) != told(found, name)]
    return ", ".join(names) or None
