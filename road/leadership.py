"""What only one worker of a home does: the queue file, the log, schedules, rescue, housekeeping.

The leader holds ``leader.lock``; the kernel lets go of it when the leader dies, and another worker takes over
within a second. Each duty fails by itself: one that cannot be done is told, and tried again, while the
others go on.
"""

from __future__ import annotations

import functools
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import filelock

from enrichment.roster import Roster
from errors import SkepError, StoreFull
from review.checkpoints.keeping import Keeper
from road import free_time, halts, personas, quality_view, reward_view, statistics_view
from road.checkpointing import Checkpointing
from road.exporting import Exporting, audit_gate, log_standing
from road.holding import Holding
from road.rescue import Rescuer
from road.watched_files import WatchedFiles
from safety.circuit_breaker import Bounds
from settings import Home, Settings
from store import database, run_steering
from store.audit_log import AuditExporter
from store.backup import Backup
from store.execution_log import LogExporter
from store.pulse import Pulse
from store.queue_file import inbox_folder
from store.queue_file.inbox import Inbox
from store.queue_file.keeper import QueueFileKeeper
from store.reading import DISK_FULL
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds between looks whether a worker that starts may begin to claim.
LOOK_AGAIN_S: Final = 0.05
#: Seconds between the moments at which what is done again and again is done, all of it at once.
BEAT_S: Final = 0.25
#: Seconds between looks at files, at most, where the system tells of no change.
UNWATCHED_POLL_S: Final = 0.25
TAKE_OVER_S: Final = 0.5  # how often a worker that does not lead tries to


@dataclass
class Duty:
    """Something done again and again, and when next, in monotonic seconds."""

    name: str
    every_s: float
    #: may return the seconds after which to do it again, where that is sooner
    do: Callable[[], object]
    #: seconds after the last time at which a change in the store makes it due; none: a change means nothing
    on_change_s: float | None = None
    #: whether a change of a watched file makes it due at once
    on_hint: bool = False
    due: float = 0.0
    last: float = -math.inf

    def is_due(self, now: float, *, changed: bool, hinted: bool) -> bool:
        """Whether it is time."""
        if changed and self.on_change_s is not None:
            self.due = min(self.due, self.last + self.on_change_s)
        return now >= self.due or (hinted and self.on_hint)

    def done(self, now: float, soon: object) -> None:
        """It has been done."""
        self.last = now
        wait = min(self.every_s, soon) if isinstance(soon, float) else self.every_s
        self.due = together(now, wait)


def _take(told: threading.Event) -> bool:
    """Whether it was set; it is no more. One that was not is left alone: it may just have been set."""
    is_set = told.is_set()
    if is_set:
        told.clear()
    return is_set


def together(now: float, wait: float) -> float:
    """When something is due `wait` seconds after `now`: a little sooner, where others are due then as well.

    So a leader with nothing to do wakes up a few times a second, and not once for each of its duties.
    """
    return now + wait if wait < BEAT_S else math.floor((now + wait) / BEAT_S) * BEAT_S


