"""The descriptions at ``/openapi.json`` are true: schemathesis asks what they allow and what they forbid.

It makes requests of each description, sends them to a real panel and a real swarm, and holds the answers to
it: what is allowed is taken, what is forbidden is refused, and an answer has the shape that was told. Rules
that JSON Schema cannot say stand beside this, in ``described/``, each with its route.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from execution import token
from settings import Home
from testing.model_server import ModelServer
from testing.new_home import put_database
from tests.integration.swarm_rig import SwarmRig
from tests.unit.panel.furnish import furnish, furnish_money, furnish_run
from tests.unit.panel.furnish_runs import ANSWERS, RunFurnisher, compare_request
from tests.unit.panel.in_a_browser import RunningPanel

# Each asks thousands of times, by patterns that take long to be turned into texts.
pytestmark = pytest.mark.timeout(400)

_HERE = Path(__file__).parent / "described"
_READS = ("--include-method", "GET")
_CHANGES = ("--exclude-method", "GET")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A panel over a home with tasks, runs, decisions and money; its description and its token."""
    home = put_database(Home(tmp_path_factory.mktemp("home")))
    secret = token.new()
    token.write(home.token, secret)
    with RunningPanel(home) as running:
        runs = RunFurnisher(running.store, home)
        runs.start(**compare_request(id="compare-1"))
        runs.go(ANSWERS.__getitem__)
        runs.start(**compare_request(id="compare-2"))
        furnish(running.store)
        furnish_run(running.store)
        furnish_money(running.store)
        yield f"{running.url}/api/v1/openapi.json", secret


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A swarm with a model, a task that was executed, one that is claimed, and a run that goes on."""
    root = tmp_path_factory.mktemp("swarm")
    with ModelServer() as model, SwarmRig(root, llm_base_url=model.url, llm_model="test-model") as rig:
        rig.cycle(rig.claim(prompt="say it"))
        rig.claim(command="git status")
        rig.client.post(
            "/api/v1/runs", json={"id": "r1", "open": True, "tasks": [{"id": "A", "prompt": "one"}]}
        )
        assert rig.store.claim(rig.who, 1)  # its output can be followed
        yield f"http://127.0.0.1:{rig.swarm.port}/openapi.json", rig.swarm.token


def check(named: str, served: tuple[str, str], folder: Path, *options: str) -> None:
    """Let schemathesis ask; it tells what differs, with a request that shows it."""
    url, secret = served
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(_HERE / f"{named}.toml"),
        "run",
        url,
    ]
    command += ["--header", f"Authorization: Bearer {secret}", "--seed", "1", "--max-examples", "2"]
    command += ["--phases", "coverage,fuzzing", "--generation-database", "none", "--no-color", *options]
    hooks = {"SCHEMATHESIS_HOOKS": str(_HERE / "hooks.py")}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | hooks, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


def test_what_the_panel_is_asked_to_tell_is_as_described(panel: tuple[str, str], tmp_path: Path) -> None:
    check("panel", panel, tmp_path, *_READS)


def test_what_the_panel_is_asked_to_change_is_as_described(panel: tuple[str, str], tmp_path: Path) -> None:
    check("panel", panel, tmp_path, *_CHANGES)


def test_what_swarm_is_asked_is_as_described(swarm: tuple[str, str], tmp_path: Path) -> None:
    check("swarm", swarm, tmp_path)
