"""Starting runs from the panel: from a request, or from another run.

Loaded when somebody first asks: what a run is made of takes large rooms.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from collecting import no_collecting
from cost.model_catalog import ModelCatalog
from panel.context import Panel
from panel.run_cost import cost_of
from panel.run_gate import blocked_of
from panel.run_views import row_of
from redaction import clean, clean_value
from run_contract.errors import RunError
from runs import request_keys
from runs.entering import House, forked, new_run
from runs.known_models import KnownModels
from runs.originals import original_of
from runs.request import read_fork, read_start
from store import run_keys, runs
from store.runs import NewRun

#: Names of tasks that are told of what a fork does.
MOST_NAMED: Final = 200


def house_of(here: Panel) -> House:
    """What a request is held to. Raises `InvalidSetting`."""
    catalog = ModelCatalog.of_home(here.settings, here.home.models_file)
    models = KnownModels(here.settings, catalog, here.reader)
    return House(here.settings.limits, models, here.home.policies_file)


def enter(here: Panel, made: NewRun, by: str) -> sqlite3.Row:
    """Enter a run that was checked; its row. Raises `RunExists`."""
    return here.store.write(lambda tx: runs.start(tx, made, by, here.store.limits))


def start(here: Panel, body: dict[str, Any], by: str, key: str | None = None) -> sqlite3.Row:
    """Start the run that a request asks for; its row. Raises as `runs.entering.new_run`, and `RunExists`."""
    with no_collecting():
        return enter(here, new_run(read_start(body), house_of(here), key), by)


def fork(here: Panel, run_id: str, body: dict[str, Any], by: str, header: str | None = None) -> sqlite3.Row:
    """Start a run that begins with answers of another; its row.

    `header`: the key under which a repeat is answered with the run it started. Raises as
    `runs.entering.forked`, and `RunExists`.
    """
    request = read_fork(body)
    key = request_keys.of_request(header, "fork", run_id, request)
    found = run_keys.known(here.reader, key)
    if found is not None:
        return found
    with no_collecting():
        original = original_of(here.reader, row_of(here, run_id))
        return enter(here, forked(original, request, house_of(here), key), by)


def check_fork(here: Panel, row: sqlite3.Row, body: dict[str, Any]) -> dict[str, Any]:
    """What a fork would do: which tasks anew, which answers it keeps, what may not run, the cost at worst."""
    try:
        request = read_fork(body)
        made = forked(original_of(here.reader, row), request, house_of(here))
    except RunError as error:
        return {"ok": False, "problem": clean(error.message), "path": error.details.get("path")}
    done = frozenset(made.reused)
    told: dict[str, Any] = {
        "ok": True,
        "anew": _named([each.id for each in made.tasks if each.id not in done]),
        "reused": _named([each.id for each in made.tasks if each.id in done]),
        "cost": cost_of(here, made, done),
        "blocked": blocked_of(here, made, done, request.task),
    }
    shown: dict[str, Any] = clean_value(told)
    return shown


def _named(names: list[str]) -> dict[str, Any]:
    return {"count": len(names), "tasks": names[:MOST_NAMED]}
