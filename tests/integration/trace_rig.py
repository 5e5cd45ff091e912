"""A home whose tasks run and whose traces are followed, with the spans that came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from store.records import Claim
from telemetry.follower import Follower
from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.road_rig import RoadRig

PROMPT = "the words of the prompt"
ANSWER = "the words of the answer"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        server.reply_with(Reply(text=ANSWER))
        yield server


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer) -> Iterator[RoadRig]:
    base = {"llm_base_url": model.url, "llm_model": "test-model", "llm_price_input": 1, "llm_price_output": 2}
    with RoadRig(tmp_path / "home", **base) as opened:
        yield opened


@pytest.fixture
def follow(rig: RoadRig) -> Iterator[Callable[..., Follower]]:
    made: list[Follower] = []

    def start(environ: dict[str, str] | None = None, **settings: Any) -> Follower:
        rig.home.traces.mkdir(exist_ok=True)
        changed = rig.settings.model_copy(update=settings)
        follower = Follower(rig.home, changed, rig.store.reader, environ or {}, "1.0")
        follower.take_up()
        if follower.sender is not None:
            follower.sender.start()
        made.append(follower)
        return follower

    yield start
    for each in made:
        if each.sender is not None:
            each.sender.close()


def spans(rig: RoadRig) -> list[dict[str, Any]]:
    """Every span in the file, with its attributes as plain values."""
    found = []
    for line in (rig.home.traces / "spans.jsonl").read_text("utf-8").splitlines():
        (resource,) = json.loads(line)["resourceSpans"]
        for span in resource["scopeSpans"][0]["spans"]:
            plain = {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}
            found.append(span | {"attributes": plain})
    return found


def named(rig: RoadRig, name: str) -> dict[str, Any]:
    (found,) = [span for span in spans(rig) if span["name"] == name]
    return found


def walk(rig: RoadRig) -> Claim:
    claim = rig.reclaim()
    rig.road().walk(claim)
    return claim
