"""How often a task is tried and how long it waits in between: pure policy.

A command is tried once and a model three times unless the task says otherwise: a command that failed would
fail again, a model may do better when told what was wrong. An interruption is nobody's verdict, so it counts
apart, by the larger number. What the outside asked for (a 429, an endpoint that does not answer) counts
against neither.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from runtime_contract import Task

#: Once alone, whatever a task says: that it ran beside one which ends its process is no fault of its own.
LEAST_INTERRUPTIONS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptPolicy:
    """The settings that bound attempts. Times in seconds."""

    max_attempts: int = 3
    max_attempts_local: int = 1
    retry_base_s: float = 1.0
    retry_cap_s: float = 60.0
    unreachable_retries: int = 10

    def judged_limit(self, task: Task) -> int:
        """Attempts that may be judged bad before the task fails."""
        default = self.max_attempts_local if task.mode == "local" else self.max_attempts
        return task.max_attempts or default

    def interruption_limit(self, task: Task) -> int:
        """Attempts that may end with their process before the task fails: two at least.

        The last of them runs alone, so that it is known to be the task that ends the process.
        """
        return max(LEAST_INTERRUPTIONS, task.max_attempts or self.max_attempts)

    def backoff(self, tries: int, chance: random.Random) -> float:
        """Seconds to wait after the `tries`-th try in a row, from 1: doubling, capped, with equal jitter."""
        full: float = min(self.retry_cap_s, self.retry_base_s * 2.0 ** min(tries - 1, 30))
        return full / 2 + chance.random() * full / 2
