"""What tests of whole rooms share: a model server, its client, swarm beside it, a home that has worked."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from skep_client import Skep

import llm.pool
from llm import ChatClient
from testing.clock import FakeClock
from testing.model_client import client_for
from testing.model_server import ModelServer
from tests.integration.client_rig import Blocking, Gate
from tests.integration.swarm_rig import SwarmRig
from tests.integration.worker_rig import PRICED, WorkerRig
from tests.unit.queue_file.keeping import Keeping, begun
from tests.unit.store_recovery.worked_home import WorkedHome


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    """A home with the keeper of its queue file."""
    with begun(tmp_path) as made:
        yield made


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model server that a test scripts."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def model(server: ModelServer) -> ModelServer:
    """The same, where it is the model of something else."""
    return server


@pytest.fixture
def configured(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    """A model server that the environment names, with a key and a model."""
    monkeypatch.setenv("SKEP_LLM_BASE_URL", server.url)
    monkeypatch.setenv("SKEP_LLM_MODEL", "big")
    monkeypatch.setenv("SKEP_LLM_API_KEY", "key-of-the-test")
    return server


@pytest.fixture(params=["openai", "anthropic"])
def client(server: ModelServer, request: pytest.FixtureRequest) -> Iterator[ChatClient]:
    """A client of the model server, in either protocol."""
    with contextlib.closing(client_for(server.url, request.param)) as client:
        yield client


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer) -> Iterator[SwarmRig]:
    """Swarm, with the model server as its model."""
    with SwarmRig(tmp_path, llm_base_url=model.url, llm_model="test-model") as rig:
        yield rig


@pytest.fixture
def worked(tmp_path: Path, clock: FakeClock) -> Iterator[WorkedHome]:
    """A home on which all kinds of things happened, with its log and queue file up to date."""
    home = WorkedHome(tmp_path / "home", clock).open()
    home.do("done-early")
    home.add("later", not_before=clock.now() + 3600)
    home.add("child", depends_on=["parent"], priority=-5)
    home.add("parent", prompt="think", priority=5)
    yield home
    if home.store is not None:
        home.close()


@pytest.fixture(scope="module")
def models(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    """A model server that answers all tests of a module, as its function `answer` says, where it has one."""
    with ModelServer() as server:
        server.answer = getattr(request.module, "answer", None)
        yield server


@pytest.fixture(scope="module")
def working(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, models: ModelServer
) -> Iterator[WorkerRig]:
    """A swarm and a worker that do what all tests of a module submit; its `SETTINGS` come first."""
    settings = PRICED | getattr(request.module, "SETTINGS", {})
    with WorkerRig(tmp_path_factory.mktemp("home"), llm_base_url=models.url, **settings) as opened:
        yield opened


@pytest.fixture(params=["sync", "async"])
def skep(working: WorkerRig, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of the home, once `Skep` and once `AsyncSkep`."""
    with Skep(working.home.root) if request.param == "sync" else Blocking(working.home.root) as opened:
        yield opened


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Opens the way for answers to prompts that say Wait."""
    opened = threading.Event()
    monkeypatch.setattr(Gate, "opened", opened)
    yield opened
    opened.set()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The key and the certificate of models.test and of this machine."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=models.test",
         "-addext", "subjectAltName=DNS:models.test,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let model calls trust the certificate."""
    monkeypatch.setattr(llm.pool, "_tls_context", lambda: ssl.create_default_context(cafile=certificate[1]))
