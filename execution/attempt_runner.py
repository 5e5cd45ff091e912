"""Runs what the gate approved for an attempt, with its output kept, and turns the end into an outcome."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable
from typing import Any

from errors import ModelError, NoModel, StoreError
from execution import outcomes
from execution.attempt import Attempt, Examined, Interrupted
from execution.llm_runner import LlmRunner
from execution.local_runner import LocalRunner, NotStarted
from llm.contracts import CallCancelled
from outcome import Outcome
from review.checkpoints.keeping import Keeper
from safety import programs
from safety.work import Approved
from settings import Home, Settings
from store.outputs import OutputSink, StoredOutput

logger = logging.getLogger(__name__)

#: Does something until the disk takes it.
Durably = Callable[[Callable[[], StoredOutput]], StoredOutput]


class AttemptRunner:
    """Runs approved work of one home."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        local: LocalRunner,
        llm: LlmRunner,
        durably: Durably,
        keeper: Keeper,
    ) -> None:
        self._outputs = home.outputs
        self._workspace = home.workspace
        self._timeout_s = settings.local_timeout_s
        self._cap_bytes = settings.output_cap_bytes
        self._local = local
        self._llm = llm
        self._durably = durably
        self._keeper = keeper

    def run(self, attempt: Attempt, approved: Approved, examined: Examined) -> Outcome:
        """Run it to its end, whatever that is. Raises `Interrupted` when this process ends before."""
        report = examined.report
        if attempt.running.stopped is not None:
            return self._stopped(attempt, None, report)
        try:
            sink = OutputSink(self._outputs, attempt.name, self._most_bytes(approved))
        except StoreError as error:
            return outcomes.failed(
                attempt, error.code, error.message, retryable=True, counts=False, report=report
            )
        try:
            if attempt.task.mode == "local":
                return self._run_command(attempt, approved, sink, report)
            return self._ask_model(attempt, examined, sink)
        except BaseException:
            with contextlib.suppress(StoreError):
                sink.close()
            raise

    def _run_command(
        self, attempt: Attempt, approved: Approved, sink: OutputSink, report: dict[str, Any]
    ) -> Outcome:
        self._take_turn(attempt, approved)
        fault = programs.why_not(approved.argv[0], self._workspace)
        if fault is not None:
            sink.discard()
            return outcomes.failed(attempt, "program_missing", f"program-missing: {fault}", report=report)
        try:
            ended = self._local.run(
                approved, attempt.running, attempt.name, sink, self._seconds(attempt, approved)
            )
        except NotStarted as error:
            sink.discard()
            return outcomes.not_started(attempt, error, report)
        stored = self._durably(sink.close)
        ended_itself = ended.exit_code != -signal.SIGKILL
        if attempt.running.stopped == "cancelled" or (attempt.running.stopped and not ended_itself):
            return self._stopped(attempt, stored, report)
        outcome = outcomes.of_command(attempt, ended, stored, report)
        may_write = approved.rights.workspace == "write"
        return outcome.model_copy(update={"may_write": True}) if may_write else outcome

    def _take_turn(self, attempt: Attempt, approved: Approved) -> None:
        """Wait for a rollback, and keep the workspace before a command that may change it; it runs anyway."""
        try:
            if approved.rights.workspace == "write":
                self._keeper.before_change(lambda: bool(attempt.running.stopped))
            else:
                self._keeper.turns.of_a_command(lambda: bool(attempt.running.stopped))
        except (StoreError, OSError) as error:
            logger.warning("the workspace was not kept before its first change: %s", error)

    def _seconds(self, attempt: Attempt, approved: Approved) -> float:
        """How long it may run: as the call and the settings say, and no longer than its rights."""
        wanted = attempt.timeout_s or self._timeout_s
        return min(wanted, approved.rights.timeout_s or wanted)

    def _most_bytes(self, approved: Approved) -> int:
        return min(self._cap_bytes, approved.rights.output_bytes or self._cap_bytes)

    def _ask_model(self, attempt: Attempt, examined: Examined, sink: OutputSink) -> Outcome:
        call, report = examined.call, examined.report
        try:
            if call is None:
                raise examined.error or NoModel()
            result = self._llm.run(call, attempt.running, sink)
        except CallCancelled:
            return outcomes.billed(self._stopped(attempt, self._durably(sink.close), report), call)
        except ModelError as error:
            failed = outcomes.of_model_error(attempt, error, self._durably(sink.close), report)
            return outcomes.billed(failed, call)
        answered = outcomes.of_answer(attempt, result, self._durably(sink.close), report)
        return outcomes.billed(answered, call)

    def _stopped(self, attempt: Attempt, stored: StoredOutput | None, report: dict[str, Any]) -> Outcome:
        if attempt.running.stopped == "stopping":
            raise Interrupted
        if attempt.running.stopped == "halted":
            return outcomes.halted(attempt, stored, report)
        return outcomes.cancelled(attempt, stored, report)
