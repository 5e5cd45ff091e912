"""A client of Skep: starts runs of its daemon, follows them, and brings their answers.

::

    from skep_client import Skep

    with Skep() as skep:
        print(skep.ask("Say hello.").text)
"""

from __future__ import annotations

from skep_client.answers import (
    Amount,
    Answer,
    Event,
    OutputEvent,
    Run,
    RunBrief,
    RunDecision,
    RunPage,
    RunProblem,
    RunTask,
    RunUsage,
    TaskUsage,
)
from skep_client.async_client import AsyncSkep
from skep_client.client import Skep
from skep_client.errors import (
    AddressRefused,
    AnswerDiscarded,
    ApiError,
    Conflict,
    ConnectionBroken,
    HomeUnusable,
    InvalidGraph,
    InvalidInput,
    ModelUnknown,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotSupported,
    OverBudget,
    PersonNeeded,
    RequestRefused,
    ReviewRejected,
    RunAborted,
    RunLost,
    RunNotCompleted,
    SafetyBlocked,
    ServiceTrouble,
    SkepClientError,
    TooBusy,
    UnexpectedAnswer,
    Unreachable,
    WaitTimedOut,
)
from skep_client.requests import (
    BudgetLimit,
    ContextPolicy,
    Expect,
    ForkOptions,
    RetryPolicy,
    Rounds,
    RunPolicy,
    TaskOptions,
    TaskRequest,
    When,
)
from skep_client.retrying import Retries

__version__ = "0.1.0"

__all__ = [
    "AddressRefused",
    "Amount",
    "Answer",
    "AnswerDiscarded",
    "ApiError",
    "AsyncSkep",
    "BudgetLimit",
    "Conflict",
    "ConnectionBroken",
    "ContextPolicy",
    "Event",
    "Expect",
    "ForkOptions",
    "HomeUnusable",
    "InvalidGraph",
    "InvalidInput",
    "ModelUnknown",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotSupported",
    "OutputEvent",
    "OverBudget",
    "PersonNeeded",
    "RequestRefused",
    "Retries",
    "RetryPolicy",
    "ReviewRejected",
    "Rounds",
    "Run",
    "RunAborted",
    "RunBrief",
    "RunDecision",
    "RunLost",
    "RunNotCompleted",
    "RunPage",
    "RunPolicy",
    "RunProblem",
    "RunTask",
    "RunUsage",
    "SafetyBlocked",
    "ServiceTrouble",
    "Skep",
    "SkepClientError",
    "TaskOptions",
    "TaskRequest",
    "TaskUsage",
    "TooBusy",
    "UnexpectedAnswer",
    "Unreachable",
    "WaitTimedOut",
    "When",
]
