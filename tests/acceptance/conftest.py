"""A daemon that is to be killed, a model server that sees every call, and a panel in a browser."""

from __future__ import annotations

import contextlib

import pytest

from settings import Home
from testing.running_daemon import RunningDaemon
from tests.acceptance.witness import ModelWitness
from tests.unit.panel.in_a_browser import RunningPanel, visiting


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


@pytest.fixture
def panel(tmp_path):
    """A panel over an empty home."""
    with RunningPanel(Home(tmp_path)) as running:
        yield running


@pytest.fixture
def context(chromium):
    """A browser of its own, with no cookie."""
    with contextlib.closing(chromium.new_context()) as context:
        yield context


@pytest.fixture
def page(context, panel):
    """The first page, of a person who has logged in."""
    with visiting(context, panel) as page:
        yield page
