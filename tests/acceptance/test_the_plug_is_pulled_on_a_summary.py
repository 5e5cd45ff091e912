"""kill -9 while a fallback model summarises: neither whose turn it is nor the money is forgotten."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from testing.model_server import ModelRequest, ModelServer, Reply
from testing.running_daemon import RunningDaemon

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

LONG = "All bees are called Maja. " * 40
MODELS = """
[[model]]
name = "own"
input = 1
output = 1

[[model]]
name = "second"
input = 1
output = 1
"""
RUN: dict[str, Any] = {
    "id": "r",
    "policy": {"fallbacks": {"own": ["second"]}, "retry": {"max_attempts": 1}},
    "tasks": [
        {"id": "one", "prompt": "first"},
        {"id": "two", "prompt": "second"},
        {
            "id": "end",
            "prompt": "Who are they?",
            "deps": ["one", "two"],
            "context": {"max_tokens": 300, "strategy": "summarise"},
        },
    ],
}


def model_of(request: ModelRequest) -> str:
    return str(request.body["model"])


def is_summary(request: ModelRequest) -> bool:
    return "Give a summary of these texts" in request.prompt


class Answers:
    """The own model fails the last task; the first summary that the other one is asked for never ends."""

    def __init__(self) -> None:
        self.hangs = threading.Event()
        self._never = threading.Event()

    def __call__(self, request: ModelRequest) -> Reply:
        if is_summary(request):
            if model_of(request) == "second" and not self.hangs.is_set():
                self.hangs.set()
                return Reply(hold=self._never)
            return Reply(text="They are called Maja.")
        if "Who are they?" in request.prompt:
            return Reply(status=500) if model_of(request) == "own" else Reply(text="Maja.")
        return Reply(text=LONG)


@pytest.fixture
def model():
    with ModelServer(models=("own", "second")) as server:
        server.answer = Answers()
        yield server


@pytest.fixture
def home(tmp_path, model):
    running = RunningDaemon(
        tmp_path / "home", SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="own", SKEP_LLM_MAX_TOKENS="1000"
    )
    (running.root / "config").mkdir(exist_ok=True)
    (running.root / "config" / "models.toml").write_text(MODELS)
    running.start("--no-panel")
    yield running
    running.kill_everything()


def test_a_crash_forgets_neither_the_model_nor_the_money(home, model, tmp_path) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(RUN))
    assert home.skep("run", "start", str(file)).returncode == 0
    assert model.answer.hangs.wait(60)
    home.kill_everything()
    home.start("--no-panel")
    home.client().close()  # it is up: who watches a run must not come before

    assert home.skep("run", "watch", "r").returncode == 0
    run = json.loads(home.skep("run", "show", "r", "--json").stdout)
    end = run["tasks"]["end"]
    assert (end["state"], end["model"], end["output"]) == ("completed", "second", "Maja.")
    asked = [(model_of(request), is_summary(request)) for request in model.requests if told(request)]
    assert asked == [("own", True), ("own", False), ("second", True), ("second", True), ("second", False)]
    booked = [event for event in home.events("r:end") if event["event"] == "budget.settled"]
    lost = [event["cost_micros"] for event in booked if event.get("unsettled")]
    assert len(lost) == 2, "the own model's failure, and the call that nobody heard the end of"
    assert run["cost_micros"] > sum(lost) > 1_000
    fallbacks = [event for event in home.events("r:end") if event["event"] == "task.fallback"]
    assert [event["model"] for event in fallbacks] == ["second"]


def told(request: ModelRequest) -> bool:
    return is_summary(request) or "Who are they?" in request.prompt
