"""Many calls of ``/cycle`` in one request, each answered in a line of its own as soon as it ends.

A line is what the single call would have been answered with, an outcome or a problem, so a lease means the
same in any company. When the caller goes away, what has begun goes on and is recorded.
"""

from __future__ import annotations

import json
import logging
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from errors import InvalidRequest, SkepError
from execution.contract import MOST_IN_A_BATCH, read_cycle
from execution.cycle import Executor, problem_of

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/x-ndjson"


class Batches:
    """Executes batches on threads of its own.

    Parameters:
        executor: executes each item.
        threads: items executed at once, over all batches.
    """

    def __init__(self, executor: Executor, threads: int) -> None:
        self._executor = executor
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batch")

    def run(self, body: dict[str, Any]) -> Iterator[bytes]:
        """The lines, in the order in which the items end. Raises `InvalidRequest` before the first."""
        items = _read(body)
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for item in items:
            self._pool.submit(_put, lines.put, item, self._executor)
        return (lines.get() for _ in items)

    def close(self) -> None:
        """Let the threads go; nothing may be executed any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _read(body: dict[str, Any]) -> list[dict[str, Any]]:
    items = body["batch"]
    if len(body) > 1 or not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidRequest("batch must be a list of requests, and stand alone.", path="batch")
    if not 1 <= len(items) <= MOST_IN_A_BATCH:
        raise InvalidRequest(
            f"A batch has 1 to {MOST_IN_A_BATCH} requests, this one {len(items)}.", path="batch"
        )
    return items


def _put(put: Callable[[bytes], None], item: dict[str, Any], executor: Executor) -> None:
    try:
        line = _line(item, executor)
    except SkepError as error:
        line = _problem(item, error)
    except Exception:
        logger.exception("an item of a batch broke")
        line = _problem(
            item, SkepError("Something went wrong that should not have; the log has the details.")
        )
    put(line + b"\n")


def _line(item: dict[str, Any], executor: Executor) -> bytes:
    outcome = executor.cycle(read_cycle(item))
    if outcome.status == "safety_blocked":
        raise problem_of(outcome)
    return outcome.model_dump_json().encode()


def _problem(item: dict[str, Any], error: SkepError) -> bytes:
    """The problem, with the lease it is about."""
    about = {"task_id": item.get("task_id"), "lease": item.get("lease")}
    return json.dumps(error.to_problem() | about, default=str).encode()
