"""What an answer makes its run do, read from it before it is judged: another round, as in memory.

The parts of runs in memory decide here as well; what they decide is written down for the transaction in which
the answer counts (`store.run_growth`).
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from context.context_router import ContextRouter
from road.adding import Adding
from road.named_outputs import Keeper
from run_contract.errors import InvalidResult, RunError
from run_contract.policy import RunPolicy
from run_contract.records import Condition, Repeat, Run, RunTask, TaskInput, TaskResult
from runs import entering, rounds
from runs.factory import new_run
from store import run_growth
from store.records import Claim
from store.sqlite_store import SqliteStore


class Growing:
    """Reads what follows from the answers of one home's runs."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._adding = Adding(store)
        self._keeper = Keeper(store.home.outputs, store.home.workspace)
        self._router = ContextRouter()

    def of_answer(self, claim: Claim, row: sqlite3.Row, run: Run, task: RunTask, text: str) -> dict[str, Any]:
        """What follows if it counts; `row` is ``run_task_of`` the task, `run` what it waited for."""
        asked = json.loads(row["doc"])
        growth: dict[str, Any] = {}
        if asked.get("outputs") or asked.get("files"):
            try:
                growth["outputs"] = self._keeper.keep(asked, text, f"{claim.seq}-{claim.ref.lease}")
            except InvalidResult as error:
                return _failure(error.code, error.message)
        if asked.get("may_add"):
            growth |= self._adding.of_answer(claim, row, text)
        repeat = repeat_of(asked.get("repeat"))
        return growth if repeat is None else growth | self._round(claim, row, run, task, repeat, text)

    def _round(
        self, claim: Claim, row: sqlite3.Row, run: Run, task: RunTask, repeat: Repeat, text: str
    ) -> dict[str, Any]:
        """Another round, or why there is none and the task fails; nothing where the answer will do."""
        result = TaskResult(text)
        try:
            values = self._router.values(run, task, [repeat.until.of])
            if rounds.is_done(repeat, result, values):
                return {}
            if row["round"] >= repeat.most:
                task.round = row["round"]
                error = rounds.used_up(task, repeat)
                return {} if error is None else _failure(error.code, error.message)
            return {"round": self._next(row, task.id, repeat, result)}
        except RunError as error:
            return _failure(run_growth.INVALID_RESULT, error.message)

    def _next(self, row: sqlite3.Row, name: str, repeat: Repeat, result: TaskResult) -> dict[str, Any]:
        rows = self._store.reader.all("run_graph", run=row["run_seq"])
        asked = {each["id"]: json.loads(each["doc"]) for each in rows}
        models = {each["id"]: json.loads(each["task"]).get("model") for each in rows}
        tasks = [_as_asked(asked[each["id"]], each["round"]) for each in rows]
        items = dict.fromkeys(dep for task in tasks for dep in task.deps if dep not in asked)
        whole = new_run(row["run"], [*tasks, *(RunTask(item, TaskInput("")) for item in items)])
        copies = rounds.next_round(whole, whole.tasks[name], repeat, result)
        for copy in copies.values():
            copy.depth = row["depth"]
        policy = RunPolicy.model_validate_json(row["policy"])
        limits = self._store.settings.limits
        made = entering.round_tasks(copies, asked, models, row["run"], policy, limits)
        return {
            "tasks": run_growth.as_documents(made),
            "end": copies[name].id,
            "stands_for": {each: copy.id for each, copy in copies.items() if each != name},
            "round": row["round"] + 1,
            "most": repeat.most,
        }


def _failure(code: str, reason: str) -> dict[str, Any]:
    return {"failure": {"code": code, "reason": reason}}


def repeat_of(asked: dict[str, Any] | None) -> Repeat | None:
    """The rounds that a task was asked for with."""
    if asked is None:
        return None
    until = _condition(asked["until"])
    return Repeat(until, asked.get("most", 3), asked.get("first"), asked.get("otherwise", "fail"))


def _condition(asked: dict[str, Any]) -> Condition:
    return Condition(asked["of"], asked["test"], str(asked["value"]))


def _as_asked(asked: dict[str, Any], number: int) -> RunTask:
    """A task as far as rounds look at it."""
    prompt = asked.get("prompt") or asked.get("ask") or ""
    when = asked.get("when")
    return RunTask(
        asked["id"],
        TaskInput(prompt, asked.get("inputs") or {}, asked.get("metadata") or {}),
        deps=list(dict.fromkeys(asked.get("deps") or ())),
        when=None if when is None else _condition(when),
        for_each=asked.get("for_each"),
        repeat=repeat_of(asked.get("repeat")),
        round=number,
    )
