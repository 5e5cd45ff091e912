"""One call of ``/cycle``: from the request to an outcome that is durable before it is answered.

There is one way in. A call names a task and a lease; the store must hold that lease, a command must be the
stored task's own, and what runs has passed the gate in the same breath. A lease is executed once: its start
is recorded before anything happens, a repeat is told the stored outcome, and a start whose process died
stays without one, so that the worker decides what the interruption means.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import host_platform
from errors import (
    CallHeld,
    CycleLost,
    CycleRunning,
    DaemonStopping,
    InvalidRequest,
    LeaseLost,
    ModelError,
    NotAllowed,
    SkepError,
    StoreError,
)
from execution import outcomes, summaries
from execution.attempt import Attempt, Examined, Interrupted
from execution.attempt_runner import AttemptRunner
from execution.checks import CheckMaker
from execution.contract import CancelRequest, CycleRequest, Found
from execution.job import Job, LeaseRecord, Record, Settle
from execution.llm_runner import LlmRunner
from execution.local_runner import LocalRunner
from execution.running import RunningSet
from faults import fault_point
from outcome import Outcome
from review.checkpoints.keeping import Keeper
from runtime_contract import Task
from safety.command_line import CommandRefused
from safety.gateway import SafetyGateway
from safety.kill_switch import KillSwitch
from safety.long_texts import GivenUp
from safety.sandbox import Sandbox
from safety.secure_api import SecureAPIWrapper
from safety.work import Approved, Work
from settings import Home, Settings
from store import agreements, tool_uses
from store.records import TaskRef, task_of
from store.sqlite_store import SqliteStore
from store.transaction import Transaction
from tool_router import HomeTools, as_command
from toolbox.filling import NOTHING, fill
from work_context import concerning

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Seconds between tries to make something durable while the disk is full or busy.
TRY_AGAIN_S: Final = 0.5
#: Seconds that what is killed gets to be gone where the process ends at once.
AT_ONCE_S: Final = 1.0
#: What the machine lacks and may have again soon: descriptors, memory, processes.
FOR_NOW: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


class Executor:
    """Executes leases of one home."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        store: SqliteStore,
        secure: SecureAPIWrapper,
        gateway: SafetyGateway,
        sandbox: Sandbox,
        tools: HomeTools,
    ) -> None:
        self._store = store
        self._tools = tools
        self._secure = secure
        self._sandbox = sandbox
        self._gateway = gateway
        self._kill_switch = KillSwitch(home)
        self._swarm = host_platform.this_process()
        self._stopping = threading.Event()
        self.running = RunningSet()
        self._llm = LlmRunner(secure)
        local = LocalRunner(home, settings, self._swarm, sandbox)
        self._checks = CheckMaker(home, settings, store, gateway)
        self._runner = AttemptRunner(
            home, settings, local, self._llm, self._durably, Keeper(home, settings, store)
        )

    @property
    def process(self) -> str:
        """This process, as it is recorded with each start."""
        return str(self._swarm)

    def cycle(self, request: CycleRequest, traceparent: str | None = None) -> Outcome:
        """Execute a lease, for the span that `traceparent` names, or say what came of it before.

        Raises `LeaseLost`, `CycleRunning`, `CycleLost`, `NotAllowed`, `InvalidRequest`, `DaemonStopping`,
        `CallHeld`, `KillSwitchOn`.
        """
        seq, task = self._stored(request.ref)
        with concerning(request.ref.id, task.run_id):
            return self._cycle(request, seq, task, traceparent)

    def _cycle(self, request: CycleRequest, seq: int, task: Task, traceparent: str | None) -> Outcome:
        job = self._job(request, seq, task, traceparent)
        running = self.running.begin(request.ref, job.task.mode, time.time())
        if running is None:
            raise CycleRunning
        try:
            attempt = Attempt(running, seq, job.task, request, job.check)
            examined = self._examine(attempt, job.work)
            before = self._begin(attempt, examined, job.record)
            return before or self._execute(attempt, examined, job.record)
        finally:
            self.running.end(running)

    def cancel(self, request: CancelRequest) -> Found:
        """Stop what runs under a lease; the word for what was found (`contract.Found`)."""
        if self.running.cancel(request.ref):
            return "stopping"
        attempt = self._store.reader.one("get_attempt", id=request.ref.id, lease=request.ref.lease)
        if attempt is None:
            raise LeaseLost
        if attempt["outcome"] is not None:
            return "ended"
        if attempt["swarm"] is not None:
            return "stopping" if attempt["swarm"] == self.process else "lost"
        self.running.remember_cancelled(request.ref)
        return "remembered"

    def is_stopping(self) -> bool:
        """Whether nothing new is begun."""
        return self._stopping.is_set()

    def stop(self, grace_s: float) -> None:
        """Begin nothing new, let what runs end for `grace_s` seconds, then stop it without an outcome."""
        self._stopping.set()
        self.running.close()
        if not self.running.wait_until_empty(grace_s):
            logger.warning("stopping %d executions that did not end in time", len(self.running.all()))
            self.running.stop_all("stopping")
            self.running.wait_until_empty(10.0)

    def stop_at_once(self) -> None:
        """Begin nothing new, and kill what runs without an outcome; returns once it is gone, or soon."""
        self._stopping.set()
        self.running.close()
        self.running.stop_all("stopping")
        self.running.wait_until_empty(AT_ONCE_S)

    # -- before it starts ----------------------------------------------------------------------------------

    def _stored(self, ref: TaskRef) -> tuple[int, Task]:
        row = self._store.reader.task(ref.id)
        if row is None:
            raise LeaseLost(f"There is no task {ref.id!r}.", task_id=ref.id, lease=ref.lease)
        return row["seq"], task_of(row["doc"], ref.id)

    def _job(self, request: CycleRequest, seq: int, stored: Task, traceparent: str | None) -> Job:
        if request.check is not None:
            return self._checks.job(request, seq, stored)
        if request.summary:
            return summaries.job_of(self._store, request, seq, stored)
        task = stored if request.tool is None else self._by_tool(request, stored)
        record = LeaseRecord(self._store, request.ref, traceparent)
        return Job(task, self._work(request, task), request, record)

    def _work(self, request: CycleRequest, task: Task) -> Work:
        """What the request asks to run. Raises `NotAllowed` when that is not what the task is."""
        given = _asked(request, task)
        if given is None:
            raise InvalidRequest("There is nothing to do: give a prompt, a command or argv.", path="prompt")
        if request.wanted_mode != task.mode or (
            task.mode == "local" and not self._is_same(given, Work.of(task))
        ):
            raise NotAllowed(
                "not-the-task: what the call asks to run is not what the stored task says; only that may run",
                rule="not-the-task",
            )
        return given

    def _is_same(self, given: Work, stored: Work) -> bool:
        """Whether two commands are one, in whichever of the two forms they come; a profile has only one."""
        if given == stored or given.profile is not None or stored.profile is not None:
            return given == stored
        try:
            return self._gateway.policy.read(given) == self._gateway.policy.read(stored)
        except CommandRefused:
            return False

    def _examine(self, attempt: Attempt, work: Work) -> Examined:
        """The gate's word on the exact bytes that would run, and for a model what they may cost."""
        running = attempt.running
        try:
            approved, report = self._gateway.examine(attempt.task, work, lambda: running.stopped is not None)
        except GivenUp:
            return Examined(None, {}, is_given_up=True)
        if approved is not None and approved.rights.needs_person and not self._is_agreed(attempt, approved):
            return Examined(None, _not_agreed(report))
        if approved is None or attempt.task.mode == "local":
            return Examined(approved, report)
        try:
            return Examined(approved, report, self._llm.prepare(approved, attempt))
        except ModelError as error:
            return Examined(approved, report, error=error)

    def _by_tool(self, request: CycleRequest, task: Task) -> Task:
        """The stored task as the command that a tool of this home makes of its prompt, looked up here anew.

        Raises `NotAllowed` where there is no such tool, or it makes no command of that prompt.
        """
        asked = (tuple(request.argv or ()), request.profile)
        for look_again in (False, True):
            tool = self._tools.router(refreshed=look_again).tool(request.tool or "")
            made = NOTHING if tool is None else fill(tool, task.prompt or "")
            if made.is_ready and (made.argv, made.profile) == asked and task.mode == "llm":
                return as_command(task, made)
        raise NotAllowed(
            f"not-the-task: the tool {request.tool!r} of this home does not make this command of what the "
            "stored task says; only what it makes may run",
            rule="not-the-task",
        )

    def _begin(self, attempt: Attempt, examined: Examined, record: Record) -> Outcome | None:
        """Record the start, in the audit what was allowed, and reserve what it may cost.

        The stored outcome when it was executed before. Raises `CallHeld` where a budget or a rate holds it,
        and then it has not begun.
        """
        running = attempt.running
        if running.stopped == "stopping":
            raise DaemonStopping
        self._kill_switch.check()
        before = record.start(self.process, self._allowing(attempt, examined))
        if before is None:
            fault_point("cycle.started")
            return None
        if isinstance(before, CallHeld):
            raise before
        if before["outcome"] is not None:
            return Outcome.model_validate_json(before["outcome"])
        if before["swarm"] != self.process and host_platform.ProcessId.parse(before["swarm"]).is_alive():
            raise CycleRunning
        raise CycleLost

    def _allowing(
        self, attempt: Attempt, examined: Examined
    ) -> Callable[[Transaction], CallHeld | None] | None:
        """What goes into the very transaction that the start waits for; it may hold the start back.

        A refusal is recorded with the task's end, and a model call by the reservation itself.
        """
        approved, call, running = examined.approved, examined.call, attempt.running
        if call is not None:
            return lambda tx: self._secure.reserve(tx, call)
        if approved is None or running.mode != "local":
            return None

        def allow(tx: Transaction) -> None:
            tx.audit(
                "execution",
                "allowed",
                actor="swarm",
                task_id=running.ref.id,
                lease=running.ref.lease,
                rule=examined.report.get("rule"),
                digest=approved.digest,
                level=self._sandbox.standing.level,
            )
            if attempt.request.tool is not None:
                effect = self._gateway.effect_of(attempt.task)
                tool_uses.note_start(tx, attempt.seq, running.ref.lease, attempt.request.tool, effect)

        return allow

    # -- from the start on ---------------------------------------------------------------------------------

    def _execute(self, attempt: Attempt, examined: Examined, record: Record) -> Outcome:
        call = examined.call
        settle = None if call is None else lambda tx: self._secure.settle(tx, call)
        try:
            outcome = self._outcome(attempt, examined)
            fault_point("cycle.ended")
            outcome = self._kept(attempt, outcome, record, settle)
        except Interrupted:
            if settle is not None:  # else the next start does, at the worst case
                with contextlib.suppress(StoreError):
                    self._store.write(settle)
            raise CycleLost("swarm stopped while this was being executed") from None
        fault_point("cycle.recorded")
        return outcome

    def _kept(self, attempt: Attempt, outcome: Outcome, record: Record, settle: Settle | None) -> Outcome:
        """The outcome as it is kept; where it cannot be written down at all, that it could not.

        Without an outcome the task would wait for one for as long as this process lives.
        """
        try:
            told = outcomes.without_secrets(outcome)
            self._durably(lambda: record.keep(told, settle))
        except (Interrupted, SkepError):
            raise
        except Exception as error:
            logger.exception("what came of task %s cannot be written down", attempt.ref.id)
            why = f"what came of it cannot be written down: {type(error).__name__}"
            told = outcomes.unreadable(attempt, outcome, why)
            self._durably(lambda: record.keep(told, settle))
        return told

    def _outcome(self, attempt: Attempt, examined: Examined) -> Outcome:
        approved, report = examined.approved, examined.report
        if examined.is_given_up:
            is_halted = attempt.running.stopped == "halted"  # by a kill switch that is cleared by now
            return (outcomes.halted if is_halted else outcomes.cancelled)(attempt, None, report)
        if approved is None:
            return outcomes.blocked(attempt, report)
        if self._kill_switch.is_on():  # set since this began: the watch need not come first
            attempt.running.stop("halted")
        try:
            return self._runner.run(attempt, approved, examined)
        except Interrupted:
            raise
        except Exception as error:
            logger.exception("task %s could not be executed", attempt.ref.id)
            failed = outcomes.failed(
                attempt,
                "internal",
                f"swarm failed: {type(error).__name__}: {error}",
                retryable=isinstance(error, OSError)
                and error.errno in FOR_NOW
                and self._gateway.effect_of(attempt.task) == "idempotent",
            )
            return outcomes.billed(failed, examined.call)

    def _is_agreed(self, attempt: Attempt, approved: Approved) -> bool:
        """Whether a person agreed to these exact bytes, under the rights they have today."""
        return agreements.is_agreed(
            self._store.reader.one("last_agreement", task=attempt.seq), approved.digest
        )

    def _durably(self, write: Callable[[], Result]) -> Result:
        """Do it until the disk takes it. Raises `Interrupted` when this process ends before."""
        while True:
            try:
                return write()
            except StoreError as error:
                if self._stopping.is_set():
                    raise Interrupted from error
                logger.error("what came of a task cannot be kept yet: %s", error)
                self._stopping.wait(TRY_AGAIN_S)


def _asked(request: CycleRequest, task: Task) -> Work | None:
    """What a request asks to run, in its own words; none where it asks nothing."""
    if request.wanted_mode == "llm":
        prompt = request.text_for_model
        return None if prompt is None else Work.of(task, prompt, request.mark)
    if request.profile is not None:
        prompt = request.text_for_profile
        return None if prompt is None else Work(profile=request.profile, prompt=prompt)
    command, argv = request.command_for_policy
    return None if command is None and argv is None else Work(command=command, argv=argv)


def _not_agreed(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a task that no person agreed to as it is now."""
    reason = (
        "needs-person: nobody agreed to this command as it would run now; restart Skep if its settings were "
        "changed while it ran, then send the task back, and you are asked"
    )
    checks = report["checks"] | {"workspace": {"passed": False, "reason": reason}}
    return report | {"checks": checks, "passed": False, "blocked_reason": f"workspace: {reason}"}


def problem_of(outcome: Outcome) -> NotAllowed:
    """A refusal as the error that is answered: the same at the first call and at every repeat."""
    message = outcome.failure.message if outcome.failure else "the safety gateway refused"
    details: dict[str, Any] = {"task_id": outcome.task_id, "safety_report": outcome.safety_report}
    return NotAllowed(message, **details)
