"""The view: renders what changed, then streams the whole file out of the store.

Only tasks that are marked dirty are rendered, once each, in short transactions; the file itself is made of
stored text, page by page, so its size costs neither memory nor the lock. A rendering is recorded, with the
revision it first stands at, before any file shows it: whatever a person saves later, its base is known.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import host_platform
from runtime_contract import DEFAULT_API_ENDPOINT, QUEUE_CONTRACT_VERSION
from store import run_ends, waiting
from store.lanes import ConcurrencyLimits
from store.queue_file import swap
from store.queue_file.entries import SECTIONS
from store.queue_file.merge import home_of
from store.queue_file.rendering import hash_entry, render
from store.queue_file.taking_in import REVISION, TOP
from store.reading import Reader
from store.records import STATUS_OF_STATE
from store.transaction import Transaction, dump
from store.writer import Writer

BATCH: Final = 250  # tasks rendered in one transaction: about 10 ms of the writing lock
PAGE: Final = 1000  # entries written at once
_GATE: Final = "queue_file_gate"
_ENDED_STATES: Final = {"completed": ("approved",), "failed": ("failed", "safety_blocked", "cancelled")}


@dataclass(frozen=True, slots=True)
class _Ended:
    """An ended task that the file shows."""

    finished: float
    seq: int
    text: str


class Projection:
    """Makes the content of the queue file."""

    def __init__(self, writer: Writer, reader: Reader, limits: ConcurrencyLimits, shown_ended: int) -> None:
        self._writer = writer
        self._reader = reader
        self._limits = limits
        self._shown_ended = shown_ended
        #: whether the ended tasks on show may no longer be the newest
        self._check_ended = True

    def revision(self) -> int:
        """The newest revision that was made."""
        row = self._reader.one("get_meta", key=REVISION)
        return 0 if row is None else int(row["value"])

    def is_dirty(self) -> bool:
        """Whether an entry must be rendered anew: a task has changed, or what holds the ready ones has."""
        row = self._reader.one("any_dirty")
        if row is not None and row["found"]:
            return True
        told = self._reader.one("get_meta", key=_GATE)
        is_told = told is not None and told["value"] == repr(self._reader.gate().lasting())
        return not is_told and bool(self._reader.all("any_ready"))

    # -- rendering -----------------------------------------------------------------------------------------

    def render_changed(self, revision: int) -> int:
        """Render every changed task for `revision`; return how many were."""
        gate = self._reader.gate().lasting()
        situation = waiting.Situation(gate, self._limits)
        self._writer.run(lambda tx: _note_gate(tx, repr(gate)))
        total = 0
        while count := self._writer.run(lambda tx: self._render_batch(tx, revision, situation)):
            total += count
            time.sleep(0)
        if self._check_ended:
            self._writer.run(lambda tx: self._drop_older(tx, revision, situation))
            self._check_ended = False
        return total

    def _render_batch(self, tx: Transaction, revision: int, situation: waiting.Situation) -> int:
        rows = tx.all("dirty_batch", limit=BATCH)
        for row in rows:
            if run_ends.run_of(row["id"]):
                continue  # what stands in the file is the queue; a run is shown as a whole, by `skep run`
            section = home_of(STATUS_OF_STATE[row["state"]])
            if section != "tasks" or (row["shown_section"] or section) != "tasks":
                self._check_ended = True
            _show(tx, row, revision, situation)
        tx.run("clear_dirty", tasks=dump([row["seq"] for row in rows]))
        return len(rows)

    def _drop_older(self, tx: Transaction, revision: int, situation: waiting.Situation) -> None:
        """Show the newest ended tasks of each list and no older ones."""
        wanted = {seq for states in _ENDED_STATES.values() for seq in self._newest(tx, states)}
        shown = {row["seq"] for row in tx.all("shown_ended")}
        for seq in shown - wanted:
            row = tx.one("get_task_by_seq", seq=seq)
            tx.run("delete_shown", task=seq)
            if row is not None:
                _record(tx, row, revision, b"")
        for seq in wanted - shown:
            row = tx.one("get_task_by_seq", seq=seq)
            if row is not None:
                _show(tx, row, revision, situation)

    def _newest(self, tx: Transaction, states: tuple[str, ...]) -> list[int]:
        rows = [
            row for state in states for row in tx.all("newest_ended", state=state, limit=self._shown_ended)
        ]
        rows.sort(key=lambda row: (row["finished"], row["seq"]), reverse=True)
        return [row["seq"] for row in rows[: self._shown_ended]]

    # -- writing -------------------------------------------------------------------------------------------

    def write(self, path: Path, revision: int, like: Path) -> str:
        """Write the file of `revision` to `path`, durably, as readable as `like`; return its SHA-256."""
        handle = swap.create(path, like)
        with open(handle, "wb") as file:  # noqa: PTH123  a descriptor
            sink = _Sink(file)
            self._stream(sink, revision)
            file.flush()
            host_platform.sync_data(handle)
        return sink.digest.hexdigest()

    def _stream(self, file: _Sink, revision: int) -> None:
        lead = "{"
        for key, value in self._top(revision).items():
            file.write(f"{lead}\n  {dump(key)}: ".encode())
            lead = ","
            if key in SECTIONS:
                _write_list(file, self._tasks() if key == "tasks" else self._ended(key))
            else:
                file.write(dump(value).encode())
        file.write(b"\n}\n")

    def _top(self, revision: int) -> dict[str, Any]:
        """The keys at the top in the order the user gave them; those of the contract are always there."""
        row = self._reader.one("get_meta", key=TOP)
        top: dict[str, Any] = json.loads(row["value"]) if row is not None else {}
        ours = {"version": QUEUE_CONTRACT_VERSION, "api_endpoint": DEFAULT_API_ENDPOINT, "revision": revision}
        missing = {key: value for key, value in ours.items() if key not in top}
        before = list(itertools.takewhile(lambda key: key not in SECTIONS, top))
        ordered = {key: top[key] for key in before} | missing | top
        return ordered | {"revision": revision} | {key: [] for key in SECTIONS}

    def _tasks(self) -> Iterator[list[str]]:
        after = 0
        while rows := self._reader.all("shown_tasks", after=after, limit=PAGE):
            yield [row["text"] for row in rows]
            after = rows[-1]["task"]
            time.sleep(0)

    def _ended(self, section: str) -> Iterator[list[str]]:
        found = [
            _Ended(row["finished"], row["seq"], row["text"])
            for row in self._reader.all("shown_ended")
            if row["section"] == section
        ]
        yield [each.text for each in sorted(found, key=lambda each: (each.finished, each.seq))]


class _Sink:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write and hash."""
        self._file.write(data)
        self.digest.update(data)


