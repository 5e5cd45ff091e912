"""Makes spans of the history and the audit: each when what it tells of has ended, also where a process died.

Run -> task -> attempt -> model call or command, those that check its result among them. Nothing is measured
for it: the store holds when each began and ended, in the transactions that were made anyway. A span is told
when its end is read: a run's and a task's by the event of their end, an attempt's by the event that says what
became of it, and with it its commands'; a model call's by the record that books it. An attempt whose process
died ends when it is recovered, as an error. What is sent back after its end and ends again is told again,
under the same id.
"""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from settings import Settings
from store.asking import Asks
from store.run_ends import run_of
from store.transaction import dump
from telemetry import names, texts
from telemetry.span import Span, known
from telemetry.trace_ids import Context, TraceIds

#: Events by which a task ends, a run ends, and an attempt alone.
TASK_ENDS: Final = ("task.approved", "task.failed", "task.cancelled", "task.safety_blocked")
RUN_ENDS: Final = ("run.completed", "run.failed", "run.aborted")
ATTEMPT_ENDS: Final = ("task.requeue", "task.interrupted")
#: What an attempt may become that is no fault.
_FINE: Final = frozenset({"approved", "cancelled", "handed_back", "halted", "held", "edited"})
#: Model calls that are remembered from their start to their end, and tasks and runs that were looked up.
MOST_KEPT: Final = 2_000


