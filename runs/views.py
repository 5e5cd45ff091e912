"""Runs of the daemon as every face tells them: in the words of runs, made of the rows of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cost.usage_tracker import Standing
from money import to_dollars
from run_contract.policy import RunPolicy
from run_contract.records import TaskState
from runs.turns import Turns, is_ruled
from store import ending, lost_runs, run_ends
from store.budgets import Account, BudgetLimits, balance_of, limit_of
from store.reading import Reader
from store.transaction import dump
from store.waiting import Situation

#: What a task of a run that has ended is where its status alone does not say.
SKIPPED: Final = run_ends.SKIPS | {ending.DEPENDENCY_FAILED, run_ends.RUN_ENDED}
_OPEN: Final = {
    "blocked": TaskState.PENDING,
    "delayed": TaskState.PENDING,
    "ready": TaskState.READY,
    "running": TaskState.RUNNING,
    "review": TaskState.RUNNING,
    "approved": TaskState.COMPLETED,
}

#: Where a task that did not complete ends: with an error. One that waits or runs has none.
_ENDED: Final = frozenset({TaskState.FAILED, TaskState.SKIPPED})


def state_of(state: str, code: str | None, attempts: int) -> TaskState:
    """Where a task of a run stands, by its state and code in the store and the attempts it had."""
    if state in _OPEN:
        return _OPEN[state]
    is_unstarted = state == "cancelled" and not attempts
    return TaskState.SKIPPED if code in SKIPPED or is_unstarted else TaskState.FAILED


def brief(reader: Reader, run: sqlite3.Row) -> dict[str, Any]:
    """A run in a list: without its tasks."""
    budget = budget_of(reader, run)
    return {
        "id": run["id"],
        "name": run["name"],
        "state": run["state"],
        "task_count": run["tasks"],
        "open_tasks": run["open"],
        "is_open": bool(run["is_open"]),
        "cost_micros": budget.spent_micros,
        "budget_micros": budget.granted_micros,
        "error": _error(run["code"], run["reason"]),
        "is_lost": lost_runs.is_lost(run),
        "forked_from": run["forked_from"],
        "parent": run["parent"],
        "created_at": _milliseconds(run["created"]),
        "finished_at": _milliseconds(run["finished"]),
    }


def completed_of(reader: Reader, run: sqlite3.Row) -> int:
    """How many tasks of a run completed, which of one that failed are fewer than have ended."""
    if lost_runs.is_lost(run):
        found = reader.one("completed_of_lost_count", run=run["id"])
    else:
        found = reader.one("run_completed_count", run=run["seq"])
    return 0 if found is None else int(found["count"])


def whole(reader: Reader, run: sqlite3.Row) -> dict[str, Any]:
    """A run with its tasks and what they used."""
    rows = reader.all("run_tasks_shown", run=run["seq"])
    used = _used(reader, rows)
    policy = RunPolicy.model_validate_json(run["policy"])
    now = reader.situation() if run["state"] in {"running", "aborting"} else None
    standing = standing_answers(reader, run["seq"]) if any(row["later"] for row in rows) else {}
    tasks = {}
    for row in rows:
        told = tasks[row["name"]] = told_of(row, used.get(row["seq"]) or usage_of(None))
        if row["name"] in standing:
            told["answer_of"] = standing[row["name"]]
        if is_ruled(policy) and told["state"] != TaskState.COMPLETED:
            told["model"] = _model_now(row, run["id"], policy) or told["model"]
        if now is not None:
            told["waiting_for"] = reader.waiting_for(row, now)
            if row["child"] is not None and row["state"] == "delayed":
                told |= _held_within(reader, row["child"], now)
    tokens = sum(each["tokens"] for each in used.values())
    told_briefly = brief(reader, run)
    micros = sum(each["cost_micros"] for each in used.values())
    if told_briefly["is_lost"]:  # what its tasks cost stands in the budgets alone
        micros = told_briefly["cost_micros"]
    return {
        **told_briefly,
        "updated_at": _milliseconds(max([run["created"], *_moments(rows)])),
        "usage": {"tokens": tokens, "cost": {"amount": to_dollars(micros), "currency": "USD"}},
        "cost_micros": micros,
        "policy": json.loads(run["policy"]),
        "tasks": tasks,
    }


def standing_answers(reader: Reader, run: int, names: Sequence[str] | None = None) -> dict[str, str]:
    """Tasks of a run (none: all) whose answer is that of a later round, each with the last that completed."""
    rows = reader.all("standing_answers", run=run, names=None if names is None else dump([*names]))
    return {row["name"]: row["answer_of"] for row in rows}


def asked(reader: Reader, run: sqlite3.Row) -> list[dict[str, Any]]:
    """The tasks of a run as they were asked for, without those that do the items of others."""
    rows = reader.all("run_tasks_shown", run=run["seq"])
    return [json.loads(row["asked"]) for row in rows if row["parent"] is None]


def budget_of(reader: Reader, run: sqlite3.Row) -> Standing:
    """How the budget of a run stands, whether or not it has a limit."""
    account = Account("run", run["id"])
    most = limit_of(reader, BudgetLimits.kept(reader), account)
    held = reader.one("count_held", held_by=account.limit)
    return Standing.of(account, most, balance_of(reader, account), held["count"] if held else 0)


def _held_within(reader: Reader, child: str, now: Situation) -> dict[str, str]:
    """What keeps the run that does a task from going on, where something does."""
    held = reader.one("held_within", run=child)
    why = None if held is None else reader.waiting_for(held, now)
    if held is None or why is None:
        return {}
    told = {"waiting_for": f"its run {child}; {held['id']} waits for {why}"}
    return told if held["held_by"] is None else told | {"held_by": held["held_by"]}


def _used(reader: Reader, rows: Sequence[sqlite3.Row]) -> dict[int, dict[str, int]]:
    """What each of these tasks of a run used; of one that a run did, what that run did."""
    places = dump([row["seq"] for row in rows])
    found = {row["task"]: usage_of(row) for row in reader.all("run_used_by", tasks=places)}
    for row in rows:
        child = None if row["child"] is None else reader.one("get_run", id=row["child"])
        if child is not None:
            inner = _used(reader, reader.all("run_tasks_shown", run=child["seq"]))
            whole = {name: sum(each[name] for each in inner.values()) for name in usage_of(None)}
            spent = balance_of(reader, Account("run", child["id"])).spent
            found[row["seq"]] = whole | {"cost_micros": spent}
    return found


def told_of(row: sqlite3.Row, used: Mapping[str, int]) -> dict[str, Any]:
    """One task of a run, by its row and what it used (`usage_of`)."""
    asked: dict[str, Any] = json.loads(row["asked"])
    result = ending.read_result(row)
    state = state_of(row["state"], row["code"], row["attempts"])
    told: dict[str, Any] = {
        "state": str(state),
        "deps": asked.get("deps", []),
        "model": result.get("model") or json.loads(row["doc"]).get("model"),
        "attempts": row["attempts"],
        "usage": dict(used),
        "started_at": _milliseconds(row["started"]),
        "finished_at": _milliseconds(row["finished"]),
    }
    if state is TaskState.COMPLETED:
        told |= {name: result[name] for name in ("output", "output_ref", "output_bytes") if name in result}
    elif state in _ENDED and (row["code"] is not None or row["reason"] is not None):
        told["error"] = _error(row["code"], row["reason"])
    if row["state"] == "delayed" and row["held_by"] is not None and row["child"] is None:
        told["held_by"] = row["held_by"]
    if asked.get("metadata"):
        told["metadata"] = asked["metadata"]
    if row["ledger"] is not None:
        told["context"] = json.loads(row["ledger"])
    if row["parent"] is not None:
        told["parent"] = row["parent"]
    if row["child"] is not None:
        told["child"] = row["child"]
    if row["outputs"] is not None and state is TaskState.COMPLETED:
        told["outputs"] = json.loads(row["outputs"])
    if row["added_by"] is not None:
        told["added_by"] = row["added_by"]
    if row["round"] > 1:
        told["round"] = row["round"]
    if row["reused_from"] is not None:
        told["reused_from"] = row["reused_from"]
    return told


def usage_of(used: sqlite3.Row | None) -> dict[str, int]:
    """What a task used over all its attempts; nothing where nobody knows of any."""
    if used is None:
        return {"tokens": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost_micros": 0}
    counted = {name: used[name] for name in ("tokens", "prompt_tokens", "completion_tokens")}
    return {**counted, "cost_micros": used["micros"]}


def _model_now(row: sqlite3.Row, run_id: str, policy: RunPolicy) -> str:
    """The model that a task asks now, or asks next; empty where it is the home's own."""
    asked = json.loads(row["asked"])
    turns = Turns(
        run_id, row["name"], policy, json.loads(row["doc"]).get("model") or "", asked.get("model_role")
    )
    has_begun = row["state"] not in {"blocked", "delayed", "ready"}
    return turns.model(max(0, row["attempts"] - row["interruptions"] - has_begun))


def _error(code: str | None, reason: str | None) -> dict[str, str] | None:
    return None if code is None and reason is None else {"code": code or "failed", "message": reason or ""}


def _moments(rows: Iterable[sqlite3.Row]) -> list[float]:
    return [moment for row in rows for moment in (row["started"], row["finished"]) if moment is not None]


def _milliseconds(seconds: float | None) -> int | None:
    """Unix milliseconds, as the reference tells times."""
    return None if seconds is None else round(seconds * 1000)
