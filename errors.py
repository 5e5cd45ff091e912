"""Every error Skep raises on purpose, as one tree.

SkepError
├── InvalidTask              a task breaks the contract; names the field's path
├── InvalidFile              a file cannot be read as what it should be; names line and column
├── InvalidSetting           a setting is unknown, of the wrong type or out of bounds
├── NotFound                 no such task, decision or output
├── TransitionNotAllowed     the task is not in a state that allows this
├── LeaseLost                the caller does not hold the task's lease (any more)
├── CycleRunning             this very call is already being executed
├── CycleLost                this very call began and its process is gone without an outcome
├── DaemonStopping           the process is about to end and begins nothing
├── KillSwitchOn             the kill switch is set, and nothing runs until it is cleared
├── AlreadyAnswered          the decision has its answer
├── NotAllowed               a safety rule refuses; names the rule and the way out
├── NotAuthenticated         no or a wrong token or session
├── ForeignRequest           a request that a local program or the panel's own page would not send
├── InvalidRequest           an HTTP request whose body or parameters are wrong
├── TooManyStreams           every event-stream place is taken
├── StoreError
│   ├── StoreBusy            another process holds the writing lock for too long
│   ├── StoreFull            the disk is full
│   ├── StoreReadOnly        the home cannot be written
│   ├── StoreCorrupt         the database is damaged; names the way out
│   └── StoreUnsupported     a file system or a newer version this program must not touch
├── AlreadyRunning           a second daemon on the same home
├── DaemonUnreachable        swarm or worker does not answer
├── CallHeld                 a model call must wait, and for what
│   ├── OverBudget           a budget cannot pay what the call may cost
│   ├── RateLimited          the model has been asked as often as it may be for now
│   ├── PriceUnknown         nobody knows what the model costs
│   └── IdentityUnusable     the identity that a task runs as has no file that can be used
├── TooFewTokens             an identity has fewer tokens than what it wants costs
└── ModelError               a model call failed
    ├── NoModel              no model is configured
    ├── ModelUnreachable     nothing listens at the endpoint: the call never started
    ├── ModelBusy            429 or overloaded; may name when to come back
    ├── ModelFailed          5xx, cut or malformed answers: may be tried again
    ├── ModelRefused         4xx: the same call would be refused again
    └── ModelTimeout         no answer in time

The one-line docstring of a class is its default message; ``code`` is stable and names the problem in RFC
9457 bodies, events and ``--json`` output; ``http_status`` is what a client sees.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SkepError(Exception):
    """Something Skep cannot do."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.details = details
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])

    def to_problem(self) -> dict[str, Any]:
        """The body of an ``application/problem+json`` answer (RFC 9457)."""
        return {
            "type": f"urn:skep:problem:{self.code}",
            "title": (type(self).__doc__ or "").splitlines()[0],
            "status": self.http_status,
            "detail": self.message,
            "code": self.code,
            **self.details,
        }


class InvalidTask(SkepError):
    """The task breaks the contract."""

    code = "invalid_task"
    http_status = 422


class InvalidFile(SkepError):
    """The file cannot be read."""

    code = "invalid_file"
    http_status = 422


class InvalidSetting(SkepError):
    """A setting is wrong."""

    code = "invalid_setting"


class NotFound(SkepError):
    """There is no such thing."""

    code = "not_found"
    http_status = 404


class TransitionNotAllowed(SkepError):
    """The task is not in a state that allows this."""

    code = "transition_not_allowed"
    http_status = 409


class LeaseLost(SkepError):
    """The store does not hold this lease: the task was taken back, ended, or never claimed."""

    code = "lease_lost"
    http_status = 409


class CycleRunning(SkepError):
    """This call is already running."""

    code = "cycle_running"
    http_status = 409


class CycleLost(SkepError):
    """This call began, and the process that executed it ended without an outcome."""

    code = "cycle_lost"
    http_status = 409


class DaemonStopping(SkepError):
    """The process is stopping and begins nothing new."""

    code = "stopping"
    http_status = 503


class KillSwitchOn(SkepError):
    """The kill switch is on: nothing runs until a person clears it (skep kill-switch off)."""

    code = "kill_switch_on"
    http_status = 503


class AlreadyAnswered(SkepError):
    """The decision has already been answered."""

    code = "already_answered"
    http_status = 409


class NotAllowed(SkepError):
    """A safety rule refuses this."""

    code = "not_allowed"
    http_status = 403


