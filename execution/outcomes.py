"""What came of an attempt, as the record that is kept: one function for each way it can end."""

from __future__ import annotations

import signal
import time
from typing import Any, Final

from errors import ModelError
from execution.attempt import Attempt
from execution.llm_runner import line_of
from execution.local_runner import Ended, NotStarted
from llm.contracts import ChatResult
from money import to_dollars
from outcome import Failure, Outcome, Usage
from redaction import clean, clean_value
from safety.model_call import ModelCall
from store.outputs import StoredOutput

#: Characters of a command's own words in a failure.
WORDS_CHARS: Final = 300

#: Signals by which the kernel says that a limit was reached (setrlimit(2)).
_LIMITS: Final[dict[int, str]] = {
    signal.SIGXCPU: "it used up its CPU time (settings: sandbox_cpu_s, or its time limit)",
    signal.SIGXFSZ: "it wrote a file longer than it may (setting: sandbox_file_bytes)",
}

Report = dict[str, Any]


def blocked(attempt: Attempt, report: Report) -> Outcome:
    """The gate refused; nothing ran."""
    reason = str(report["blocked_reason"])
    return _outcome(
        attempt,
        None,
        report,
        status="safety_blocked",
        result=reason,
        failure=Failure(code="not_allowed", message=reason),
    )


def without_secrets(outcome: Outcome) -> Outcome:
    """The record as it is kept and told, without secrets. The stored output stays as it is."""
    failure = outcome.failure
    if failure is not None:
        failure = failure.model_copy(update={"message": clean(failure.message)})
    return outcome.model_copy(
        update={
            "result": clean(outcome.result),
            "output": None if outcome.output is None else clean(outcome.output),
            "failure": failure,
            "safety_report": clean_value(outcome.safety_report),
        }
    )


def cancelled(attempt: Attempt, stored: StoredOutput | None, report: Report) -> Outcome:
    """It was told to stop: through ``/cancel``, by its worker or another program; the task says why."""
    failure = Failure(code="cancelled", message="stopped while it ran")
    return _outcome(attempt, stored, report, status="cancelled", result=failure.message, failure=failure)


def halted(attempt: Attempt, stored: StoredOutput | None, report: Report) -> Outcome:
    """The kill switch stopped it; without an output it had not begun, and may run again whatever it does."""
    message = "the kill switch was set " + ("before it began" if stored is None else "while it ran")
    failure = Failure(code="kill_switch", message=message, retryable=stored is None, counts=False)
    return _outcome(attempt, stored, report, status="interrupted", result=message, failure=failure)


def failed(
    attempt: Attempt,
    code: str,
    message: str,
    *,
    retryable: bool = False,
    counts: bool = True,
    report: Report | None = None,
) -> Outcome:
    """It could not be executed."""
    failure = Failure(code=code, message=message, retryable=retryable, counts=counts)
    return _outcome(attempt, None, report, status="failed", result=message, failure=failure)


def unreadable(attempt: Attempt, outcome: Outcome, why: str) -> Outcome:
    """In place of an outcome that cannot be kept: what it cost, and that it is no more known than that."""
    costs = ("cost_micros", "reserved_micros", "unsettled", "budget_used")
    return failed(attempt, "internal", why).model_copy(
        update={name: getattr(outcome, name) for name in costs}
    )


def not_started(attempt: Attempt, error: NotStarted, report: Report) -> Outcome:
    """The system would not start the command."""
    for_now = error.is_for_now
    return failed(attempt, "not_started", str(error), retryable=for_now, counts=not for_now, report=report)


def of_command(attempt: Attempt, ended: Ended, stored: StoredOutput, report: Report) -> Outcome:
    """A command ended, or was ended at its time-out."""
    timed_out = ended.timed_out
    failure = None
    if timed_out:
        failure = Failure(code="timed_out", message=f"Task timeout after {ended.limit_s:g}s")
    elif ended.over == "disk":
        told = "it wrote more than a command may in all (setting: sandbox_disk_bytes)"
        failure = Failure(code="disk_limit", message=told)
    elif ended.exit_code != 0:
        failure = Failure(code="exit_code", message=_words(ended.exit_code, stored.head))
    return _outcome(
        attempt,
        stored,
        report,
        status="failed" if failure else "completed",
        result=f"Task executed in {ended.elapsed_s:.2f}s with exit code {ended.exit_code}",
        exit_code=ended.exit_code,
        timed_out=timed_out,
        failure=failure,
        **_cost(0),
    )


def of_answer(attempt: Attempt, result: ChatResult, stored: StoredOutput, report: Report) -> Outcome:
    """A model answered."""
    usage = result.usage
    return _outcome(
        attempt,
        stored,
        report,
        status="completed",
        result=line_of(result, stored.head),
        model=result.model,
        usage=Usage(
            prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, source=usage.source
        ),
    )


def of_model_error(attempt: Attempt, error: ModelError, stored: StoredOutput, report: Report) -> Outcome:
    """A model call failed."""
    failure = Failure(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        counts=error.counts,
        retry_after_s=error.retry_after_s,
    )
    return _outcome(
        attempt,
        stored,
        report,
        status="failed",
        result=error.message,
        model=attempt.request.model,
        timed_out=error.code == "model_timeout",
        failure=failure,
    )


def billed(outcome: Outcome, call: ModelCall | None) -> Outcome:
    """The outcome with what its model call came to."""
    if call is None or call.bill is None:
        return outcome
    bill = call.bill
    told = {
        **_cost(bill.micros),
        "reserved_micros": call.worst_micros or None,
        "unsettled": not bill.is_settled,
    }
    return outcome.model_copy(update=told)


def _outcome(attempt: Attempt, stored: StoredOutput | None, report: Report | None, **fields: Any) -> Outcome:
    """The record with what every one of them has."""
    kept = {}
    if stored is not None:
        kept = {
            "output": stored.head,
            "output_ref": stored.ref,
            "output_bytes": stored.bytes,
            "output_cut": stored.cut,
        }
    is_command = attempt.running.mode == "local"
    return Outcome(
        **{
            "task_id": attempt.ref.id,
            "lease": attempt.ref.lease,
            "mode": attempt.running.mode,
            "model": "local" if is_command else None,
            "started_at": attempt.running.started_at,
            "ended_at": time.time(),
            "safety_report": report,
            **kept,
            **fields,
        }
    )


def _cost(micros: int | None) -> dict[str, Any]:
    return {"cost_micros": micros, "budget_used": None if micros is None else to_dollars(micros)}


def _words(exit_code: int, head: str) -> str:
    """What a failing command said, after how it ended."""
    how = f"exit code {exit_code}" if exit_code > 0 else f"ended by signal {-exit_code}"
    how = _LIMITS.get(-exit_code, how)
    said = " ".join(head.split())
    return f"{how}: {said[:WORDS_CHARS]}" if said else how