def _write_list(file: _Sink, pages: Iterator[list[str]]) -> None:
    lead = b"[\n    "
    for page in pages:
        if page:
            file.write(lead + ",\n    ".join(page).encode())
            lead = b",\n    "
    file.write(b"[]" if lead.startswith(b"[") else b"\n  ]")


def _note_gate(tx: Transaction, gate: str) -> None:
    """What holds all ready tasks has changed: their entries say so."""
    if tx.meta(_GATE) != gate:
        tx.run("mark_ready_dirty")
        tx.set_meta(_GATE, gate)


def _show(tx: Transaction, row: Any, revision: int, situation: waiting.Situation) -> None:
    """Render one task; record the rendering where it is a new one."""
    parents = tx.all("parents_of", child=row["seq"]) if row["state"] == "blocked" else []
    question = tx.one("open_decision_of", id=row["id"]) if row["state"] == "review" else None
    text = render(row, waiting.waiting_for(row, parents, question, situation))
    section = home_of(STATUS_OF_STATE[row["state"]])
    if "shown_text" in row.keys() and (row["shown_section"], row["shown_text"]) == (section, text):  # noqa: SIM118
        return
    tx.run("put_shown", task=row["seq"], section=section, text=text)
    _record(tx, row, revision, hash_entry(text))


def _record(tx: Transaction, row: Any, revision: int, digest: bytes) -> None:
    tx.run(
        "put_projected",
        task=row["seq"],
        first_revision=revision,
        hash=digest,
        version=row["version"],
        status=STATUS_OF_STATE[row["state"]].value,
    )