class NotAuthenticated(SkepError):
    """A valid token or login is needed."""

    code = "not_authenticated"
    http_status = 401


class ForeignRequest(SkepError):
    """This address answers only programs and pages of this machine."""

    code = "foreign_request"
    http_status = 403


class InvalidRequest(SkepError):
    """The request is not what this address expects."""

    code = "invalid_request"
    http_status = 400


class TooManyStreams(SkepError):
    """Every event-stream place is taken."""

    code = "too_many_streams"
    http_status = 503


class StoreError(SkepError):
    """The store failed."""

    code = "store_error"
    http_status = 503


class StoreBusy(StoreError):
    """Another process has held the store's writing lock for too long."""

    code = "store_busy"


class StoreFull(StoreError):
    """The disk is full."""

    code = "store_full"


class StoreReadOnly(StoreError):
    """The home cannot be written."""

    code = "store_read_only"


class StoreCorrupt(StoreError):
    """The database is damaged."""

    code = "store_corrupt"


class StoreUnsupported(StoreError):
    """The store cannot be used here."""

    code = "store_unsupported"


class AlreadyRunning(SkepError):
    """Another daemon runs on this home."""

    code = "already_running"


class DaemonUnreachable(SkepError):
    """The daemon does not answer."""

    code = "daemon_unreachable"
    http_status = 503


class CallHeld(SkepError):
    """A model call must wait. Nothing was sent, and the try counts for nothing."""

    code = "call_held"
    http_status = 403

    def __init__(
        self,
        message: str | None = None,
        *,
        held_by: str = "",
        waiting_for: str = "",
        needs_micros: int = 0,
        retry_after_s: float | None = None,
        **details: Any,
    ) -> None:
        told = {"held_by": held_by, "waiting_for": waiting_for, "needs_micros": needs_micros}
        if retry_after_s is not None:
            told["retry_after_s"] = retry_after_s
        super().__init__(message or waiting_for or None, **told, **details)
        #: what holds it: a limit such as ``day`` or ``model:NAME``, ``rate:NAME``, ``price:NAME``
        self.held_by = held_by
        #: the sentence every face tells of the task
        self.waiting_for = waiting_for
        #: micro-dollars that the call may cost
        self.needs_micros = needs_micros
        #: seconds until it may go; none: when something else has changed
        self.retry_after_s = retry_after_s

    @property
    def rule(self) -> str:
        """The rule that holds the call, as the audit names it, such as ``price-unknown``."""
        return self.code.replace("_", "-")


class OverBudget(CallHeld):
    """A budget cannot pay what the call may cost."""

    code = "over_budget"

    @property
    def rule(self) -> str:
        """``budget-day``, ``budget-total``, ``budget-model``, ``budget-run`` or ``budget-task``."""
        return f"budget-{self.held_by.partition(':')[0]}"


class RateLimited(CallHeld):
    """The model has been asked as often as it may be for now."""

    code = "rate_limited"
    http_status = 429


class PriceUnknown(CallHeld):
    """Nobody knows what the model costs."""

    code = "price_unknown"


class IdentityUnusable(CallHeld):
    """The identity that a task runs as has no file that can be used."""

    code = "identity_unusable"


class TooFewTokens(SkepError):
    """An identity has fewer tokens than what it wants costs."""

    code = "too_few_tokens"
    http_status = 409


class ModelError(SkepError):
    """A model call failed."""

    code = "model_error"
    http_status = 502

    #: whether the same call may succeed later
    retryable: ClassVar[bool] = False
    #: whether the try counts against the task's attempts
    counts: bool = True

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        #: seconds the server asked to be left alone, where it did
        self.retry_after_s = retry_after_s
        #: whether the server turned the call away at its door, so that it cost nothing
        self.turned_away = False


class NoModel(ModelError):
    """No model is configured."""

    code = "no_model"
    http_status = 503
    retryable = True
    counts = False


class ModelUnreachable(ModelError):
    """Nothing answers at the model endpoint."""

    code = "model_unreachable"
    retryable = True
    counts = False


class ModelBusy(ModelError):
    """The model endpoint asks to come back later."""

    code = "model_busy"
    http_status = 503
    retryable = True
    counts = False


class ModelFailed(ModelError):
    """The model endpoint failed."""

    code = "model_failed"
    retryable = True


class ModelRefused(ModelError):
    """The model endpoint refuses this call."""

    code = "model_refused"


class ModelTimeout(ModelError):
    """The model did not answer in time."""

    code = "model_timeout"
    http_status = 504
    retryable = True
