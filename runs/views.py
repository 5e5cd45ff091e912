"""Runs of the daemon as every face tells them: in the words of runs, made of the rows of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from cost.usage_tracker import Standing
from money import to_dollars
from run_contract.policy import RunPolicy
from run_contract.records import TaskState
from runs.turns import Turns, is_ruled
from store import ending, run_ends
from store.budgets import Account, BudgetLimits, balance_of, limit_of
from store.reading import Reader

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
        "forked_from": run["forked_from"],
        "parent": run["parent"],
        "created_at": _milliseconds(run["created"]),
        "finished_at": _milliseconds(run["finished"]),
    }


def whole(reader: Reader, run: sqlite3.Row) -> dict[str, Any]:
    """A run with its tasks and what they used."""
    rows = reader.all("run_tasks_shown", run=run["seq"])
    used = _used(reader, run["seq"], rows)
    policy = RunPolicy.model_validate_json(run["policy"])
    now = reader.situation() if run["state"] in {"running", "aborting"} else None
    tasks = {}
    for row in rows:
        told = tasks[row["name"]] = told_of(row, used.get(row["seq"], (0, 0)))
        if is_ruled(policy) and told["state"] != TaskState.COMPLETED:
            told["model"] = _model_now(row, run["id"], policy) or told["model"]
        if now is not None:
            told["waiting_for"] = reader.waiting_for(row, now)
    tokens, micros = (sum(each) for each in zip(*used.values(), strict=True)) if used else (0, 0)
    return {
        **brief(reader, run),
        "updated_at": _milliseconds(max([run["created"], *_moments(rows)])),
        "usage": {"tokens": tokens, "cost": {"amount": to_dollars(micros), "currency": "USD"}},
        "cost_micros": micros,
        "policy": json.loads(run["policy"]),
        "tasks": tasks,
    }


def asked(reader: Reader, run: sqlite3.Row) -> list[dict[str, Any]]:
    """The tasks of a run as they were asked for, without those that do the items of others."""
    rows = reader.all("run_tasks_shown", run=run["seq"])
    return [json.loads(row["asked"]) for row in rows if row["parent"] is None]


def added_by(reader: Reader, run: sqlite3.Row) -> dict[str, str]:
    """The tasks of a run that answers asked for, each with the task that asked."""
    rows = reader.all("run_tasks_shown", run=run["seq"])
    return {row["name"]: row["added_by"] for row in rows if row["added_by"] is not None}


def budget_of(reader: Reader, run: sqlite3.Row) -> Standing:
    """How the budget of a run stands, whether or not it has a limit."""
    account = Account("run", run["id"])
    most = limit_of(reader, BudgetLimits.kept(reader), account)
    held = reader.one("count_held", held_by=account.limit)
    return Standing.of(account, most, balance_of(reader, account), held["count"] if held else 0)


def _used(reader: Reader, run: int, rows: Iterable[sqlite3.Row]) -> dict[int, tuple[int, int]]:
    """Tokens and micro-dollars of each task of a run; of one that a run did, those of that run."""
    found = {row["task"]: (row["tokens"], row["micros"]) for row in reader.all("run_usage", run=run)}
    for row in rows:
        child = None if row["child"] is None else reader.one("get_run", id=row["child"])
        if child is not None:
            inner = _used(reader, child["seq"], reader.all("run_tasks_shown", run=child["seq"]))
            found[row["seq"]] = (
                sum(tokens for tokens, _ in inner.values()),
                balance_of(reader, Account("run", child["id"])).spent,
            )
    return found


def told_of(row: sqlite3.Row, used: tuple[int, int]) -> dict[str, Any]:
    """One task of a run, by its row and the tokens and micro-dollars it used."""
    asked: dict[str, Any] = json.loads(row["asked"])
    result = ending.read_result(row)
    state = state_of(row["state"], row["code"], row["attempts"])
    told: dict[str, Any] = {
        "state": str(state),
        "deps": asked.get("deps", []),
        "model": result.get("model") or json.loads(row["doc"]).get("model"),
        "attempts": row["attempts"],
        "usage": {"tokens": used[0], "cost_micros": used[1]},
        "started_at": _milliseconds(row["started"]),
        "finished_at": _milliseconds(row["finished"]),
    }
    if state is TaskState.COMPLETED:
        told |= {name: result[name] for name in ("output", "output_ref", "output_bytes") if name in result}
    elif row["code"] is not None or row["reason"] is not None:
        told["error"] = _error(row["code"], row["reason"])
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