class Leadership:
    """Tries to lead, and while it does, keeps the home."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        store: SqliteStore,
        pulse: Pulse,
        rescuer: Rescuer,
        worker_id: str,
        roster: Roster,
    ) -> None:
        self._roster = roster
        self._home = home
        self._settings = settings
        self._store = store
        self._rescuer = rescuer
        self._pulse = pulse
        self._worker_id = worker_id
        self._lock = filelock.FileLock(home.leader_lock, mode=0o600)
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._to_log = threading.Event()
        self._to_audit = threading.Event()
        self._hinted = threading.Event()
        for listener in (self._changed, self._to_log, self._to_audit):
            pulse.listen(listener)
        self._audit_gate = audit_gate(store)
        self._log_standing = log_standing(store)
        #: set once another worker was found to lead
        self._follows = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def wait_for_audit(self, stop: threading.Event) -> None:
        """Wait until it is known whether the audit can be written, here or by the worker that leads.

        Nothing may be claimed before: what cannot be put on record does not run.
        """
        while not (self._audit_gate.is_known.is_set() or self._follows.is_set() or stop.is_set()):
            self._audit_gate.is_known.wait(LOOK_AGAIN_S)

    def stop(self) -> None:
        """Write what is left to write, and let another lead."""
        self._stop.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._lock.acquire(timeout=TAKE_OVER_S, poll_interval=TAKE_OVER_S / 2):
                    self._lead()
            except filelock.Timeout:
                self._follows.set()
            except Exception:
                logger.exception("leading broke off; trying again")
                self._stop.wait(TAKE_OVER_S)

    def _lead(self) -> None:
        self._store.write(lambda tx: tx.emit("daemon.leader", worker_id=self._worker_id))
        self._store.apply_limits()
        exports = self._exports()
        keeper = QueueFileKeeper(
            self._home, self._settings, self._store.writer, lambda: self._store.reader, self._store.clock
        )
        inbox = Inbox(self._home.inbox, self._store.writer, self._settings.limits, self._store.limits)
        for export in exports:
            export.start()
        try:
            inbox_folder.make(self._home.inbox)
            self._keep_house(keeper, inbox)
        finally:
            for export in exports:
                export.stop()

    def _hint(self) -> None:
        """A file changed: look at once."""
        self._hinted.set()
        self._changed.set()

    # -- the log and the audit -----------------------------------------------------------------------------

    def _exports(self) -> list[Exporting]:
        """What is copied as it is committed; what is there at the stop is written before it."""
        store, home, settings = self._store, self._home, self._settings
        open_reader = functools.partial(database.open_reader, home.database)
        log = LogExporter(home.log_file, settings.log_rotate_bytes, open_reader, store.writer)
        audit = AuditExporter(home, settings, open_reader, store.writer, store.clock)
        return [
            Exporting("audit", audit, self._to_audit, self._audit_gate.tell),
            Exporting("log", log, self._to_log, self._tell_of_log),
        ]

    def _tell_of_log(self, trouble: Exception | None) -> None:
        if isinstance(trouble, StoreFull):
            self._store.set_disk_full(trouble.message)
        self._log_standing.tell(trouble)

    # -- the rest ------------------------------------------------------------------------------------------

    def _keep_house(self, keeper: QueueFileKeeper, inbox: Inbox) -> None:
        watched = WatchedFiles(self._hint, keeper, self._home.inbox / "new")
        poll_s = self._settings.queue_poll_s
        if not watched.start():
            poll_s = min(poll_s, UNWATCHED_POLL_S)
        try:
            self._do_duties(keeper, inbox, watched, poll_s)
        finally:
            watched.stop()

    def _do_duties(self, keeper: QueueFileKeeper, inbox: Inbox, watched: WatchedFiles, poll_s: float) -> None:
        """Do what is due until the stop; files are looked at after `poll_s` seconds where nothing is told."""
        keeper.start_up()
        copies = Backup(self._home, self._settings, self._store.clock)
        kill_switch = halts.KillSwitchTeller(self._store)
        breaker = halts.Breaker(self._store, Bounds.of(self._settings))
        holding = Holding(self._store)
        keeping = Checkpointing(self._store, Keeper(self._home, self._settings, self._store))
        gates = quality_view.QualityView(self._home, self._store, self._settings.quality_gates_shown)
        watch = personas.IdentityWatch(self._store, self._roster)
        leisure = free_time.FreeTime(self._store, self._roster, self._settings)
        rewards = reward_view.RewardView(self._store, self._settings.reward_ledger_shown)
        figures = statistics_view.StatisticsView(self._store, self._roster)
        duties = [
            Duty("kill switch", halts.KILL_SWITCH_LOOK_S, kill_switch.look),
            Duty("circuit breaker", halts.BREAKER_LOOK_S, breaker.look, on_change_s=halts.BREAKER_SOON_S),
            Duty("rescue", 1.0, self._rescuer.rescue),
            Duty("watched files", 1.0, watched.look),
            Duty("queue file", poll_s, lambda: self._take_in(keeper.look), on_hint=True),
            Duty("inbox", poll_s, lambda: self._take_in_inbox(inbox), on_hint=True),
            Duty("projection", 1.0, lambda: self._project(keeper), on_change_s=0.05),
            Duty("schedules", 1.0, self._promote, on_change_s=0.05),
            Duty("deadlines of runs", 1.0, self._end_runs, on_change_s=0.05),
            Duty("deadlines of decisions", 1.0, self._pass_deadlines),
            Duty("budgets", 1.0, holding.look, on_change_s=0.1),
            Duty("identities", personas.LOOK_S, watch.look),
            Duty("free time", free_time.LOOK_S, leisure.look),
            Duty("reward ledger", reward_view.LOOK_S, rewards.write_if_changed, reward_view.QUIET_S),
            Duty("statistics", statistics_view.LOOK_S, figures.look, statistics_view.QUIET_S),
            Duty("missing dependencies", 5.0, self._store.warn_of_missing),
            Duty("checkpoint", 5.0, self._store.writer.checkpoint),
            Duty("checkpoints of the workspace", 5.0, keeping.look, on_change_s=0.2),
            Duty("quality gates", quality_view.EVERY_S, gates.look),
            Duty("disk", 2.0, self._look_at_disk),
            Duty("backup", 10.0, lambda: self._back_up(copies)),
        ]
        while not self._stop.is_set():
            changed, hinted = _take(self._changed), _take(self._hinted)
            for duty in duties:
                if duty.is_due(time.monotonic(), changed=changed, hinted=hinted):
                    self._do(duty)
            next_due = min(duty.due for duty in duties)
            self._changed.wait(max(0.0, next_due - time.monotonic()))
        keeper.project()
        keeping.stop()
        gates.look()
        self._do(Duty("reward ledger", reward_view.LOOK_S, rewards.write_if_changed))
        self._do(Duty("statistics", statistics_view.LOOK_S, figures.show_new))
        copies.close()

    def _take_in(self, look: Callable[[], int]) -> None:
        """Take in what has come, and have it claimed at once."""
        if look():
            self._pulse.beat()

    def _take_in_inbox(self, inbox: Inbox) -> float | None:
        """Take in what programs put there; seconds until what may be half written is looked at again."""
        self._take_in(inbox.look)
        return inbox.look_again_s

    def _back_up(self, copies: Backup) -> None:
        copies.run_if_due(time.monotonic())

    def _project(self, keeper: QueueFileKeeper) -> float:
        """Show the store in the queue file; seconds until that may be due again."""
        keeper.project_if_due(time.monotonic())
        return max(0.02, keeper.next_wake() - time.monotonic())

    def _do(self, duty: Duty) -> None:
        soon: object = None
        try:
            soon = duty.do()
        except StoreFull as error:
            self._store.set_disk_full(error.message)
        except (SkepError, OSError) as error:
            logger.error("%s: %s", duty.name, error)
        except Exception:
            logger.exception("%s failed", duty.name)
        duty.done(time.monotonic(), soon)

    def _promote(self) -> float | None:
        """Let go what is due; seconds until the next is."""
        row = self._store.reader.one("next_due")
        if row is None or row["moment"] is None:
            return None
        wait = float(row["moment"]) - self._store.clock.now()
        if wait <= 0:
            self._store.promote_due()
        return max(0.01, wait)

    def _end_runs(self) -> float | None:
        """End the runs whose time is up; seconds until the next one's is."""
        row = self._store.reader.one("next_run_deadline")
        if row is None or row["moment"] is None:
            return None
        wait = float(row["moment"]) - self._store.clock.now()
        if wait <= 0:
            self._store.write(run_steering.end_overdue)
        return max(0.01, wait)

    def _pass_deadlines(self) -> float | None:
        """Do what follows for questions nobody answered in time; seconds until the next one's time is up."""
        row = self._store.reader.one("next_decision_deadline")
        if row is None or row["moment"] is None:
            return None
        wait = float(row["moment"]) - self._store.clock.now()
        if wait <= 0 and self._store.pass_deadlines():
            self._pulse.beat()
        return max(0.01, wait)

    def _look_at_disk(self) -> None:
        """Claim nothing while the disk is nearly full; go on by itself when there is room."""
        free = shutil.disk_usage(self._home.state).free
        if free < self._settings.disk_free_bytes:
            needed = self._settings.disk_free_bytes
            self._store.set_disk_full(
                f"the disk has {free // 2**20} MiB free, under the {needed // 2**20} MiB of disk_free_bytes; "
                "make room and Skep goes on by itself"
            )
        elif self._store.writer.keep_reserve() and self._store.reader.fact(DISK_FULL) is not None:
            self._store.set_disk_full(None)
