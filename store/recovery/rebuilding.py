"""Making the new database, in a folder of its own, out of what is left: copy, log, queue file.

Nothing of the damaged one is touched here, so this may break off at any point and be begun again.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import host_platform
from clock import Clock, to_local_text, to_rfc3339
from settings import Home, Settings
from store import backup, decisions
from store.chained_log.files import LogFiles
from store.execution_log import EVENTS
from store.lanes import ConcurrencyLimits
from store.queue_file.taking_in import REVISION
from store.reading import PAUSED
from store.records import Question
from store.recovery import money, old_log, plans, queue_view, rewards, runs, settling
from store.recovery.damage import Base, Damage
from store.recovery.entering import SOURCE, Entering, Found
from store.recovery.old_audit import AuditPlayed, play_audit
from store.recovery.old_log import OldLog
from store.recovery.playing import Fold, data_of
from store.recovery.settling import EffectOf, Settled
from store.transaction import Transaction, dump
from store.writer import Writer

IDS_TOLD = 20


@dataclass(slots=True)
class Account:
    """What was done, for the person who is asked."""

    damage: Damage
    #: name of the folder the damaged database goes to
    moved_to: str
    #: lines of the log that were taken, and those that were whole no more
    lines: int = 0
    damaged_lines: int = 0
    foreign_log: bool = False
    audit: AuditPlayed = field(default_factory=AuditPlayed)
    #: why the queue file told nothing; none where it could be read
    no_queue_file: str | None = None
    found: Found = field(default_factory=Found)
    settled: Settled = field(default_factory=Settled)
    tasks: int = 0
    decision: str = ""

    @property
    def base(self) -> Base | None:
        """What it was built on."""
        return self.damage.base

    def question(self) -> str:
        """All of it in plain words."""
        told = [
            f"The database {self.damage.what}. It was moved to .swarm/{self.moved_to} and a new one was "
            f"rebuilt from {self._sources()}.",
            *self._losses(),
        ]
        if self.settled.again:
            told.append(f"Begun before and run again (idempotent): {_some(self.settled.again)}.")
        if self.settled.asked:
            told.append(f"You are asked about each of: {_some(self.settled.asked)}.")
        return " ".join([*told, "Nothing runs until you accept. Accept the rebuilt database?"])

    def _sources(self) -> str:
        sources = []
        if self.base is not None:
            made = self.base.made
            sources.append("itself" if made is None else f"the backup of {to_local_text(made)}")
        sources.append(_lines(self.lines, "of the log"))
        if self.no_queue_file is None:
            sources.append("queue.json")
        return f"{', '.join(sources[:-1])} and {sources[-1]}" if len(sources) > 1 else sources[0]

    def _losses(self) -> list[str]:
        told = []
        if self.found.lost:
            count = len(self.found.lost)
            told.append(f"The text of {count} tasks is lost, they count as failed: {_some(self.found.lost)}.")
        if self.found.old_text:
            told.append(f"The last edit of these is lost: {_some(self.found.old_text)}.")
        if self.damaged_lines:
            told.append(f"Passed over as damaged: {_lines(self.damaged_lines, 'of the log')}.")
        if self.foreign_log:
            told.append("The log does not belong to the backup and was not used.")
        if self.audit.damaged:
            told.append(f"Passed over as damaged: {_lines(self.audit.damaged, 'of the audit')}.")
        if self.audit.trouble is not None:
            told.append(f"The audit was not used: {self.audit.trouble}.")
        if self.no_queue_file is not None:
            told.append(f"queue.json {self.no_queue_file}, so nothing came from there.")
        return told


def _some(ids: list[str]) -> str:
    more = len(ids) - IDS_TOLD
    return ", ".join(ids[:IDS_TOLD]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Means:
    """What rebuilding works with."""

    home: Home
    settings: Settings
    clock: Clock
    effect_of: EffectOf


def rebuild(means: Means, folder: Path, account: Account) -> Path:
    """Make the new database in `folder`, whole and on disk; where it stands."""
    target = folder / "state.db"
    base = account.base
    if base is not None:
        backup.copy_database(base.path, target)
    writer = Writer(target, means.clock)
    try:
        writer.run(lambda tx: _fill(tx, means, account))
        writer.checkpoint("TRUNCATE")
    finally:
        writer.close()
    with target.open("rb") as handle:
        host_platform.sync_data(handle.fileno())
    return target


def _fill(tx: Transaction, means: Means, account: Account) -> None:
    log_files = LogFiles(means.home.log_file)
    last = tx.one("last_event_seq")
    known = int(last["seq"]) if last else 0
    fold = _play_log(tx, log_files, account)
    base_revision = int(tx.meta(REVISION) or 0)
    view = queue_view.read(means.home, means.settings.limits, base_revision)
    account.no_queue_file = view.trouble
    lane_limits = ConcurrencyLimits.of_settings(means.settings)
    account.audit = play_audit(tx, means.home)
    entering = Entering(tx, view, means.settings.limits, lane_limits)
    settling.settle_answers(tx, fold)
    entering.enter_logged(fold)
    rewards.play(tx, fold.rewards)
    money.play(tx, fold.money)
    entering.enter_shown(fold)
    plans.settle_plans(tx, fold, view)
    account.found = entering.found
    runs.settle_runs(tx, known)
    account.settled = settling.settle_begun(
        tx, fold, entering.found.begun, means.effect_of, means.settings.attempt_policy
    )
    settling.settle_dependencies(tx)
    runs.finish_runs(tx)
    revision = max(base_revision, view.revision or 0, 1)
    entering.note_shown(revision)
    tx.set_meta(REVISION, str(revision))
    account.tasks = sum(row["count"] for row in tx.all("count_by_state"))
    _pause_and_ask(tx, account)


def _play_log(tx: Transaction, files: LogFiles, account: Account) -> Fold:
    """Every event the log has and the store lacks, entered as it was; what follows from them."""
    fold = Fold(tx)
    last = tx.one("last_event_seq")
    after = int(last["seq"]) if last else 0
    if after and not old_log.agrees_at(files, tx.one("get_event", seq=after), after):
        account.foreign_log = True
        return fold
    log = OldLog(files, after)
    for event in log:
        tx.run("put_event", data=data_of(event), **{name: event.get(name) for name in _COLUMNS})
        fold.take(event)
    account.lines, account.damaged_lines = log.lines, log.damaged
    if log.lines:
        tx.set_meta(EVENTS.exported_seq, str(log.last))
        tx.set_meta(EVENTS.exported_from, str(log.first_of_current()))
    return fold


_COLUMNS = ("seq", "ts", "event", "task_id", "status", "worker_id", "attempt")


def _pause_and_ask(tx: Transaction, account: Account) -> None:
    for row in tx.all("open_decisions"):
        if row["kind"] == "recovery":  # of an earlier rebuilding: this question stands for it too
            tx.run("answer_decision", id=row["id"], answer="withdrawn", by=SOURCE, comment=None, now=tx.now)
    question = account.question()
    base = account.base
    payload: dict[str, Any] = {
        "damage": account.damage.what,
        "moved_to": account.moved_to,
        "backup": None if base is None or base.made is None else to_rfc3339(base.made),
        "lines": account.lines,
        "tasks": account.tasks,
        "lost": account.found.lost,
        "old_text": account.found.old_text,
        "again": account.settled.again,
        "asked": account.settled.asked,
    }
    account.decision = decisions.ask(tx, Question("recovery", question, ("accept", "wait"), payload))
    way_out = f"the database was rebuilt; `skep approve {account.decision}` lets work go on"
    tx.set_meta(PAUSED, dump({"by": SOURCE, "reason": way_out, "at": to_rfc3339(tx.now)}))
    tx.emit("daemon.recovered", reason=question, file=f".swarm/{account.moved_to}", decision=account.decision,
            count=account.tasks, missing=account.found.lost[:100] or None)  # fmt: skip


def _lines(count: int, of: str) -> str:
    return f"{count:,} line{'' if count == 1 else 's'} {of}"


def empty_folder(path: Path) -> Path:
    """A fresh folder for this user alone; what an earlier try left in it is of no use."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    return path
