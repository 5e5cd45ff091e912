"""Small runs in memory, for tests of what they do."""

from __future__ import annotations

from typing import Any

from run_contract.job import Job
from run_contract.policy import RunPolicy
from run_contract.records import TaskResult
from runs.prompting import plain_prompt
from testing.runs import (
    Scripted,
    answer,
)


def policy(**changes: Any) -> RunPolicy:
    return RunPolicy.model_validate({"max_parallelism": 4, "on_failure": "continue"} | changes)


def echoing(results: dict[str, TaskResult] | None = None):
    """A script that answers with the prompt, or what is given for a task; and the jobs it saw."""
    jobs: dict[str, Job] = {}

    def script(job: Job) -> Scripted:
        jobs[job.task_id] = job
        return Scripted(result=(results or {}).get(job.task_id) or answer(plain_prompt(job)))

    return script, jobs
