"""A claimed task that a run of its own does: it is started once and waited for, and its answer is taken."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from context import template
from context.context_router import ContextRouter
from cost.model_catalog import ModelCatalog
from run_contract.errors import InvalidResult
from run_contract.policy import RunPolicy
from run_contract.records import Run, RunTask
from runs import sub_runs, views, within
from runs.entering import House, Models, new_run
from runs.known_models import KnownModels
from runs.workflow import SubRun
from store import sub_runs as store_sub_runs
from store.records import Claim
from store.runs import NewRun
from store.sqlite_store import SqliteStore

_PARTS = re.compile(r"[^A-Za-z0-9._-]")


class SubRuns:
    """Starts and follows the runs that do tasks of one home's runs.

    Parameters:
        models: what is known of models; none: asked of the home.
    """

    def __init__(self, store: SqliteStore, models: Models | None = None) -> None:
        self._store = store
        self._models = models
        self._router = ContextRouter()

    def has_ended(self, claim: Claim, row: sqlite3.Row, run: Run, task: RunTask) -> str | None:
        """The run that did a claimed task, if it completed; else the task waits now, or has failed as it.

        `row` is ``run_task_of`` it. Raises `RunError` for a run that cannot be started.
        """
        child = row["child"]
        known = None if child is None else self._store.reader.one("get_run", id=child)
        write, ref = self._store.write, claim.ref
        if known is None:
            new = self._new(row, run, task)
            write(lambda tx: store_sub_runs.begin(tx, ref, new, self._store.limits))
        elif known["state"] == "completed":
            return str(child)
        elif known["state"] in {"running", "aborting"}:
            write(lambda tx: store_sub_runs.wait(tx, ref, child))
        elif row["child_over"]:
            write(lambda tx: store_sub_runs.resume(tx, ref, child))
        else:
            write(lambda tx: store_sub_runs.fail(tx, ref, child))
        return None

    def last_tasks(self, row: sqlite3.Row, child: str) -> list[sqlite3.Row]:
        """The tasks of an ended run whose answers are its output: the named one, or the last ones.

        Of one that was done again it is the last round. Raises `InvalidResult` where none of them completed.
        """
        found = self._store.reader.one("get_run", id=child)
        rows = [] if found is None else self._store.reader.all("run_tasks_shown", run=found["seq"])
        tasks = {each["name"]: each for each in rows}
        wanted = json.loads(row["doc"])["run"]
        steps = {step["id"]: step.get("depends_on") or () for step in wanted["workflow"]["steps"]}
        names = within.giving(steps, wanted.get("output"))
        given = [name for name in names if name in tasks and tasks[name]["state"] == "approved"]
        if not given:
            ends = [within.End(name, *_end_of(tasks.get(name))) for name in names]
            raise InvalidResult(within.lacking(child, wanted.get("output"), ends))
        later = {} if found is None else views.standing_answers(self._store.reader, found["seq"], given)
        return [tasks[later.get(name, name)] for name in given]

    def _new(self, row: sqlite3.Row, run: Run, task: RunTask) -> NewRun:
        asked = json.loads(row["doc"])
        wanted = SubRun.model_validate(asked["run"])
        policy = RunPolicy.model_validate_json(row["policy"])
        within.check_depth(policy, row["run_depth"])
        values = self._router.values(run, task, wanted.inputs.values())
        inputs = {name: template.render(text, values) for name, text in wanted.inputs.items()}
        name = f"{_PARTS.sub('-', run.id)[:60]}.{task.id[:55]}-{secrets.token_hex(4)}"
        house = self._house()
        request = sub_runs.request_of(wanted, name, house.policies_file, inputs)
        made = new_run(request, replace(house, depth=row["run_depth"] + 1))
        return replace(
            made,
            parent=f"{run.id}:{task.id}",
            depth=row["run_depth"] + 1,
            foreign_inputs=within.foreign_inputs(wanted.inputs, json.loads(row["foreign_inputs"] or "[]")),
            timeout_s=self._time_left(made.timeout_s, asked, row["deadline"]),
        )

    def _time_left(self, own: float | None, asked: Mapping[str, Any], deadline: float | None) -> float | None:
        """Seconds that the run has: its own limit, the task's, and what is left of the run above."""
        limits = [own, asked["timeout_ms"] / 1000 if asked.get("timeout_ms") else None]
        limits.append(None if deadline is None else max(0.0, deadline - self._store.clock.now()))
        return min((each for each in limits if each is not None), default=None)

    def _house(self) -> House:
        home, settings = self._store.home, self._store.settings
        catalog = ModelCatalog.of_home(settings, home.models_file)
        models = self._models or KnownModels(settings, catalog, self._store.reader)
        return House(settings.limits, models, home.policies_file, home.workflows)


def _end_of(row: sqlite3.Row | None) -> tuple[str, str]:
    """How a task ended that did not complete, and why."""
    if row is None:
        return "skipped", "it is gone"
    state = views.state_of(row["state"], row["code"], row["attempts"])
    return str(state), str(row["reason"] or row["code"] or row["state"])
