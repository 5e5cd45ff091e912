"""Work whose answers are taken again: in memory the very same question is not asked, and paid, twice.

What an answer stands for is the text that would be sent, to the byte, the model and the length of the answer.
Only the answer of a task that asks for it is kept or taken, and not one whose work adds tasks or writes into
the run's memory, since that is more than an answer; nor one of rounds, which are asked anew each time. The
tasks that a text asks for at its end, and its named outputs, are read by who takes it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Final, Protocol

from run_contract.job import Job
from run_contract.records import TaskResult, Usage
from runs.prompting import plain_prompt
from runs.work import Work

#: Answers that `Answers` keeps; the one that was used longest ago goes first.
MOST_ANSWERS: Final = 10_000
#: What the keys are made by; another rule has another number.
KEY_VERSION: Final = 3
#: The name in a result's metadata that tells whose answer it is.
REUSED_FROM: Final = "reused_from"


class AnswerStore(Protocol):
    """Keeps answers by what was asked. Threads may share it."""

    def get(self, key: str) -> TaskResult | None:
        """The answer to a question; none where there is none."""

    def put(self, key: str, result: TaskResult) -> None:
        """Keep an answer."""


class Answers:
    """Keeps answers for as long as the process lives."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._kept: OrderedDict[str, TaskResult] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> TaskResult | None:
        """The answer to a question; none where there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, result: TaskResult) -> None:
        """Keep an answer, and let the one go that was used longest ago where there are too many."""
        with self._lock:
            self._kept[key] = result
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def caching(work: Work, answers: AnswerStore) -> Work:
    """Work that takes the answer the very same question had before, where its task asks for that."""

    def answer(job: Job) -> TaskResult:
        if not job.cache:
            return work(job)
        key = key_of(job)
        known = answers.get(key)
        if known is not None:
            return known
        result = work(job)
        if not result.adds and not result.memory:
            source = {REUSED_FROM: f"{job.run_id}:{job.task_id}"}
            metadata = {**result.metadata, **source}
            answers.put(key, replace(result, usage=Usage(), metadata=metadata))
        return result

    return answer


def key_of(job: Job) -> str:
    """SHA-256 of what a job asks."""
    told = [plain_prompt(job), job.bundle.sources, sorted(job.foreign)]
    asked = [KEY_VERSION, *told, job.model, job.max_tokens, job.may_add]
    text = json.dumps(asked, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
