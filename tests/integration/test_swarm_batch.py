"""A batch of ``/cycle`` calls: each as if it had come alone, answered as it ends."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.swarm_rig import SwarmRig, request_of


@pytest.fixture
def model():
    with ModelServer() as server:
        yield server


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer):
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="test-model") as rig:
        yield rig


def send(rig: SwarmRig, *requests: Any) -> dict[str, dict[str, Any]]:
    """The lines by task."""
    answer = rig.client.post("/cycle", json={"batch": list(requests)})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return {line["task_id"]: line for line in map(json.loads, answer.text.splitlines())}


def test_each_item_is_answered_as_if_it_had_come_alone(rig: SwarmRig) -> None:
    good, bad, wrong = rig.claim(command="echo hi"), rig.claim(command="curl x"), rig.claim(command="true")

    lines = send(
        rig,
        request_of(good),
        request_of(bad),
        request_of(wrong, lease=7),
        {"task_id": "nobody", "surprise": 1},
    )

    assert (lines[good.id]["status"], lines[good.id]["output"]) == ("completed", "hi\n")
    assert (lines[bad.id]["code"], lines[bad.id]["lease"]) == ("not_allowed", 1)
    assert lines[bad.id]["safety_report"]["passed"] is False
    assert (lines[wrong.id]["code"], lines[wrong.id]["lease"]) == ("lease_lost", 7)
    assert lines["nobody"]["code"] == "invalid_request"
    assert rig.cycle(good).json() == lines[good.id]


def test_a_slow_item_does_not_hold_up_the_line_of_a_quick_one(rig: SwarmRig, model: ModelServer) -> None:
    release = threading.Event()
    model.reply_with(Reply(hold=release))
    slow, quick = rig.claim(prompt="slow"), rig.claim(command="true")
    body = {"batch": [request_of(slow), request_of(quick)]}

    with rig.client.stream("POST", "/cycle", json=body) as answer:
        lines = answer.iter_lines()
        first = json.loads(next(lines))
        release.set()
        second = json.loads(next(lines))

    assert [first["task_id"], second["task_id"]] == [quick.id, slow.id]


@pytest.mark.parametrize("body", [{"batch": []}, {"batch": {}}, {"batch": [1]}, {"batch": [{}] * 513}])
def test_what_is_no_batch_is_refused(rig: SwarmRig, body: dict) -> None:
    answer = rig.client.post("/cycle", json=body)

    assert (answer.status_code, answer.json()["path"]) == (400, "batch")


def test_a_batch_needs_the_token(rig: SwarmRig) -> None:
    answer = rig.client.post("/cycle", json={"batch": [{}]}, headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401
