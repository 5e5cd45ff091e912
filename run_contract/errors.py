"""What can go wrong with a run: a branch of the tree in `errors`.

RunError
├── InvalidInput             something is missing or malformed; names it
│   └── NotOnTheRoad         a run in memory can do this, a run of the daemon cannot
├── RunNotFound              no such run
├── RunExists                a run of that id is there already
│   └── KeyUsed              the idempotency key was used for another request
├── TaskExists               the run has a task of that id already
├── RunCompleted             the run is not running (any more)
├── TaskNotFound             the run has no such task
├── TaskNotReady             the task has ended, runs already, or its run does not run
├── TaskFailed               the work of a task raised an error
├── TaskTimeout              the work of a task took too long
├── TaskCancelled            the task was cancelled
├── InvalidResult            the work of a task gave something that is no result
├── DagCycle                 tasks wait for each other in a circle; names it
├── DagInvalid               the graph is not one
├── DepNotFound              a task waits for one that is not there
├── ContextTooLarge          what a task is told is over the limit, whatever is left out
├── EstimationFailed         tokens could not be estimated
├── ModelUnknown             nobody knows the model or what it costs
├── BudgetExceeded           a budget cannot pay what a task may cost
├── BudgetNotSet             a limit is zero or less
└── Deadlock                 nothing runs and nothing can start; names the tasks
"""

from __future__ import annotations

from errors import SkepError


class RunError(SkepError):
    """The run cannot do this."""

    code = "run_error"


class InvalidInput(RunError):
    """Something is missing or malformed."""

    code = "invalid_input"
    http_status = 400


class NoNumber(InvalidInput):
    """A text that is to be compared as a number has none."""


class RunNotFound(RunError):
    """There is no such run."""

    code = "run_not_found"
    http_status = 404


class RunExists(RunError):
    """A run of that id is there already."""

    code = "run_exists"
    http_status = 409


class KeyUsed(RunExists):
    """The idempotency key was used for another request."""

    code = "key_used"


class NotOnTheRoad(InvalidInput):
    """A run in memory can do this, a run of the daemon cannot."""

    code = "not_supported"


class TaskExists(RunError):
    """The run has a task of that id already."""

    code = "task_exists"
    http_status = 409


class RunCompleted(RunError):
    """The run is not running."""

    code = "run_completed"
    http_status = 409


class TaskNotFound(RunError):
    """The run has no such task."""

    code = "task_not_found"
    http_status = 404


class TaskNotReady(RunError):
    """The task cannot start or end now."""

    code = "task_not_ready"
    http_status = 409


class TaskFailed(RunError):
    """The work of the task failed."""

    code = "task_failed"


class TaskTimeout(RunError):
    """The work of the task took too long."""

    code = "timeout"
    http_status = 504


class TaskCancelled(RunError):
    """The task was cancelled."""

    code = "cancelled"
    http_status = 499


class InvalidResult(RunError):
    """The work of the task gave something that is no result."""

    code = "invalid_result"


class DagCycle(RunError):
    """Tasks wait for each other in a circle."""

    code = "dag_cycle"
    http_status = 422


class DagInvalid(RunError):
    """The graph of the tasks is not one."""

    code = "dag_invalid"
    http_status = 422


class DepNotFound(RunError):
    """A task waits for one that is not there."""

    code = "dep_not_found"
    http_status = 422


class ContextTooLarge(RunError):
    """The context is over the limit of its policy."""

    code = "context_too_large"
    http_status = 422


class EstimationFailed(RunError):
    """The tokens could not be estimated."""

    code = "token_estimation_failed"


class ModelUnknown(RunError):
    """Nobody knows the model or what it costs."""

    code = "model_unknown"
    http_status = 422


class BudgetExceeded(RunError):
    """A budget cannot pay what the task may cost."""

    code = "budget_exceeded"
    http_status = 422


class BudgetNotSet(RunError):
    """A budget must be over 0."""

    code = "budget_not_set"
    http_status = 422


class Deadlock(RunError):
    """Nothing runs and nothing can start."""

    code = "deadlock"
