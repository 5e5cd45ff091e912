"""Lines that the processes log about a task carry its id, and the id of its run."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon_log import JsonLines
from store.engine import SqliteEngine
from store.pulse import Pulse
from tests.integration.swarm_rig import Claiming, SwarmRig
from work_context import about, concerning


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("swarm"))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def told(stream: io.StringIO, word: str) -> dict[str, Any]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [each for each in found if word in each["message"]]
    return dict(line)


def test_swarm_names_the_task_it_executes_and_its_run(
    tmp_path: Path, lines: io.StringIO, monkeypatch
) -> None:
    def break_off(*_: object) -> None:
        raise RuntimeError("broken")

    with SwarmRig(tmp_path) as rig:
        monkeypatch.setattr(rig.swarm.executor._runner, "run", break_off)
        claim = rig.claim(id="t-2", command="echo 1", run_id="nightly")
        rig.cycle(claim)

    line = told(lines, "could not be executed")
    assert (line["task_id"], line["run_id"]) == ("t-2", "nightly")


def test_a_worker_names_the_task_whose_road_broke_off(tmp_path: Path, lines: io.StringIO) -> None:
    rig = Claiming(tmp_path)
    claim = rig.claim(id="t-1", command="echo 1", run_id="nightly")
    pulse = Pulse(rig.store.reader)
    engine = SqliteEngine(rig.store, pulse, rig.who, 1)

    def break_off(_: object) -> None:
        raise RuntimeError("broken")

    engine.adopt(claim, break_off)
    assert engine.drain(10.0) == []
    engine.close()
    rig.store.close()

    line = told(lines, "its road broke off")
    assert (line["task_id"], line["run_id"]) == ("t-1", "nightly")


def test_a_task_of_a_run_names_the_run_by_its_own_id() -> None:
    with concerning("r-1:step"):
        assert about() == {"task_id": "r-1:step", "run_id": "r-1"}
        with concerning("plain"):
            assert about() == {"task_id": "plain"}
    assert about() == {}
