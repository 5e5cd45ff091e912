"""Putting tasks where the history and the queue file say they stood, each told of only once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from runtime_contract import ENDED, Limits, Status, Task
from store import decisions, intake, lanes, lost_runs, run_ends, steering
from store.lanes import ConcurrencyLimits
from store.queue_file import apply, entries
from store.queue_file.entries import FileEntry
from store.queue_file.rendering import hash_entry
from store.queue_file.wishes import Edit
from store.records import STATUS_OF_STATE, Intake, NewTask, RefusedTask
from store.recovery import queue_view
from store.recovery.playing import Fold
from store.recovery.queue_view import QueueView
from store.recovery.standing import PENDING, Standing
from store.transaction import Transaction, dump

SOURCE: Final = "recovery"
#: Statuses that say an attempt had begun.
_BEGUN: Final = frozenset({Status.IN_PROGRESS, Status.PENDING_REVIEW})
_LOST_TEXT: Final = "its text was lost with the damaged database; write it again under this id"


@dataclass(slots=True)
class Found:
    """What came of it, for the question to a person."""

    #: tasks whose words nobody knows any more
    lost: list[str] = field(default_factory=list)
    #: tasks whose last edit is lost
    old_text: list[str] = field(default_factory=list)
    #: tasks that only the queue file knew
    from_file: int = 0
    #: tasks that had begun by the file or the log
    begun: dict[str, Status] = field(default_factory=dict)


class Entering:
    """Brings the tasks of one home in."""

    def __init__(
        self, tx: Transaction, view: QueueView, limits: Limits, lane_limits: ConcurrencyLimits
    ) -> None:
        self._tx = tx
        self._view = view
        self._limits = limits
        self._lanes = lane_limits
        self._rules = apply.Rules(limits, lane_limits)
        self.found = Found()

    def enter_logged(self, fold: Fold) -> None:
        """Everything the log tells of: tasks of the backup, and those that came after it."""
        for task in fold.standings.values():
            if task.seq is None and (task.queued or task.claims or task.is_ended):
                self._enter_lost(task)
        for task in fold.standings.values():
            if task.seq is not None:
                self._put(task)
        for task in fold.standings.values():
            if task.seq is not None and task.edited and not task.is_ended:
                self._take_words(task)

    # -- by the log ----------------------------------------------------------------------------------------

    def _enter_lost(self, task: Standing) -> None:
        """A task that came after the backup: its words are taken from the queue file."""
        entry = self._view.entries.get(task.id)
        read = queue_view.document_of(entry, self._limits)
        arrival = task.queued.get("event", "task.queued")
        if arrival == "task.refused" and task.state == "failed":
            read = None
        doc = read[1] if read is not None else _what_is_left(task, entry)
        if read is None and task.state != "approved" and arrival == "task.queued":
            self._lose(task)
        task.seq = self._insert(task, doc, read[0] if read else None)

    def _lose(self, task: Standing) -> None:
        """Fail a task whose words nobody knows any more; where it had not ended, that is told."""
        self.found.lost.append(task.id)
        is_of_run, had_ended = bool(run_ends.run_of(task.id)), task.is_ended
        lost = lost_runs.TASK_REASON if is_of_run else _LOST_TEXT
        if lost not in (task.reason or ""):  # which an earlier rebuilding told
            task.reason = f"{task.reason}; {lost}" if task.reason else lost
        task.state, task.code = "failed", lost_runs.LOST if is_of_run else "invalid_task"
        task.finished = task.finished or self._tx.now
        task.end_attempts(task.finished)
        if not had_ended:
            self._tx.emit("task.failed", task_id=task.id, status="failed", code=task.code, reason=task.reason)

    def _insert(self, task: Standing, doc: dict[str, Any], read: Task | None) -> int:
        row = self._tx.one("last_seq")
        seq = int(row["seq"]) + 1 if row else 1
        every = read.every if read else None
        if task.not_before is None and read is not None:
            task.not_before = intake.first_time(read, self._tx.now)
        source = task.queued.get("source")
        self._tx.run(
            "insert_task",
            seq=seq,
            id=task.id,
            state="failed",
            lane=lanes.lane_of(read, self._lanes) if read else "none",
            priority=read.priority if read else 0,
            not_before=task.not_before,
            every=every,
            waiting_on=0,
            doc=dump(doc),
            code=None,
            reason=None,
            source=source if isinstance(source, str) else SOURCE,
            created=task.created or self._tx.now,
            finished=None,
        )
        edges = dict.fromkeys(read.depends_on if read else ())
        self._tx.run_many("insert_edge", ({"child": seq, "parent": parent} for parent in edges))
        return seq

    def _put(self, task: Standing) -> None:
        row = self._tx.one("get_task_by_seq", seq=task.seq)
        if row is not None and row["every"] is not None and task.state == PENDING and task.started:
            task.not_before = intake.next_firing(row["every"], task.started)
        self._tx.run("put_standing", seq=task.seq, **task.columns())
        self._tx.run_many("put_attempt", (
            {"task": task.seq, "lease": each.lease, "attempt": each.attempt, "worker_id": each.worker_id,
             "claimed": each.claimed} for each in task.claims
        ))  # fmt: skip
        self._tx.run_many("end_attempt", (
            {"task": task.seq, "lease": each.lease, "became": each.became, "now": each.moment,
             "findings": None if each.findings is None else dump(each.findings)} for each in task.ends
        ))  # fmt: skip
        self._tx.mark_dirty(task.seq or 0)
        if task.state in {"running", "review"}:
            self.found.begun[task.id] = STATUS_OF_STATE[task.state]

    def _take_words(self, task: Standing) -> None:
        """An edit after the backup: the log tells that there was one, the queue file what it says."""
        row = steering.find(self._tx, task.id)
        read = queue_view.document_of(self._view.entries.get(task.id), self._limits)
        if read is None or not self._view.is_newer:
            self.found.old_text.append(task.id)
            return
        old, new = json.loads(row["doc"]), read[1]
        keys = dict.fromkeys([*queue_view.words_of(old), *queue_view.words_of(new)])
        fields = tuple(key for key in keys if old.get(key) != new.get(key))
        if fields:
            apply.take_document(self._tx, row, Edit(new, fields), self._rules, apply.Asked(SOURCE))

    # -- by the queue file ---------------------------------------------------------------------------------

    def enter_shown(self, fold: Fold) -> None:
        """What the queue file shows beyond that: tasks nobody knows, and steps the log lacks."""
        if not self._view.is_newer:
            return
        known = intake.states_of(self._tx, self._view.entries)
        self._enter_unknown([entry for name, entry in self._view.entries.items() if name not in known])
        for name, state in known.items():
            standing = fold.standings.get(name)
            was_retried = standing is not None and standing.retried
            self._move_on(self._view.entries[name], state, was_retried=was_retried)

    def _enter_unknown(self, unknown: list[FileEntry]) -> None:
        brought = Intake()
        for entry in unknown:
            judged = entries.admit(entry, self._limits)
            kind = brought.new if isinstance(judged, NewTask) else (
                brought.refused if isinstance(judged, RefusedTask) else brought.ended
            )  # fmt: skip
            kind.append(judged)  # type: ignore[arg-type]  # the list of its own kind
            if isinstance(judged, NewTask) and (status := queue_view.shown_status(entry)) in _BEGUN:
                self.found.begun[judged.task.id] = status
        brought.refused = [each for each in brought.refused if self._tx.one("get_task", id=each.id) is None]
        self.found.from_file = len(unknown)
        intake.enter(self._tx, brought, SOURCE, self._lanes)

    def _move_on(self, entry: FileEntry, state: str, *, was_retried: bool) -> None:
        """A task stands at least where the file shows it: what has ended must not run again."""
        shown, now = queue_view.shown_status(entry), STATUS_OF_STATE[state]
        if now in ENDED:
            return
        if shown in ENDED and not was_retried:
            self._end_as_shown(entry, shown)
        elif shown in _BEGUN and now is Status.PENDING:
            self.found.begun[entry.id] = shown

    def _end_as_shown(self, entry: FileEntry, shown: Status) -> None:
        reason = "the queue file shows it so; its end was lost with the damaged database"
        task = Standing.of_row(steering.find(self._tx, entry.id))
        task.state, task.finished, task.cancel_requested = shown.value, self._tx.now, 0
        task.reason = None if shown is Status.APPROVED else str(entry.raw.get("reason") or reason)
        decisions.withdraw(self._tx, entry.id, SOURCE)
        self._tx.run("put_standing", seq=task.seq, **task.columns())
        self._tx.emit("task.imported", task_id=entry.id, status=shown.value, source=SOURCE, reason=reason)
        self._tx.mark_dirty(task.seq or 0)

    def note_shown(self, revision: int) -> None:
        """What the file shows is what we showed: only what a person changes from here on is an edit."""
        if not self._view.is_newer:
            return
        for entry in self._view.entries.values():
            row = self._tx.one("get_task", id=entry.id)
            if row is not None and queue_view.is_same(entry, json.loads(row["doc"])):
                text = dump(entry.raw)
                status = queue_view.shown_status(entry).value
                self._tx.run("put_shown", task=row["seq"], section=entry.section, text=text)
                self._tx.run("put_projected", task=row["seq"], first_revision=revision, hash=hash_entry(text),
                             version=row["version"], status=status)  # fmt: skip


def _what_is_left(task: Standing, entry: FileEntry | None) -> dict[str, Any]:
    """The document of a task that ended, or never was one: whatever the queue file shows of it."""
    words = queue_view.words_of(entry.raw) if entry is not None else {}
    run = run_ends.run_of(task.id)
    known = {"id": task.id} | ({"run_id": run} if run else {})
    if task.state == "approved" or task.queued.get("event") == "task.imported":
        return known | words
    raw = words.get("raw")
    return known | {"raw": raw if isinstance(raw, str) else ""}
