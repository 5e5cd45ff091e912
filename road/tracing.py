"""Which span a claimed task's attempt is, so that swarm is told it with the call."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from store.reading import Reader
from store.records import TaskRef
from store.run_ends import run_of
from telemetry.trace_ids import Context, TraceIds

#: Runs whose context is remembered.
MOST_RUNS: Final = 1_000


class AttemptSpans:
    """The spans of one home's attempts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._runs: dict[str, Context | None] = {}

    def of(self, ref: TaskRef) -> str:
        """The traceparent of an attempt."""
        run_id = run_of(ref.id)
        given = self._given(run_id) if run_id else None
        return str(Context(self._ids.trace(ref.id, run_id, given), self._ids.attempt(ref.id, ref.lease)))

    @cached_property
    def _ids(self) -> TraceIds:
        return TraceIds.of_home(self._reader)

    def _given(self, run_id: str) -> Context | None:
        """The span that a run was started from; it never changes."""
        if run_id not in self._runs:
            if len(self._runs) >= MOST_RUNS:
                self._runs.clear()
            row = self._reader.one("traced_run", id=run_id)
            self._runs[run_id] = None if row is None else Context.read(row["traceparent"])
        return self._runs[run_id]
