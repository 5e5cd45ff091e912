"""The mock executor: asks nobody and makes an answer up. For debugging a workflow, not for results.

It answers with the task's id and the beginning of what a model would have been sent, so that references,
context and order can be looked at; it counts tokens as an estimate and prices them as the model would be.
"""

from __future__ import annotations

import threading
from typing import Final

from cost.token_estimator import TokenEstimator
from errors import SkepError
from run_contract.job import Job
from run_contract.records import TaskInput, TaskResult, Usage
from runs.contracts import CostCalculator
from runs.prompting import plain_prompt
from runs.work import Work

#: Characters of the prompt that the answer repeats.
SHOWN_CHARS: Final = 200


def mock_work(calculator: CostCalculator, seconds: float = 0.0) -> Work:
    """Work that takes so many seconds, or ends before when it is told to."""
    estimator = TokenEstimator()

    def work(job: Job) -> TaskResult:
        if seconds:
            ended = threading.Event()
            job.asked.on_stop(ended.set)
            if ended.wait(seconds):
                raise InterruptedError("told to end")
        prompt = plain_prompt(job)
        if job.choices is not None:
            return TaskResult(next(iter(job.choices), f"mock answer of a person to: {prompt[:SHOWN_CHARS]}"))
        output = f"mock answer of {job.task_id} to: {prompt[:SHOWN_CHARS]}"
        tokens = estimator.estimate(TaskInput(prompt)) + estimator.estimate(TaskInput(output))
        return TaskResult(output, usage=Usage(tokens, _price(calculator, tokens, job.model)))

    return work


def _price(calculator: CostCalculator, tokens: int, model: str) -> int:
    try:
        return calculator.estimate(tokens, model)
    except SkepError:  # a model without a price was let through only where nothing is to be paid
        return 0
