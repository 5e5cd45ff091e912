"""kill -9 in the middle of a run of 200 tasks with real HTTP and real commands, more than once.

Afterwards the run completes; nothing that had been approved ran again (counted by the model server, which
sees each call); what was spent is at least what the server was asked for, and what is above it was booked as
unsettled.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from testing.running_daemon import PATIENCE_S
from tests.acceptance.witness import ModelWitness

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

TASKS = 200
LAYER = 20
#: Dollars per million tokens.
PRICES = {"SKEP_LLM_PRICE_INPUT": "1", "SKEP_LLM_PRICE_OUTPUT": "2"}


def graph() -> list[dict[str, Any]]:
    """Ten layers of twenty, each task of a layer waiting for two of the one before; every fifth a command."""
    found: list[dict[str, Any]] = []
    for number in range(TASKS):
        layer, place = divmod(number, LAYER)
        deps = [f"t{(layer - 1) * LAYER + (place + shift) % LAYER:03}" for shift in (0, 1)] if layer else []
        work = {"argv": ["echo", f"n{number:03}"]} if number % 5 == 4 else {"prompt": f"do n{number:03}."}
        found.append({"id": f"t{number:03}", "deps": deps, **work})
    return found


def approved(daemon: Any) -> set[str]:
    return {event["task_id"] for event in daemon.events() if event["event"] == "task.approved"}


def has_approved(daemon: Any, most: int) -> bool:
    return len(approved(daemon)) >= most


def own_number(call: dict[str, Any]) -> str:
    """Which task a call asks for."""
    return call["prompt"].rpartition("do n")[2][:3]


def wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.05)


def test_a_run_of_200_tasks_outlives_kill_9(daemon, model: ModelWitness) -> None:
    daemon.start("--no-panel", **PRICES)
    with daemon.client() as client:
        request = {
            "id": "r",
            "policy": {"max_parallelism": 8, "retry": {"max_attempts": 9}},
            "tasks": graph(),
        }
        answer = client.post("/api/v1/runs", json=request)
        assert answer.status_code == 202, answer.text
    done_before: list[tuple[float, set[str]]] = []
    for most in (30, 110):
        wait_for(functools.partial(has_approved, daemon, most), f"{most} approved")
        daemon.kill_everything()
        done_before.append((time.time(), approved(daemon)))
        daemon.start("--no-panel", **PRICES)
        daemon.client().close()

    seen = daemon.skep("run", "watch", "r", "--json")
    assert seen.returncode == 0, seen.stderr
    run = json.loads(daemon.skep("run", "show", "r", "--json").stdout)

    assert run["state"] == "completed"
    assert Counter(task["state"] for task in run["tasks"].values()) == {"completed": TASKS}
    for moment, done in done_before:
        again = {own_number(call) for call in model.calls() if call["at"] > moment}
        assert not {f"r:t{number}" for number in again} & done
    asked = {own_number(call) for call in model.calls()}
    assert len(asked) == TASKS * 4 // 5
    _check_money(daemon, run, len(model.calls()))
    events = [json.loads(line)["event"] for line in seen.stdout.splitlines()]
    assert (events[-1], events.count("run.completed")) == ("run.completed", 1)


def _check_money(daemon: Any, run: dict[str, Any], calls: int) -> None:
    """Every call is booked, once; what is booked beside is marked as what nobody knows."""
    with contextlib.closing(sqlite3.connect(daemon.root / ".swarm" / "state.db")) as connection:
        rows = connection.execute("SELECT state, booked FROM spend WHERE task_id LIKE 'r:%'").fetchall()
        (spent,) = connection.execute(
            "SELECT spent FROM budget WHERE scope = 'run' AND name = 'r'"
        ).fetchone()
    settled = [booked for state, booked in rows if state == "settled"]
    assert {state for state, _ in rows} <= {"settled", "unsettled"}
    assert len(settled) <= calls <= len(rows)
    assert spent == sum(booked for _, booked in rows) == run["cost_micros"]
