"""The tasks that an answer asks for, as they are entered if the answer counts (`runs.asked_for`)."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any

from cost.model_catalog import ModelCatalog
from run_contract.errors import RunError
from run_contract.policy import RunPolicy
from runs import asked_for, task_shapes
from runs.asked_for import Rights
from runs.entering import House, new_task
from runs.known_models import KnownModels
from runs.turns import Turns
from store import run_growth, run_shapes
from store.budgets import Account, balance_of
from store.records import Claim
from store.runs import NewRunTask
from store.sqlite_store import SqliteStore


class Adding:
    """Reads what answers of one home's runs ask for."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def of_answer(self, claim: Claim, row: sqlite3.Row, text: str) -> dict[str, Any]:
        """The tasks to be entered and those that are refused; `row`: ``run_task_of`` the task that asks."""
        try:
            listed = asked_for.entries(text)
            policy = RunPolicy.model_validate_json(row["policy"])
            if listed and row["depth"] >= policy.max_depth:
                told = f"tasks: they would stand {row['depth'] + 1} deep; max_depth allows {policy.max_depth}"
                return _told({}, [{"path": "tasks", "reason": told}])
        except RunError as error:
            return _told({}, [{"path": "tasks", "reason": error.message}])
        return self._screened(claim, row, listed, policy) if listed else {}

    def _screened(
        self, claim: Claim, row: sqlite3.Row, listed: list[Any], policy: RunPolicy
    ) -> dict[str, Any]:
        shapes = run_shapes.of_rows(self._store.reader.all("run_shapes", run=row["run_seq"]))
        memory = json.loads(row["memory"])
        rights = self._rights(claim, row, policy, task_shapes.told_to(row["id"], shapes))
        found = asked_for.screened(listed, rights, shapes, memory)
        house, made = self._house(), dict[int, NewRunTask]()
        for place, task in [*found.tasks.items()]:
            try:
                new = new_task(task, row["run"], policy, house, "tasks[0]")
            except RunError as error:
                found.refuse_for(place, error)
            else:
                made[place] = replace(new, added_by=row["id"], depth=row["depth"] + 1)
        asked_for.check_deps(found, rights.told)
        refused = [{"path": each.path, "reason": each.reason} for each in found.refused]
        return _told({place: made[place] for place in found.tasks}, refused)

    def _rights(self, claim: Claim, row: sqlite3.Row, policy: RunPolicy, told: frozenset[str]) -> Rights:
        task, asked, settings = claim.task, json.loads(row["doc"]), self._store.settings
        left = task.max_budget_micros
        if left is not None:
            spent = balance_of(self._store.reader, Account("task", claim.id))
            left = max(0, left - spent.spent)
        own, role = task.model or "", asked.get("model_role")
        by_settings = settings.local_timeout_s if task.mode == "local" else settings.llm_timeout_s
        return Rights(
            priority=task.priority,
            review=task.review,
            required=asked.get("required", True),
            is_command=task.mode == "local",
            left_micros=left,
            told=told,
            model=task.model,
            role=role,
            models=frozenset((own, *Turns(row["run"], row["id"], policy, own, role).models)),
            max_tokens=task.max_tokens,
            most_tokens=task.max_tokens or settings.llm_max_tokens,
            timeout_ms=asked.get("timeout_ms"),
            longest_ms=round((task.timeout_s or by_settings) * 1000),
            is_timed=task.timeout_s is not None,
        )

    def _house(self) -> House:
        home, settings = self._store.home, self._store.settings
        catalog = ModelCatalog.of_home(settings, home.models_file)
        models = KnownModels(settings, catalog, self._store.reader)
        return House(settings.limits, models, home.policies_file)


def _told(tasks: dict[int, NewRunTask], refused: list[dict[str, str]]) -> dict[str, Any]:
    adds = run_growth.as_documents([*tasks.values()])
    return {"adds": adds, "places": [*tasks], "refused": refused}
