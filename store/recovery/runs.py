"""Runs in a rebuilt database: those of the backup stand as the log says, with their tasks counted anew.

What a run asks for, its policy above all, stands in no log. So a run that came after the backup is not
brought back: without its limits nobody could say what it may spend. Its tasks are there by themselves, as far
as their words are. Only one that was started under an idempotency key is there, as the history left it or as
failed: who repeats the start is answered with it, and nothing is done twice. Nothing that happened to such a
run later lets it go on.

Tasks that came after the backup are lost tasks of their run: it is shown with them, and does not complete.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from run_contract.policy import RunPolicy
from store import ending, lost_runs, run_ends, run_keys
from store.recovery.playing import moment_of
from store.transaction import Transaction

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def settle_runs(tx: Transaction, after: int) -> None:
    """Put the runs of the backup where the events after it leave them, and count their tasks anew.

    Done before anything follows from the tasks: each end that follows counts one down.
    """
    for event in tx.all("run_events_since", after=after):
        data: dict[str, Any] = json.loads(event["data"])
        if event["event"] == "run.started":
            _enter_lost(tx, data | {"ts": event["ts"], "seq": event["seq"]})
        act = _ACTS.get(event["event"])
        run = tx.one("get_run", id=str(data.get("run_id")))
        if act is not None and run is not None:
            act(tx, run, data | {"ts": event["ts"]})
    for row in tx.all("runs_gone_on_since", after=after):
        _go_on(tx, row)
    for run in tx.all("every_run"):
        _count(tx, run)


def _count(tx: Transaction, run: sqlite3.Row) -> None:
    """Count what a run has, lost tasks with the others; one some of whose tasks failed does not complete."""
    name = {"first": f"{run['id']}:", "last": f"{run['id']};"}
    tx.run("adopt_lost_tasks", run=run["seq"], **name)
    tx.run("recount_run", seq=run["seq"], **name)
    if run["state"] == "running" and run["ends_as"] is None:
        run_ends.keep_in_mind(tx, run)


def _go_on(tx: Transaction, run: sqlite3.Row) -> None:
    """Tasks of a run that had not ended were sent back: what it was to come to is found out anew."""
    if run["state"] == "running" and not lost_runs.is_lost(run):
        _stand(tx, run, {}, "running", ends_as=None, is_open=run["is_open"])


def _enter_lost(tx: Transaction, event: dict[str, Any]) -> None:
    """A run that came after the backup, under a key: it fails where no later event says how it ended."""
    run_id, told = event.get("run_id"), event.get("key_digest")
    digests = [told, event.get("request_digest")]
    if not isinstance(run_id, str) or not all(_DIGEST.fullmatch(str(each)) for each in digests):
        return
    key = f"{run_keys.HASHED}{told}"
    if tx.one("get_run", id=run_id) is not None or tx.one("run_by_key", key=key) is not None:
        return
    last, policy = tx.one("last_run_seq"), RunPolicy()
    seq = int(last["seq"]) + 1 if last else 1
    tx.run(
        "insert_run",
        seq=seq,
        id=run_id,
        called=None,
        request=lost_runs.NO_REQUEST,
        policy="{}",
        memory="{}",
        on_failure=policy.on_failure,
        budget_micros=None,
        max_tasks=policy.max_tasks,
        tasks=0,
        is_open=0,
        deadline=None,
        idempotency_key=key,
        digest=digests[1],
        forked_from=_text(event.get("forked_from")),
        traceparent=None,
        source=_text(event.get("source")) or "recovery",
        after_event=event["seq"] - 1,
        created=moment_of(event["ts"]),
        parent=None,
        depth=0,
        foreign_inputs=None,
    )
    _stand_lost(tx, seq)


def _stand_lost(tx: Transaction, run: int) -> None:
    """A run that had not ended when what it asked for was lost: it fails when its tasks have ended."""
    lost = {"code": lost_runs.LOST, "reason": lost_runs.RUN_REASON}
    tx.run("put_run_standing", seq=run, state="running", ends_as="failed", is_stopping=1, is_open=0,
           finished=None, **lost)  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def finish_runs(tx: Transaction) -> None:
    """End the runs of which nothing is left, once all has followed that follows."""
    for run in tx.all("every_run"):
        if run["state"] in {"running", "aborting"}:
            run_ends.finish(tx, run["seq"], ending.end_together)


def _ended(state: str) -> Callable[[Transaction, sqlite3.Row, dict[str, Any]], None]:
    def put(tx: Transaction, run: sqlite3.Row, event: dict[str, Any]) -> None:
        ends_as = None if state == "completed" else state
        _stand(tx, run, event, state, ends_as=ends_as, is_open=0, finished=moment_of(event["ts"]))

    return put


def _stand(
    tx: Transaction,
    run: sqlite3.Row,
    event: dict[str, Any],
    state: str,
    *,
    ends_as: str | None,
    is_open: int,
    finished: float | None = None,
) -> None:
    tx.run(
        "put_run_standing",
        seq=run["seq"],
        state=state,
        ends_as=ends_as,
        is_open=is_open,
        is_stopping=int(ends_as is not None),
        code=event.get("code"),
        reason=event.get("reason"),
        finished=finished,
    )


def _aborting(tx: Transaction, run: sqlite3.Row, event: dict[str, Any]) -> None:
    told = event | {"code": "cancelled", "reason": f"aborted by {event.get('source')}"}
    _stand(tx, run, told, "aborting", ends_as="aborted", is_open=run["is_open"])


def _resumed(tx: Transaction, run: sqlite3.Row, event: dict[str, Any]) -> None:
    if lost_runs.is_lost(run):
        _stand_lost(tx, run["seq"])
        return
    _stand(tx, run, event, "running", ends_as=None, is_open=0)
    deadline = run_ends.new_deadline(tx, run, moment_of(event["ts"]))
    tx.run("put_run_deadline", seq=run["seq"], deadline=deadline)


def _closed(tx: Transaction, run: sqlite3.Row, event: dict[str, Any]) -> None:
    tx.run("run_closed", seq=run["seq"])


_ACTS: Final[dict[str, Callable[[Transaction, sqlite3.Row, dict[str, Any]], None]]] = {
    "run.completed": _ended("completed"),
    "run.failed": _ended("failed"),
    "run.aborted": _ended("aborted"),
    "run.aborting": _aborting,
    "run.resumed": _resumed,
    "run.closed": _closed,
}
