"""The store on SQLite: what the rooms above ask for, each a transaction of the rooms beside this file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from clock import Clock, SystemClock, to_rfc3339
from errors import CallHeld
from outcome import Outcome
from settings import Home, Settings
from store import (
    answering,
    capacity,
    claims,
    database,
    deadlines,
    halting,
    intake,
    limit_overrides,
    obstacles,
    rescue,
    room,
    schedule_steering,
    schedules,
    steering,
    steering_many,
    top_ups,
)
from store import recording as record
from store.deadline_text import read_deadline
from store.lanes import ConcurrencyLimits
from store.queue_file import plain_files
from store.queue_file.apply import EditResult, Rules, edit_task
from store.reading import AUDIT_BLOCKED, DISK_FULL, LOG_BLOCKED, PAUSED, Reader
from store.records import Claim, Intake, TaskRef
from store.transaction import Transaction, dump
from store.writer import Writer

Result = TypeVar("Result")


class SqliteStore:
    """Truth on disk. Safe to use from every thread of a process; every method that changes it is durable."""

    def __init__(self, home: Home, settings: Settings, clock: Clock | None = None) -> None:
        self.home = home
        self.settings = settings
        self.clock = clock or SystemClock()
        self.limits = ConcurrencyLimits.of_settings(settings)
        database.prepare_state_directory(home.state)
        self.writer = Writer(home.database, self.clock)
        self.reader = Reader(home.database, self.limits, self.clock, lambda: self.writer.commits)

    def close(self) -> None:
        """Finish what was handed in and close."""
        self.reader.close()
        self.writer.close()

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Do several things in one transaction."""
        return self.writer.run(work)

    # -- tasks come in -------------------------------------------------------------------------------------

    def submit(self, brought: Intake, source: str) -> list[str]:
        """Enter tasks whose ids are new; ids already known are noted and left. The ids entered."""
        return self.write(lambda tx: intake.enter_unknown(tx, brought, source, self.limits))

    # -- the worker ----------------------------------------------------------------------------------------

    def claim(self, who: claims.Claimant, slots: int, shared: room.Shared | None = None) -> list[Claim]:
        """Take up to `slots` tasks, as gate, limits and shared places allow; durable when it returns."""
        return [Claim.from_row(row) for row in self.write(lambda tx: self._take(tx, who, slots, shared))]

    def conclude(
        self,
        work: Callable[[Transaction], object],
        who: claims.Claimant,
        slots: int = 1,
        shared: room.Shared | None = None,
    ) -> list[Claim]:
        """Do the last write of a task, and in the same transaction take up to `slots` ready ones."""

        def conclude(tx: Transaction) -> list[sqlite3.Row]:
            work(tx)
            return self._take(tx, who, slots, shared)

        return [Claim.from_row(row) for row in self.write(conclude)]

    def _take(
        self, tx: Transaction, who: claims.Claimant, slots: int, shared: room.Shared | None
    ) -> list[sqlite3.Row]:
        slots = room.left(tx, shared, slots)
        # The gate as it is now: it, or the kill switch, may have been set while this waited for its turn.
        return claims.claim(tx, who, slots, self.reader.gate_of(tx.all("gate_facts")), self.limits)

    def heartbeat(self, who: claims.Claimant, held: Sequence[TaskRef]) -> list[TaskRef]:
        """Renew leases; those that are lost come back."""
        return self.write(lambda tx: claims.heartbeat(tx, who, held)) if held else []

    def find_abandoned(self) -> list[rescue.Abandoned]:
        """Running tasks whose worker is gone."""
        return self.write(rescue.find_abandoned)

    def promote_due(self) -> int:
        """Let delayed tasks and schedules go whose time has come."""
        return self.write(lambda tx: schedules.promote_due(tx, self.limits))

    def pass_deadlines(self) -> int:
        """Do what follows for decisions that nobody answered in time; how many."""
        return self.write(deadlines.look)

    def warn_of_missing(self) -> int:
        """Warn of dependencies that have been missing for long."""
        before = self.clock.now() - self.settings.missing_dependency_warn_s
        return self.write(lambda tx: intake.warn_of_missing(tx, before))

    # -- swarm ---------------------------------------------------------------------------------------------

    def start_cycle(
        self,
        ref: TaskRef,
        swarm: str,
        allow: Callable[[Transaction], CallHeld | None] | None = None,
        traceparent: str | None = None,
    ) -> Any:
        """Record that a lease is being executed, where `allow` lets it; see `recording.start_cycle`.

        Raises `LeaseLost`.
        """
        # In a tuple: what holds it is an answer here, and an exception that a writer is given is raised.
        (found,) = self.write(lambda tx: (record.start_cycle(tx, ref, swarm, allow, traceparent),))
        return found

    def record_outcome(self, outcome: Outcome, settle: Callable[[Transaction], None] | None = None) -> bool:
        """Keep what an attempt brought, and `settle` in the same transaction what it cost."""

        def keep(tx: Transaction) -> bool:
            if settle is not None:
                settle(tx)
            return record.record_outcome(tx, outcome)

        return self.write(keep)

    # -- people --------------------------------------------------------------------------------------------

    def cancel(self, task_id: str, by: str, reason: str | None = None) -> str:
        """Withdraw a task. Raises `NotFound`, `TransitionNotAllowed`."""
        return self.write(lambda tx: steering.cancel(tx, task_id, by, reason))

    def retry(self, task_id: str, by: str) -> None:
        """Send an ended task back. Raises `NotFound`, `TransitionNotAllowed`."""
        self.write(lambda tx: steering.retry(tx, task_id, by))

    def approve(self, subject: str, by: str, comment: str | None = None) -> str:
        """Say yes to what waits about a task, or to a decision by its id."""
        policy = self.settings.attempt_policy
        return self.write(lambda tx: answering.yes_or_no(tx, subject, True, by, comment, policy))

    def reject(self, subject: str, by: str, comment: str | None = None, *, is_final: bool = False) -> str:
        """Say no to it; where `is_final`, no attempt follows a rejected result."""
        policy = self.settings.attempt_policy
        return self.write(
            lambda tx: answering.yes_or_no(tx, subject, False, by, comment, policy, is_final=is_final)
        )

    def answer(self, given: answering.Answer) -> str:
        """Answer a decision with one of its options."""
        return self.write(lambda tx: answering.answer(tx, given, self.settings.attempt_policy))

    def choose(self, subject: str, choice: str, by: str, comment: str | None = None) -> str:
        """Give any answer to what waits about a task, or to a decision by its id."""
        given = answering.Answer(subject, choice, by, comment)
        policy = self.settings.attempt_policy
        return self.write(lambda tx: answering.choose(tx, subject, given, policy))

    def set_deadline(self, subject: str, until: str, by: str) -> str:
        """Let what waits about a task, or a decision by its id, wait until then; see `deadline_text`.

        Raises `NotFound`, `AlreadyAnswered`, `InvalidRequest`, `TransitionNotAllowed`.
        """

        def put(tx: Transaction) -> str:
            found = answering.find_open(tx, subject)["id"]
            return deadlines.put(tx, found, read_deadline(until, tx.now), by)

        return self.write(put)

    def edit(
        self, task_id: str, base_version: int, doc: dict[str, Any], by: str, *, send_back: bool = False
    ) -> EditResult:
        """Change a task from the text its version `base_version` had to `doc`; `send_back` also retries it.

        Fields that somebody else changed since stay as they are, and the text is kept in ``conflicts/``.
        Raises `NotFound`, `InvalidTask`, `TransitionNotAllowed`.
        """
        rules = Rules(self.settings.limits, self.limits, self._keep_text)
        return self.write(
            lambda tx: edit_task(tx, task_id, base_version, doc, by, rules, send_back=send_back)
        )

    def _keep_text(self, task_id: str, revision: int | None, text: str) -> str:
        folder = self.home.conflicts
        name = plain_files.name_for(task_id, revision, text)
        return f"{folder.name}/{plain_files.keep_aside(folder, name, text).name}"

    def run_now(self, task_id: str, by: str) -> str:
        """Let a schedule or a delayed task run. Raises `NotFound`, `TransitionNotAllowed`."""
        return self.write(lambda tx: schedule_steering.run_now(tx, task_id, by, self.limits))

    def skip_next(self, task_id: str, by: str, expected: str | None = None) -> str:
        """Let the next time of a schedule pass. Raises `NotFound`, `TransitionNotAllowed`."""
        return self.write(lambda tx: schedule_steering.skip(tx, task_id, by, expected))

    def stop_schedule(self, task_id: str, by: str, reason: str | None = None) -> str:
        """Withdraw a schedule or a delayed task. Raises `NotFound`, `TransitionNotAllowed`."""
        return self.write(lambda tx: schedule_steering.stop(tx, task_id, by, reason))

    def top_up(self, limit: str, micros: int, by: str) -> str:
        """Let a budget have more. Raises `NotFound`, `InvalidRequest`."""
        return self.write(lambda tx: top_ups.add(tx, limit, micros, by))

    def set_limit(self, limit: str, micros: int | None, by: str, reason: str) -> str:
        """Set a limit in place of the settings' (none: no limit). Raises `InvalidRequest`."""
        return self.write(lambda tx: limit_overrides.put(tx, limit, micros, by, reason))

    def clear_limit(self, limit: str, by: str, reason: str | None = None) -> str:
        """Let the settings' limit count again. Raises `InvalidRequest`."""
        return self.write(lambda tx: limit_overrides.clear(tx, limit, by, reason))

    def set_priority(self, task_id: str, priority: int, by: str) -> str:
        """Let a task go sooner or later. Raises `NotFound`, `TransitionNotAllowed`, `InvalidTask`."""
        return self.write(lambda tx: steering_many.set_priority(tx, task_id, priority, by, self._rules))

    def steer_many(self, ids: Iterable[str], wanted: steering_many.Steering) -> list[steering_many.Steered]:
        """Do one thing to many tasks, each for itself; what came of each."""
        policy = self.settings.attempt_policy
        return steering_many.steer_many(self.writer, ids, wanted, policy, self._rules)

    @property
    def _rules(self) -> Rules:
        return Rules(self.settings.limits, self.limits)

    def pause(self, by: str, reason: str | None = None) -> None:
        """Claim nothing until resumed; what runs goes on."""

        def pause(tx: Transaction) -> None:
            tx.set_meta(PAUSED, dump({"by": by, "reason": reason or "", "at": to_rfc3339(tx.now)}))
            tx.emit("daemon.paused", source=by, reason=reason)
            tx.audit("pause", "set", actor=by, reason=reason)

        self.write(pause)

    def resume(self, by: str) -> bool:
        """Claim again, and reset a circuit breaker that has tripped; false if neither held anything."""

        def resume(tx: Transaction) -> bool:
            was_tripped = halting.reset_breaker(tx, by)
            asked = tx.one("open_decision_of_kind", kind="recovery")
            if asked is not None:
                answering.answer(
                    tx, answering.Answer(asked["id"], "accept", by), self.settings.attempt_policy
                )
                return True
            was_paused = tx.meta(PAUSED) is not None
            if was_paused:
                tx.run("delete_meta", key=PAUSED)
                tx.emit("daemon.resumed", source=by)
                tx.audit("pause", "cleared", actor=by)
            return was_paused or was_tripped

        return self.write(resume)

    def set_capacity(self, change: capacity.Change, by: str) -> bool:
        """Set how many workers run, or how many tasks each runs at once; whether that changed anything.

        Raises `InvalidRequest`.
        """
        return self.write(lambda tx: capacity.set_capacity(tx, change, by, self.settings))

    # -- the audit -----------------------------------------------------------------------------------------

    def audit(self, event: str, decision: str, *, actor: str, **fields: Any) -> None:
        """Keep a decision that guards no other write; durable when it returns."""
        self.write(lambda tx: tx.audit(event, decision, actor=actor, **fields))

    # -- the home ------------------------------------------------------------------------------------------

    def note_kill_switch(self, by: str | None = None, timeout_s: float | None = None) -> bool:
        """Tell that the kill switch was set or cleared, where nobody has; `by` is who has just done it.

        Raises `TimeoutError` where the store does not come to it in time; it is told later then.
        """
        return self.writer.run(lambda tx: halting.note_kill_switch(tx, self.home.kill_switch, by), timeout_s)

    def trip_breaker(self, trip: halting.Trip, seen: int) -> bool:
        """Start nothing new until a person resumes, because of what the events up to `seen` tell."""
        return self.write(lambda tx: halting.trip_breaker(tx, trip, seen))

    def set_fact(self, key: str, value: Mapping[str, Any], event: str, **fields: Any) -> bool:
        """Keep a fact about the home; an event tells when it changed."""

        def keep(tx: Transaction) -> bool:
            text = dump(dict(value))
            changed = tx.meta(key) != text
            if changed:
                tx.set_meta(key, text)
                tx.emit(event, **fields)
            return changed

        return self.write(keep)

    def set_disk_full(self, reason: str | None) -> None:
        """The disk is full, or (none) there is room again."""
        self.write(lambda tx: obstacles.note(tx, DISK_FULL, reason, "daemon.disk_full", "daemon.disk_ok"))

    def set_audit_blocked(self, reason: str | None) -> None:
        """The audit cannot be written, or (none) it can be again."""
        self.write(lambda tx: obstacles.note(tx, AUDIT_BLOCKED, reason, "audit.blocked", "audit.ok"))

    def set_log_blocked(self, reason: str | None) -> None:
        """The log cannot be written, or (none) it can be again."""
        self.write(lambda tx: obstacles.note(tx, LOG_BLOCKED, reason, "log.blocked", "log.ok"))

    def apply_limits(self) -> None:
        """Let today's settings count: the lanes of waiting tasks, and how long questions wait."""

        def apply(tx: Transaction) -> None:
            deadlines.apply(tx, self.settings.decision_deadline_s)
            wanted = self.limits.as_json()
            if tx.meta(intake.LANE_LIMITS) != wanted:
                intake.assign_lanes(tx, self.limits)
                tx.set_meta(intake.LANE_LIMITS, wanted)

        self.write(apply)
