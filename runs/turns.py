"""Which model a task of the daemon asks at each attempt, and what follows a failed one: its run says it.

The rules are those of `runs.retrying`, which a run in memory goes by. Of the daemon's task only the number of
its attempts is kept, so whose turn it is follows from that and from the policy, and no crash forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors import SkepError
from run_contract.policy import RunPolicy
from run_contract.records import RunTask
from runs import retrying
from runs.retrying import Again


@dataclass(frozen=True, slots=True)
class Turns:
    """The attempts of one task, where the policy of its run says when one is made again."""

    run_id: str
    #: of the task, within the run
    name: str
    policy: RunPolicy
    #: the task's own model; empty for a command
    own: str
    role: Any = None

    @property
    def models(self) -> list[str]:
        """The models in the order in which they are asked, the task's own first."""
        return [self.own, *retrying.models_after(self.policy, self._task(0), self.own)]

    @property
    def most(self) -> int:
        """Attempts with all models together."""
        return self.policy.retry.max_attempts * len(self.models)

    def model(self, tried: int) -> str:
        """The model of the attempt that follows `tried` others."""
        models = self.models
        return models[min(tried // self.policy.retry.max_attempts, len(models) - 1)]

    def after(self, tried: int, error: SkepError, *, may_help: bool) -> Again | None:
        """What follows the last of `tried` attempts, which failed so; none: the task has failed.

        `may_help`: the error itself says that another try may go better.
        """
        return retrying.after_failure(self.run_id, self.policy, self._task(tried), error, _Cause(may_help))

    def _task(self, tried: int) -> RunTask:
        return RunTask(self.name, role=self.role, asked_first=self.own, attempts=tried)


class _Cause(Exception):
    """What an attempt failed by, as far as another one depends on it."""

    def __init__(self, retryable: bool) -> None:
        super().__init__()
        self.retryable = retryable


def is_ruled(policy: RunPolicy) -> bool:
    """Whether a policy says when an attempt is made again; else the settings of the daemon do."""
    return bool({"retry", "fallbacks"} & policy.model_fields_set)
