"""What most tests need: a home, a store on it with a clock the test turns, and someone to claim."""

from __future__ import annotations

import gc
from pathlib import Path

import hypothesis
import pytest

import host_platform
from redaction import KNOWN
from settings import Home, Settings
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.model_server import ModelServer
from testing.new_home import put_database
from testing.running_daemon import RunningDaemon

#: An example may take long on a machine that has other things to do: nothing here is timed.
hypothesis.settings.register_profile("skep", deadline=None)
hypothesis.settings.load_profile("skep")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: it need not be walked at each search for cycles of objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_secrets_known():
    """What one test's settings held of secrets is no secret in the next."""
    yield
    KNOWN.forget()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "workspace").mkdir()
    return Home(tmp_path)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def store(home: Home, settings: Settings, clock: FakeClock):
    with SqliteStore(put_database(home), settings, clock) as opened:
        yield opened


@pytest.fixture
def who(settings: Settings) -> Claimant:
    return Claimant("worker-test", host_platform.this_process(), settings.lease_s)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, model: ModelServer):
    """A daemon that runs while a module's tests do; the module says what its `model` answers."""
    running = RunningDaemon(tmp_path_factory.mktemp("home"), SKEP_LLM_BASE_URL=model.url, SKEP_LLM_MODEL="m")
    running.start()
    yield running
    running.stop()