class Projection:
    """Reads the rows of one home, in their order.

    Parameters:
        ids: the ids of the home.
        environ: says which names are told (`names.tells_old_names`).
    """

    def __init__(self, asks: Asks, settings: Settings, ids: TraceIds, environ: Mapping[str, str]) -> None:
        self._asks = asks
        self._settings = settings
        self._ids = ids
        self._has_old_names = names.tells_old_names(environ)
        #: model calls under way: by id, what the record of their start says
        self.open: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._told: OrderedDict[str, int] = OrderedDict()
        self._contexts: OrderedDict[str, Context | None] = OrderedDict()

    # -- events --------------------------------------------------------------------------------------------

    def of_event(self, row: sqlite3.Row) -> tuple[list[Span], list[sqlite3.Row]]:
        """The spans that end with an event, and the attempts that do."""
        if row["event"] in RUN_ENDS:
            return self._of_run(str(json.loads(row["data"]).get("run_id"))), []
        if row["event"] not in (*TASK_ENDS, *ATTEMPT_ENDS):
            return [], []
        ended = self._attempts(row)
        at = _seconds(row["ts"])
        spans = [span for attempt in ended for span in self._of_attempt(row["task_id"], attempt, at)]
        if row["event"] in TASK_ENDS:
            spans += self._of_task(row["task_id"])
        return spans, ended

    def _of_run(self, run_id: str) -> list[Span]:
        row = self._asks.one("traced_run", id=run_id)
        if row is None or row["finished"] is None:
            return []
        parent = Context.read(row["traceparent"])
        name = f"{names.INVOKE_WORKFLOW} {row['name']}" if row["name"] else names.INVOKE_WORKFLOW
        attributes = {
            names.OPERATION: names.INVOKE_WORKFLOW,
            names.WORKFLOW_NAME: row["name"],
            names.RUN_ID: row["id"],
            names.RUN_STATE: row["state"],
            names.RUN_TASKS: row["tasks"],
        }
        error = None if row["state"] == "completed" else row["code"] or row["state"]
        return [
            self._span(
                name,
                self._ids.trace(None, run_id, parent),
                self._ids.run(run_id),
                None if parent is None else parent.span_id,
                (row["created"], row["finished"]),
                attributes,
                error=error,
            )
        ]

    def _of_task(self, task_id: str) -> list[Span]:
        row = self._asks.one("traced_task", id=task_id)
        if row is None or row["finished"] is None:
            return []
        run_id = run_of(task_id)
        attributes = {
            names.TASK_ID: task_id,
            names.RUN_ID: run_id or None,
            names.TASK_STATE: row["state"],
        }
        error = None if row["state"] in {"approved", "cancelled"} else row["code"] or row["state"]
        return [
            self._span(
                names.TASK_SPAN,
                self._trace_of(task_id),
                self._ids.task(task_id),
                self._ids.run(run_id) if run_id else None,
                (row["created"], row["finished"]),
                attributes,
                error=error,
            )
        ]

    # -- attempts ------------------------------------------------------------------------------------------

    def _attempts(self, event: sqlite3.Row) -> list[sqlite3.Row]:
        """The attempts of a task that have ended and were not told yet.

        Several may have, where they follow each other quickly. Of a task that was not met before, those
        before the end that the history has before this one were told by whoever followed then.
        """
        task_id = event["task_id"]
        after = self._told.get(task_id, -1)
        found = self._asks.all("traced_attempts", id=task_id, after=after)
        if found:
            _keep(self._told, task_id, found[-1]["lease"])
        if after >= 0 or len(found) < 2:
            return found
        kinds = dump([*TASK_ENDS, *ATTEMPT_ENDS])
        before = self._asks.one("traced_end_before", id=task_id, seq=event["seq"], kinds=kinds)
        since = 0.0 if before is None else _seconds(before["ts"])
        return [*(each for each in found[:-1] if each["claimed"] >= since), found[-1]]

    def _of_attempt(self, task_id: str, row: sqlite3.Row, at: float) -> list[Span]:
        """An attempt with what was done in it; it lasts until its result was checked.

        `at`: Unix seconds of the event that tells its end.
        """
        outcome: dict[str, Any] = json.loads(row["outcome"]) if row["outcome"] else {}
        begun = outcome or row["started"] is not None
        if not begun and row["became"] not in {"failed", "safety_blocked"}:
            return []  # claimed and given back: nothing was done
        failure = outcome.get("failure") or {}
        error = None if row["became"] in _FINE else failure.get("code") or row["became"]
        attributes = {
            names.TASK_ID: task_id,
            names.RUN_ID: run_of(task_id) or None,
            names.ATTEMPT: row["attempt"],
            names.LEASE: row["lease"],
            names.BECAME: row["became"],
            names.TASK_MODE: outcome.get("mode"),
            names.WORKER: row["worker_id"],
        }
        checks = self._of_checks(task_id, row, at) if outcome else []
        ended = max([row["ended"] or row["claimed"], *(check.end for check in checks)])
        span = self._span(
            names.ATTEMPT_SPAN,
            self._trace_of(task_id),
            self._ids.attempt(task_id, row["lease"]),
            self._ids.task(task_id),
            (row["claimed"], ended),
            attributes,
            error=error,
        )
        inner = [self._of_command(task_id, row, outcome)] if outcome.get("mode") == "local" else []
        return [span, *inner, *checks, *self._left_open(task_id, row["lease"], ended)]

    def _of_command(self, task_id: str, row: sqlite3.Row, outcome: dict[str, Any]) -> Span:
        return self._of_execution(
            task_id,
            row,
            self._ids.command(task_id, row["lease"]),
            row["tool"] or names.COMMAND_TOOL,
            outcome,
            also=texts.of_command(self._asks, task_id) if self._settings.otel_prompts else {},
        )

    def _of_checks(self, task_id: str, row: sqlite3.Row, at: float) -> list[Span]:
        checks = self._asks.all("traced_checks", task=row["task"], lease=row["lease"])
        return [self._of_check(task_id, row, check, at) for check in checks]

    def _of_check(self, task_id: str, row: sqlite3.Row, check: sqlite3.Row, at: float) -> Span:
        """One whose process died, and that nobody began again, ends when its attempt is told."""
        ended = max(at, check["started"])
        lost = {"started_at": check["started"], "ended_at": ended, "failure": {"code": "interrupted"}}
        number = int(check["name"].partition(":")[2])
        return self._of_execution(
            task_id,
            row,
            self._ids.check(task_id, row["lease"], check["name"]),
            names.CHECK_TOOL,
            json.loads(check["outcome"]) if check["outcome"] else lost,
            {names.CHECK: check["name"]},
            also=texts.of_check(self._asks, task_id, number) if self._settings.otel_prompts else {},
        )

    def _of_execution(
        self,
        task_id: str,
        row: sqlite3.Row,
        span_id: str,
        tool: str,
        outcome: dict[str, Any],
        more: dict[str, Any] | None = None,
        *,
        also: dict[str, Any],
    ) -> Span:
        """A command that ran under the lease of an attempt, by its outcome; never what it printed."""
        exit_code, timed_out = outcome.get("exit_code"), bool(outcome.get("timed_out"))
        attributes = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL_NAME: tool,
            names.TASK_ID: task_id,
            names.EXIT_CODE: exit_code,
            names.TIMED_OUT: timed_out or None,
        }
        failure = outcome.get("failure") or {}
        error = failure.get("code") or (None if exit_code in {0, None} else "exit_code")
        parent = self._around(task_id, row["lease"], row)
        return self._span(
            f"{names.EXECUTE_TOOL} {tool}",
            parent.trace_id,
            span_id,
            parent.span_id,
            (outcome["started_at"], outcome["ended_at"]),
            attributes | (more or {}),
            error="timeout" if timed_out else error,
            also=also,
        )

    # -- model calls ---------------------------------------------------------------------------------------

    def of_audit(self, row: sqlite3.Row) -> list[Span]:
        """The span of a model call that ends with a record; a start is remembered."""
        told: dict[str, Any] = json.loads(row["data"])
        call = told.get("call")
        if call is None or row["decision"] == "blocked":
            return []
        begun = {"ts": row["ts"], "task": row["task_id"], "lease": row["lease"], **told}
        if row["decision"] in {"allowed", "reserved"}:
            _keep(self.open, call, begun | {"is_free": row["decision"] == "allowed"})
            return []
        before = self.open.pop(call, None) or begun
        is_settled = row["decision"] == "settled"
        error = told.get("code") or (None if is_settled else "unsettled")
        cost = {names.COST_MICROS: row["cost_micros"], names.IS_SETTLED: is_settled}
        return [self._of_call(call, before, told, _seconds(row["ts"]), cost, error)]

    def _left_open(self, task_id: str, lease: int, ended: float) -> list[Span]:
        """The calls of an attempt that nobody will book: free ones, whose process died."""
        left = [
            call
            for call, begun in self.open.items()
            if begun["is_free"] and (begun["task"], begun["lease"]) == (task_id, lease)
        ]
        return [self._of_call(call, self.open.pop(call), {}, ended, {}, "interrupted") for call in left]

    def _of_call(
        self,
        call: str,
        begun: dict[str, Any],
        told: dict[str, Any],
        ended: float,
        cost: dict[str, Any],
        error: str | None,
    ) -> Span:
        task_id, lease = begun.get("task"), begun.get("lease")
        host, model = str(begun.get("endpoint") or ""), str(begun.get("model") or "")
        provider = names.provider_of(host, self._settings.llm_protocol)
        reason = told.get("finish_reason")
        attributes = {
            names.OPERATION: names.CHAT,
            names.PROVIDER: provider,
            names.OLD_PROVIDER: provider if self._has_old_names else None,
            names.REQUEST_MODEL: model,
            names.REQUEST_MAX_TOKENS: begun.get("max_tokens"),
            names.REQUEST_TEMPERATURE: begun.get("temperature"),
            names.RESPONSE_MODEL: told.get("answered_by"),
            names.RESPONSE_ID: told.get("response"),
            names.FINISH_REASONS: None if reason is None else [reason],
            names.INPUT_TOKENS: told.get("tokens_read"),
            names.OUTPUT_TOKENS: told.get("tokens_written"),
            names.SERVER_ADDRESS: host or None,
            names.TASK_ID: task_id,
            **cost,
        }
        parent = self._parent_of_call(call, task_id, lease)
        return self._span(
            f"{names.CHAT} {model}",
            parent.trace_id,
            self._ids.call(call),
            parent.span_id or None,
            (_seconds(begun["ts"]), ended),
            attributes,
            error=error,
            kind="client",
            also=texts.of_call(self._asks, task_id, lease) if self._settings.otel_prompts else {},
        )

    def _parent_of_call(self, call: str, task_id: str | None, lease: int | None) -> Context:
        if task_id is None:
            return Context(self._ids.trace(f"call:{call}", None, None), "")
        if lease is None:
            return Context(self._trace_of(task_id), self._ids.task(task_id))
        return self._around(task_id, lease, self._asks.one("get_attempt", id=task_id, lease=lease))

    # -- the rest ------------------------------------------------------------------------------------------

    def _around(self, task_id: str, lease: int, attempt: sqlite3.Row | None) -> Context:
        """What is done under a lease is done in: the span that `/cycle` was sent from, else the attempt's."""
        given = None if attempt is None else Context.read(attempt["traceparent"])
        return given or Context(self._trace_of(task_id), self._ids.attempt(task_id, lease))

    def _trace_of(self, task_id: str) -> str:
        run_id = run_of(task_id)
        if run_id and run_id not in self._contexts:
            row = self._asks.one("traced_run", id=run_id)
            _keep(self._contexts, run_id, None if row is None else Context.read(row["traceparent"]))
        return self._ids.trace(task_id, run_id, self._contexts[run_id] if run_id else None)

    def _span(
        self,
        name: str,
        trace_id: str,
        span_id: str,
        parent_id: str | None,
        times: tuple[float, float],
        attributes: dict[str, Any],
        *,
        error: str | None,
        kind: Any = "internal",
        also: dict[str, Any] | None = None,
    ) -> Span:
        all_of_it = known(attributes | {names.ERROR_TYPE: error}) | (also or {})
        return Span(
            str(known({"name": name})["name"]), trace_id, span_id, parent_id, *times, all_of_it, kind, error
        )


def _seconds(ts: str) -> float:
    return datetime.fromisoformat(ts).timestamp()


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Remember it, and let the oldest go where there are too many."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
