"""kill -9 of worker, of swarm and of everything while a run grows: rounds, added tasks, a run within it.

Every moment follows from a call that the model server holds, so each process dies with that call under way.
Afterwards every task is there once and has ended once, nothing that was approved was asked again, and what
was spent is what the server counted, but for calls that are booked as unsettled.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from testing.model_server import ModelRequest, ModelServer, Reply
from testing.model_wire import words
from testing.running_daemon import PATIENCE_S, RunningDaemon
from tests.acceptance.conservation import check_nothing_is_lost

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

RUN: dict[str, Any] = {
    "id": "r",
    "policy": {"max_parallelism": 4, "retry": {"max_attempts": 9}, "budget_limit": {"amount": 1}},
    "tasks": [
        {"id": "plan", "prompt": "[plan] What is to be looked at?", "may_add": True},
        {"id": "draft", "prompt": "[draft] Write it. What was found last time: {{previous}}"},
        {
            "id": "check",
            "prompt": "[check] Is this good? {{deps.draft.output}}",
            "deps": ["draft"],
            "repeat": {
                "first": "draft",
                "until": {"of": "{{output}}", "test": "at_least", "value": 80},
                "most": 5,
            },
        },
        {
            "id": "chapter",
            "run": {
                "workflow": {
                    "name": "chapter",
                    "policy": {"budget_limit": {"amount": 0.5}, "retry": {"max_attempts": 9}},
                    "steps": [
                        {"id": "write", "prompt": "[write] Write a chapter."},
                        {"id": "shorten", "depends_on": ["write"], "prompt": "[shorten] Shorten it."},
                    ],
                }
            },
        },
        {"id": "agree", "ask": "Does it go?", "choices": ["yes", "no"]},
        {"id": "end", "prompt": "[end] Put it together.", "deps": ["check", "chapter", "agree"]},
    ],
}
ADDS = json.dumps(
    {
        "tasks": [
            {"id": "look-1", "prompt": "[look-1] Look.", "deps": ["plan"]},
            {"id": "look-2", "prompt": "[look-2] Look."},
        ]
    }
)
#: What the check of each draft says.
SCORES = {1: 40, 2: 60, 3: 90}
IN_THE_RUN = {"plan", "look-1", "look-2", "draft", "check", "draft.r2", "check.r2", "draft.r3", "check.r3",
              "chapter", "agree", "end"}  # fmt: skip
WITHIN = {"write", "shorten"}
#: Of a task, the calls that are held until something has died: the first of each.
HELD = ("plan", "write", "draft.r2", "look-1", "end")


def task_of(prompt: str) -> str:
    """The task that a prompt is of; its round follows from what it is told."""
    prompt = prompt.rpartition("TASK:\n")[2]
    name = next(name for name in IN_THE_RUN | WITHIN if f"[{name}]" in prompt)
    if name == "draft":
        return next(
            (f"draft.r{number + 1}" for number in (2, 1) if f"score: {SCORES[number]}" in prompt), name
        )
    if name == "check":
        number = next(number for number in (3, 2, 1) if f"text {number}" in prompt)
        return name if number == 1 else f"check.r{number}"
    return name


class Answers:
    """Says what a prompt asks for, and holds the calls of `HELD` until it is told to let them go."""

    def __init__(self) -> None:
        #: (wall time, the task, tokens the server counts for it), in the order of arrival
        self.calls: list[tuple[float, str, int]] = []
        self._came = {name: threading.Event() for name in HELD}
        self._goes = {name: threading.Event() for name in HELD}

    def __call__(self, request: ModelRequest) -> Reply:
        name = task_of(request.prompt)
        text = self._text(name)
        self.calls.append((time.time(), name, words(request.prompt) + 2 * words(text)))
        came = self._came.get(name)
        if came is None or came.is_set():
            return Reply(text=text)
        came.set()
        return Reply(text=text, hold=self._goes[name])

    @staticmethod
    def _text(name: str) -> str:
        kind, _, number = name.partition(".r")
        if kind in {"draft", "check"}:
            at = int(number or 1)
            return f"text {at}" if kind == "draft" else f"score: {SCORES[at]}"
        return f"Two things.\n\n```skep-tasks\n{ADDS}\n```" if name == "plan" else f"the answer of {name}"

    def wait_for(self, *names: str) -> None:
        """Wait until a call of each has come."""
        for name in names:
            assert self._came[name].wait(PATIENCE_S), f"no call of {name}"

    def let_go(self, *names: str) -> None:
        """Answer what is held of these."""
        for name in names:
            self._goes[name].set()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(models=("m",)) as server:
        server.answer = Answers()
        yield server


@pytest.fixture
def daemon(tmp_path, model) -> Iterator[RunningDaemon]:
    running = RunningDaemon(
        tmp_path / "home", SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m", SKEP_LLM_PRICE_INPUT="1",
        SKEP_LLM_PRICE_OUTPUT="2", SKEP_LLM_MAX_TOKENS="100",
    )  # fmt: skip
    yield running
    running.kill_everything()


def approved(daemon: RunningDaemon) -> set[str]:
    """The tasks, within their runs, that have been approved."""
    return {each["task_id"].partition(":")[2] for each in daemon.events() if each["event"] == "task.approved"}


def has_asked(daemon: RunningDaemon) -> bool:
    return any(each["event"] == "decision.asked" for each in daemon.events("r:agree"))


def wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.05)


def test_a_run_that_grows_outlives_kill_9(daemon, model) -> None:
    answers: Answers = model.answer
    done: list[tuple[float, set[str]]] = []

    def kill(*names: str) -> None:
        for name in names:
            daemon.kill(name)
        if not names:
            daemon.kill_everything()
        done.append((time.time(), approved(daemon)))

    daemon.start("--no-panel")
    with daemon.client() as client:
        assert client.post("/api/v1/runs", json=RUN).status_code == 202

    answers.wait_for("write")
    kill("worker")
    answers.let_go("write")

    answers.wait_for("draft.r2", "plan")
    wait_for(functools.partial(has_asked, daemon), "the question")
    kill()
    answers.let_go("draft.r2", "plan")
    answered = daemon.skep("approve", "r:agree", "--answer", "yes")
    assert answered.returncode == 0, answered.stderr
    daemon.start("--no-panel")

    answers.wait_for("look-1")
    kill("swarm")
    answers.let_go("look-1")

    answers.wait_for("end")
    kill()
    answers.let_go("end")
    daemon.start("--no-panel")

    with daemon.client() as client:
        with client.stream("GET", "/api/v1/runs/r/events") as told:
            assert any('"run.completed"' in line for line in told.iter_lines())
        check(daemon, client, answers, done)


def check(
    daemon: RunningDaemon, client: httpx.Client, answers: Answers, done: list[tuple[float, set[str]]]
) -> None:
    run = client.get("/api/v1/runs/r").json()
    child = run["tasks"]["chapter"]["child"]
    inner = client.get(f"/api/v1/runs/{child}").json()
    assert (run["state"], inner["state"], inner["parent"]) == ("completed", "completed", "r:chapter")
    assert (run["tasks"].keys(), inner["tasks"].keys()) == (IN_THE_RUN, WITHIN)
    assert {each["state"] for each in (*run["tasks"].values(), *inner["tasks"].values())} == {"completed"}
    assert {name for name, each in run["tasks"].items() if "added_by" in each} == {"look-1", "look-2"}
    assert run["tasks"]["agree"]["output"] == "yes"
    assert run["tasks"]["check"]["output"] == "score: 90"
    assert {each["id"] for each in client.get("/api/v1/runs").json()["runs"]} == {"r", child}

    full = [*(f"r:{name}" for name in IN_THE_RUN), *(f"{child}:{name}" for name in WITHIN)]
    events = check_nothing_is_lost(daemon, full)
    assert sum(each["event"] == "task.repeated" for name in full for each in events[name]) == 2
    for moment, names in done:
        assert not names & {name for at, name, _ in answers.calls if at > moment}
    asked = Counter(name for _, name, _ in answers.calls)
    assert asked.keys() == (IN_THE_RUN | WITHIN) - {"chapter", "agree"}
    assert all(asked[name] >= 2 for name in HELD if name != "write"), (
        "swarm died with each of these under way"
    )
    check_money(daemon, run, answers.calls)


def check_money(daemon: RunningDaemon, run: dict[str, Any], calls: list[tuple[float, str, int]]) -> None:
    """Each call is booked once: at what the server counted, or as unsettled at no less."""
    with contextlib.closing(sqlite3.connect(daemon.root / ".swarm" / "state.db")) as connection:
        rows = connection.execute("SELECT task_id, state, booked FROM spend").fetchall()
    settled = Counter((name.partition(":")[2], booked) for name, state, booked in rows if state == "settled")
    counted = Counter((name, tokens) for _, name, tokens in calls)
    assert {state for _, state, _ in rows} <= {"settled", "unsettled"}
    assert settled <= counted
    assert len(rows) >= len(calls)
    unsettled = sum(booked for _, state, booked in rows if state == "unsettled")
    provider, spent = sum(tokens for _, _, tokens in calls), sum(booked for _, _, booked in rows)
    assert spent == run["cost_micros"]
    assert 0 < provider <= spent <= provider + unsettled
