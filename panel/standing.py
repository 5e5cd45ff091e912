"""How the home stands right now, read once for a page or an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import flask

from cost import usage_tracker
from panel.context import Panel
from panel.daemon import supervised, worker_runs
from panel.health import Health, Moment, health_of, of_killed
from panel.task_views import decision_of
from redaction import clean, clean_value
from review.checkpoints.broken_off import broken_off
from store import kill_file, processes
from store.audit_log import AUDIT_CHECKPOINT, Checkpoint
from store.kill_file import KillFile
from store.lanes import Gate
from store.reading import LOCAL_STATUS, PAUSED, QUEUE_FILE_BLOCKED
from supervisor.daemon_state import queue_file_trouble

#: Questions that stand above the tasks; the inbox has all.
MOST_BESIDE: Final = 20


@dataclass(frozen=True)
class Standing:
    """How the home stands."""

    counts: dict[str, int]
    gate: Gate
    questions: int
    worker_runs: bool
    #: what was spent today, and in all
    day: usage_tracker.Standing
    total: usage_tracker.Standing
    health: Health
    #: none while the kill switch is clear
    kill_switch: KillFile | None
    #: the newest checkpoint of the audit, ``SEQ:MAC``
    checkpoint: str | None
    #: what holds commands, as swarm found it; none before it has looked
    sandbox: dict[str, Any] | None
    #: why the queue file could not be read, with its place in the file; none where it could
    queue_file: str | None
    #: why the queue file could not be written; none where it could
    queue_file_blocked: str | None
    #: entries of the queue that broke the contract and were not corrected
    refused: int
    #: rollbacks of files that broke off, each with what a person is told
    broken_rollbacks: list[dict[str, Any]]


def standing_of(here: Panel) -> Standing:
    """Read how the home stands."""
    counts, gate = here.reader.counts(), here.reader.gate()
    questions, runs = here.reader.open_decisions(), worker_runs(here.home)
    day, total = (usage_tracker.standing_of(here.reader, name, here.clock.now()) for name in ("day", "total"))
    killed = kill_file.look(here.home.kill_switch)
    refused = here.reader.refused_entries()
    absent = processes.no_worker(here.reader.fact(processes.PROCESSES)) if supervised(here.home) else None
    if killed is None:
        of_tasks = here.reader.one("open_decision_of_no_task") is None
        health = health_of(
            counts, gate, questions, runs, absent, _pause(here), refused, are_of_tasks=of_tasks
        )
    else:
        health = of_killed(killed, here.clock.now())
    checkpoint = Checkpoint.of_fact(here.reader.fact(AUDIT_CHECKPOINT))
    told = None if checkpoint is None else str(checkpoint)
    sandbox = here.reader.fact(LOCAL_STATUS)
    trouble = queue_file_trouble(here.home)
    blocked = here.reader.fact(QUEUE_FILE_BLOCKED)
    broken = [clean_value(each.as_json()) for each in broken_off(here.home, here.reader)]
    return Standing(
        counts,
        gate,
        questions,
        runs,
        day,
        total,
        health,
        killed,
        told,
        sandbox,
        trouble,
        None if blocked is None else clean(str(blocked["reason"])),
        refused,
        broken,
    )


def _pause(here: Panel) -> tuple[Moment, str] | None:
    """Who paused, when and why."""
    fact = here.reader.fact(PAUSED)
    if fact is None:
        return None
    at = datetime.fromisoformat(fact["at"]).timestamp() if fact.get("at") else None
    return Moment(fact["by"], at, here.clock.now()), fact["reason"]


def tag_of(here: Panel, *parts: object) -> str:
    """An entity tag that changes with everything a page shows, at a fraction of the page's cost.

    Every change leaves an event, but for a delayed task whose time has come, which the states tell, and for
    the kill switch, which the leader tells of later or not at all.
    """
    last = here.reader.one("last_event_seq")
    seen = (
        here.start_id,
        last["seq"] if last else 0,
        here.reader.state_counts(),
        worker_runs(here.home),
        kill_file.look(here.home.kill_switch),
        queue_file_trouble(here.home),
        parts,
    )
    return hashlib.sha256(repr(seen).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def conditional(tag: str, render: Callable[[], str]) -> flask.Response:
    """A part of a page under its tag; 304, and nothing rendered, to who has it."""
    if flask.request.if_none_match.contains(tag):
        response = flask.Response(status=304)
    else:
        response = flask.make_response(render())
    response.set_etag(tag)
    return response


def questions_beside_tasks(here: Panel) -> list[dict[str, Any]]:
    """The oldest open questions that no task's row carries: about no task, or about one not in review."""
    rows = here.reader.all("open_decisions_alone", limit=MOST_BESIDE)
    return [decision_of(row, here.clock.now()) for row in rows]
