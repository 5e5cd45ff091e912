"""Every error of this package, as one tree.

SkepClientError
├── HomeUnusable             there is no home, or a file of it that must be yours alone is not
├── AddressRefused           an address that is not a port of this machine
├── RequestRefused           what is asked contradicts itself or is no JSON: nothing was sent
├── Unreachable              nothing answers: nothing was sent
├── ConnectionBroken         the connection broke while an answer was on its way
├── UnexpectedAnswer         an answer that Skep does not give
├── ApiError                 Skep refuses, and says why (RFC 9457)
│   ├── InvalidInput         something is missing or malformed; `path` names it
│   │   └── NotSupported     only a run in memory can do this
│   ├── InvalidGraph         the tasks wait for each other in a circle, or for one that is not there
│   ├── ModelUnknown         nobody knows the model or what it costs
│   ├── NotAuthenticated     no token, or a wrong one
│   ├── NotAllowed           a rule refuses the request
│   ├── NotFound             there is no such run or task
│   ├── Conflict             a run or a task of that id is there already, or the run has ended
│   ├── TooBusy              come back later; `retry_after_s` may say when
│   └── ServiceTrouble       Skep itself is in trouble
├── WaitTimedOut             the run had not ended in the time that was given
├── AnswerDiscarded          an answer was read as it came, and is not the answer after all
├── NoAnswer                 a run completed, and the task that was to answer did not
├── PersonNeeded             a run waits for what only a person can say
└── RunNotCompleted          a run did not come to its end
    ├── RunAborted           a person or a program aborted it
    ├── OverBudget           a budget cannot pay a task, or nobody knows its price
    ├── SafetyBlocked        the safety gateway refused a task
    └── ReviewRejected       what a task answered was rejected, as often as it may be tried
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skep_client.answers import Run, RunDecision


class SkepClientError(Exception):
    """Something this client cannot do."""


class HomeUnusable(SkepClientError):
    """There is no home here, or a file of it cannot be trusted."""


class AddressRefused(SkepClientError, ValueError):
    """An address that is not a port of this machine: the token is sent nowhere else."""


class RequestRefused(SkepClientError, ValueError):
    """What is asked contradicts itself, or cannot be told as JSON; nothing was sent."""


class Unreachable(SkepClientError):
    """Nothing answers, and so nothing was sent."""


class ConnectionBroken(SkepClientError):
    """The connection broke, or the answer did not come in time; whether it was done is not known."""


class UnexpectedAnswer(SkepClientError):
    """An answer that Skep does not give: another program, or another version.

    Parameters:
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ApiError(SkepClientError):
    """Skep refuses a request, and says why in problem details (RFC 9457).

    Parameters:
        code: the stable word for what is wrong.
        message: the sentence for a person.
        status: the HTTP status.
        title: what problems of this kind have in common.
        path: the field that is wrong, such as ``tasks[2].deps[0]``; empty: none in particular.
        retry_after_s: seconds after which it may be asked again; none: not said.
        details: further members of the problem.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        title: str = "",
        path: str = "",
        retry_after_s: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        way_out = _WAYS_OUT.get(code, "")
        super().__init__(f"[{code}] {message}{' ' if way_out else ''}{way_out}")
        self.code = code
        self.message = message
        self.status = status
        self.title = title
        self.path = path
        self.retry_after_s = retry_after_s
        self.details: Mapping[str, Any] = details or {}
        #: what to do about it, where the message does not say so already
        self.way_out = way_out


class InvalidInput(ApiError):
    """Something of the request is missing, malformed or unknown; `path` names it."""


class NotSupported(InvalidInput):
    """A run in memory can do this, a run of the daemon cannot."""


class InvalidGraph(ApiError):
    """The tasks are no graph: a circle, two of one id, or a dependency that is not there."""


class ModelUnknown(ApiError):
    """Nobody knows the model or what it costs."""


class NotAuthenticated(ApiError):
    """No token, or one that is not valid (any more)."""


class NotAllowed(ApiError):
    """A rule refuses the request, whoever sends it."""


class NotFound(ApiError):
    """There is no such run, task or answer."""


class Conflict(ApiError):
    """A run or a task of that id is there already, or the run has ended; `code` tells which."""


class TooBusy(ApiError):
    """There is no room for this now."""


class ServiceTrouble(ApiError):
    """Skep itself is in trouble: its store, its disk, or an error in it."""


class WaitTimedOut(SkepClientError, TimeoutError):
    """A run had not ended in the time that was given.

    Parameters:
        run_id: the run.
        timeout_s: the seconds that were given.
    """

    def __init__(self, run_id: str, timeout_s: float) -> None:
        super().__init__(
            f"The run {run_id} has not ended within {timeout_s:g} s; wait for it again, or abort it."
        )
        self.run_id = run_id
        self.timeout_s = timeout_s


class AnswerDiscarded(SkepClientError):
    """An answer was read as it came, and is not the answer after all: forget what was told of it.

    Parameters:
        run_id: the run.
        task_id: the task, within its run.
        became: what became of the attempt: ``rejected``, ``interrupted``, ``failed``, ...
        reasons: why, in sentences.
    """

    def __init__(self, run_id: str, task_id: str, became: str, reasons: Sequence[str]) -> None:
        why = f": {'; '.join(reasons)}" if reasons else ""
        super().__init__(
            f"What was told of task {task_id} of run {run_id} is not its answer, it was "
            f"{became or 'discarded'}{why}. Ask again, or wait for the answer to be approved."
        )
        self.run_id = run_id
        self.task_id = task_id
        self.became = became
        self.reasons = tuple(reasons)


class NoAnswer(SkepClientError):
    """A run completed, and the task whose answer was wanted was skipped, failed unrequired, or is not there.

    Parameters:
        run: the run as it was told last.
        task_id: the task, within its run.
        code: the stable word for why.
        message: the sentence for a person.
    """

    def __init__(self, run: Run, task_id: str, code: str, message: str) -> None:
        super().__init__(f"[{code}] task {task_id} of run {run.id} has no answer: {message}")
        self.run = run
        self.task_id = task_id
        self.code = code
        self.message = message


class PersonNeeded(SkepClientError):
    """A run waits for a person, and goes on waiting.

    Parameters:
        run: the run as it was told last.
        questions: what the person is asked, oldest first; `Skep.answer` answers those that can be.
    """

    def __init__(self, run: Run, questions: Sequence[RunDecision]) -> None:
        first = questions[0]
        more = f" (and {len(questions) - 1} more)" if len(questions) > 1 else ""
        super().__init__(f"The run {run.id} waits for a person: {first.question}{more}")
        self.run = run
        self.questions = tuple(questions)


class RunNotCompleted(SkepClientError):
    """A run failed, was aborted, or waits for what only a person can give.

    Parameters:
        run: the run as it was told last.
        code: the stable word for why.
        message: the sentence for a person.
        task_id: the task it failed with, within its run; empty: the run itself.
    """

    def __init__(self, run: Run, code: str, message: str, task_id: str = "") -> None:
        where = f"task {task_id} of run {run.id}" if task_id else f"run {run.id}"
        super().__init__(f"[{code}] {where}: {message}")
        self.run = run
        self.code = code
        self.message = message
        self.task_id = task_id


class RunAborted(RunNotCompleted):
    """The run was aborted."""


class RunLost(RunNotCompleted):
    """What the run asked for and what it answered were lost with a damaged database, however it had ended."""


class OverBudget(RunNotCompleted):
    """A budget cannot pay what a task may cost, or nobody knows what its model costs."""


class SafetyBlocked(RunNotCompleted):
    """The safety gateway refused a task."""


class ReviewRejected(RunNotCompleted):
    """What a task answered was rejected, and it may not be tried again."""


#: What to do where the sentence of the answer does not say so.
_WAYS_OUT = {
    "not_authenticated": "The token is new at each start of the daemon; a client of a home reads it anew.",
    "run_exists": "Take another id, or leave it out.",
    "task_exists": "Take another id.",
    "stopping": "Start the daemon again with `skep up`.",
    "store_full": "Make room on the disk.",
    "socket_only": "Give the home instead of a url: its socket is found there.",
}
