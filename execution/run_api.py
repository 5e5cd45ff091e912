"""``/api/v1/runs``: starts runs, tells how they stand, aborts them; nothing is executed here.

The tasks of a run are tasks of the store like every other, so all that is done here is a transaction and an
answer. Who may ask is decided before any of it is called.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import flask

from collecting import no_collecting
from cost.model_catalog import ModelCatalog
from execution import run_decisions, run_output
from execution.run_decisions import AnswerRequest
from execution.run_openapi import BASE, STATES
from execution.run_stream import RunHistory, RunStreams
from localhost import body
from run_contract.errors import InvalidInput, RunNotFound
from run_contract.policy import RunPolicy
from runs import request_keys, views
from runs.entering import House, added_tasks, forked, new_run
from runs.known_models import KnownModels, OfferedModels
from runs.originals import original_of
from runs.request import EnqueueRequest, ForkRequest, read, read_enqueue, read_fork, read_start
from runs.task_shapes import shapes_of
from settings import Home, Settings
from store import run_keys, run_shapes, run_steering, runs
from store.run_keys import RequestKey
from store.sqlite_store import SqliteStore
from store.transaction import Transaction, dump
from telemetry.trace_ids import HEADER, Context
from work_context import concerning

#: Bytes of a request: 10,000 tasks with prompts of a page.
MOST_BYTES: Final = 7 * 1024 * 1024
#: Runs on a page of the list.
PAGE: Final = 100
SOURCE: Final = "api"

#: Every route below `BASE`: its method, its address and the function of `RunApi` that answers it.
ROUTES: Final = (
    ("POST", "", "start"),
    ("GET", "", "list_runs"),
    ("GET", "/<run_id>", "show"),
    ("POST", "/<run_id>/abort", "abort"),
    ("POST", "/<run_id>/tasks", "enqueue"),
    ("POST", "/<run_id>/close", "close"),
    ("POST", "/<run_id>/resume", "resume"),
    ("POST", "/<run_id>/fork", "fork"),
    ("GET", "/<run_id>/events", "events"),
    ("GET", "/<run_id>/decisions", "decisions"),
    ("POST", "/<run_id>/decisions/<decision>", "answer"),
    ("GET", "/<run_id>/tasks/<task_id>/output", "output"),
    ("GET", "/<run_id>/tasks/<task_id>/output/events", "output_events"),
)


def install(app: flask.Flask, api: Callable[[], RunApi]) -> None:
    """Add the routes to an app that lets nobody in unasked."""
    for method, address, name in ROUTES:

        def answer(name: str = name, **given: str) -> flask.Response:
            with concerning(run_id=given.get("run_id")):
                found: flask.Response = getattr(api(), name)(**given)
            return found

        app.add_url_rule(f"{BASE}{address}", f"run_{name}", answer, methods=[method])


class RunApi:
    """The routes of one home's runs."""

    def __init__(self, home: Home, settings: Settings, store: SqliteStore, catalog: ModelCatalog) -> None:
        self._home = home
        self._settings = settings
        self._store = store
        self._catalog = catalog
        self._offered = OfferedModels(settings)
        #: the event streams that are open
        self.streams = RunStreams()

    def start(self) -> flask.Response:
        """Start a run; 202, since its tasks are done by and by."""
        with no_collecting():
            row = self._start()
        return _json(views.brief(self._store.reader, row), 202, Location=f"{BASE}/{row['id']}")

    def _start(self) -> sqlite3.Row:
        request = read_start(body.read_object(flask.request, MOST_BYTES))
        made = _traced(new_run(request, self._house(), request_keys.read(_key())))
        return self._store.write(lambda tx: runs.start(tx, made, SOURCE, self._store.limits))

    def list_runs(self) -> flask.Response:
        """A page of runs, the newest first; ``next`` is what to give as ``before`` for the next page."""
        query = flask.request.args
        unknown = sorted(set(query) - {"state", "limit", "before"})
        if unknown:
            raise InvalidInput(f"{unknown[0]}: is not a parameter that is known here", path=unknown[0])
        states = query["state"].split(",") if "state" in query else []
        for each in states:
            if each not in STATES:
                raise InvalidInput(f"state: must be one of {', '.join(STATES)}", path="state")
        limit = _number(query.get("limit"), "limit", PAGE, PAGE)
        before = _number(query.get("before"), "before", 2**62, 2**62)
        reader = self._store.reader
        rows = reader.all("list_runs", before=before, states=dump(states) if states else None, limit=limit)
        after = rows[-1]["seq"] if len(rows) == limit else None
        return _json({"runs": [views.brief(reader, row) for row in rows], "next": after})

    def show(self, run_id: str) -> flask.Response:
        """A run with its tasks."""
        return _json(views.whole(self._store.reader, self._find(run_id)))

    def abort(self, run_id: str) -> flask.Response:
        """Abort a run; said twice it is aborted once."""
        _no_body()
        return self._steered(lambda tx: run_steering.abort(tx, run_id, SOURCE))

    def close(self, run_id: str) -> flask.Response:
        """Let a run end when all its tasks have."""
        _no_body()
        return self._steered(lambda tx: run_steering.close(tx, run_id, SOURCE))

    def resume(self, run_id: str) -> flask.Response:
        """Send back what did not complete."""
        _no_body()
        key = request_keys.of_request(_key(), "resume", run_id)
        return self._steered(
            lambda tx: run_keys.once(tx, key, lambda inner: run_steering.resume(inner, run_id, SOURCE))
        )

    def fork(self, run_id: str) -> flask.Response:
        """Start a run that begins with answers of another."""
        request = read_fork(body.read_object(flask.request, MOST_BYTES))
        key = request_keys.of_request(_key(), "fork", run_id, request)
        with no_collecting():
            found = run_keys.known(self._store.reader, key) or self._fork(run_id, request, key)
        return _json(views.brief(self._store.reader, found), 202, Location=f"{BASE}/{found['id']}")

    def _fork(self, run_id: str, request: ForkRequest, key: RequestKey | None) -> sqlite3.Row:
        original = original_of(self._store.reader, self._find(run_id))
        made = _traced(forked(original, request, self._house(), key))
        return self._store.write(lambda tx: runs.start(tx, made, SOURCE, self._store.limits))

    def events(self, run_id: str) -> flask.Response:
        """What happens to a run, as it happens."""
        row = self._find(run_id)
        asked = flask.request.headers.get("Last-Event-ID") or flask.request.args.get("after")
        after = _number(asked, "Last-Event-ID", 0, 2**62, least=0)
        return self.streams.open(RunHistory(self._store.reader, run_id, max(after, row["after_event"])))

    def decisions(self, run_id: str) -> flask.Response:
        """What people are or were asked about a run."""
        return _json(run_decisions.listed(self._store.reader, self._find(run_id)))

    def answer(self, run_id: str, decision: str) -> flask.Response:
        """Pass on what a person answered to a question of a run."""
        given = read(AnswerRequest, body.read_object(flask.request, MOST_BYTES))
        return _json(run_decisions.answer(self._store, run_id, decision, given, SOURCE))

    def output(self, run_id: str, task_id: str) -> flask.Response:
        """What a completed task answered, whole."""
        self._find(run_id)
        return run_output.answer(self._store.reader, self._home.outputs, run_id, task_id)

    def output_events(self, run_id: str, task_id: str) -> flask.Response:
        """What a task prints or answers, while it does."""
        self._find(run_id)
        after = flask.request.headers.get("Last-Event-ID") or flask.request.args.get("after")
        reader, outputs = self._store.reader, self._home.outputs
        return self.streams.open(run_output.followed(reader, outputs, run_id, task_id, after))

    def enqueue(self, run_id: str) -> flask.Response:
        """Add tasks to a run that goes on."""
        request = read_enqueue(body.read_object(flask.request, MOST_BYTES))
        key = request_keys.of_request(_key(), "tasks", run_id, request)
        found = run_keys.known(self._store.reader, key) or self._add(run_id, request, key)
        return _json(views.brief(self._store.reader, found), 202)

    def _add(self, run_id: str, request: EnqueueRequest, key: RequestKey | None) -> sqlite3.Row:
        row = self._find(run_id)
        wanted = sorted({dep for task in request.tasks for dep in task.deps})
        known = self._store.reader.all("run_known_tasks", run=row["seq"], ids=dump(wanted))
        policy = RunPolicy.model_validate_json(row["policy"])
        memory = frozenset(json.loads(row["memory"]))
        names = [each["id"] for each in known]
        there = run_shapes.there(self._store.reader, row, shapes_of(request.tasks))
        tasks = added_tasks(request.tasks, row["id"], policy, memory, names, self._house(), there)
        limits = self._store.limits
        return self._store.write(
            lambda tx: run_keys.once(tx, key, lambda inner: runs.add(inner, run_id, tasks, SOURCE, limits))
        )

    def _steered(self, work: Callable[[Transaction], sqlite3.Row]) -> flask.Response:
        return _json(views.brief(self._store.reader, self._store.write(work)))

    def _find(self, run_id: str) -> sqlite3.Row:
        row = self._store.reader.one("get_run", id=run_id)
        if row is None:
            raise RunNotFound(f"There is no run {run_id[:200]!r}.")
        return row

    def _house(self) -> House:
        models = KnownModels(self._settings, self._catalog, self._store.reader, self._offered)
        return House(self._settings.limits, models, self._home.policies_file, self._home.workflows)


def _traced(made: runs.NewRun) -> runs.NewRun:
    """A run with the span that it is started from; a header that cannot be understood counts as none."""
    found = Context.read(flask.request.headers.get(HEADER))
    return made if found is None else replace(made, traceparent=str(found))


def _key() -> str | None:
    """What the header says, by which a repeat of this request is known."""
    return flask.request.headers.get(request_keys.HEADER)


def _no_body() -> None:
    """Raise `InvalidInput` where a body says anything: nothing of it would have an effect."""
    if flask.request.content_length and body.read_object(flask.request, MOST_BYTES):
        raise InvalidInput("The body must be empty here.")


def _number(text: str | None, name: str, default: int, most: int, least: int = 1) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or not least <= int(text) <= most:
        raise InvalidInput(f"{name}: must be a number from {least} to {most:,}", path=name)
    return int(text)


def _json(value: Any, status: int = 200, **headers: str) -> flask.Response:
    response = flask.Response(dump(value), status=status, mimetype="application/json")
    response.headers.update(headers)
    return response
