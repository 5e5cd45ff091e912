"""A daemon that is to be killed, and a model server outside of it that sees every call."""

from __future__ import annotations

import pytest

from testing.running_daemon import RunningDaemon
from tests.acceptance.witness import ModelWitness


@pytest.fixture
def model(tmp_path):
    witness = ModelWitness(tmp_path, "--text", "done", "--delay-ms", "30")
    yield witness
    witness.close()


@pytest.fixture
def daemon(tmp_path, model):
    running = RunningDaemon(
        tmp_path / "home",
        SKEP_LLM_BASE_URL=model.url,
        SKEP_LLM_MODEL="m",
        SKEP_PROJECT_INTERVAL_S="0.1",
        SKEP_PROJECT_QUIET_S="0.02",
        SKEP_LOG_LEVEL="warning",
    )
    yield running
    running.kill_everything()
