"""Which task and run the current thread works on, so that every line it logs can be found by them.

Set where work for a task begins (a claimed task's thread in the worker, a request in swarm), and taken into
the lines by `daemon_log`. Threads that are started inside begin without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ABOUT: Final[ContextVar[dict[str, str]]] = ContextVar("about", default={})  # noqa: B039  never changed in place


@contextmanager
def concerning(task_id: str | None = None, run_id: str | None = None) -> Iterator[None]:
    """Lines that are logged inside concern a task, a run, or a task of a run.

    The id of a task of a run begins with the run's, which is told as well.
    """
    if not run_id and task_id and ":" in task_id:
        run_id = task_id.partition(":")[0]
    told = {name: value for name, value in (("task_id", task_id), ("run_id", run_id)) if value}
    token = _ABOUT.set(told)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def about() -> dict[str, str]:
    """What lines logged now concern: ``task_id`` and ``run_id``, each where it is known."""
    return _ABOUT.get()
