"""A real swarm on a free port of this machine, with a store, a worker's claims and an HTTP client."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

import host_platform
from execution import markers
from runtime_contract import normalize_task
from settings import Home, Settings
from stopping import Stop
from store import claims, recording
from store.claims import Claimant
from store.lanes import Gate
from store.records import Claim, Intake, NewTask
from store.sqlite_store import SqliteStore
from swarm import Swarm
from testing.new_home import put_database
from testing.sandbox_here import sandbox_setting

NO_MODEL = "http://127.0.0.1:9"  # the discard port: nothing listens


class Claiming:
    """The worker's side of the store: tasks come in and are claimed."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.home = Home(root)
        self.home.workspace.mkdir(parents=True, exist_ok=True)
        plain = {"swarm_port": 0, "ollama_url": NO_MODEL, "stop_grace_s": 0.0, "sandbox": sandbox_setting()}
        self.settings = Settings.model_validate({**plain, **settings})
        self.store = SqliteStore(put_database(self.home), self.settings)
        self.who = Claimant("worker-test", host_platform.this_process(), self.settings.lease_s)
        self._numbers = itertools.count(1)

    def claim(self, **task: Any) -> Claim:
        """Submit a task and claim it, whatever the gate says of models."""
        task_id = self.submit(**task)
        taken = self.store.write(lambda tx: claims.claim(tx, self.who, 1, Gate(), self.store.limits))
        assert [row["id"] for row in taken] == [task_id]
        return Claim.from_row(taken[0])

    def claim_again(self, claim: Claim) -> Claim:
        """Put a claimed task back and claim it anew."""
        self.store.write(lambda tx: recording.hand_back(tx, claim.ref, "the test takes it back"))
        taken = self.store.write(lambda tx: claims.claim(tx, self.who, 1, Gate(), self.store.limits))
        assert [row["id"] for row in taken] == [claim.id]
        return Claim.from_row(taken[0])

    def submit(self, **task: Any) -> str:
        """Put a task into the store; its id."""
        task_id: str = task.pop("id", None) or f"task-{next(self._numbers)}"
        new = NewTask(*normalize_task({"id": task_id, **task}, self.settings.limits))
        self.store.submit(Intake([new]), "cli")
        return task_id

    def attempt(self, claim: Claim) -> Any:
        """The stored attempt of a claim."""
        row = self.store.reader.one("get_attempt", id=claim.id, lease=claim.ref.lease)
        assert row is not None
        return row

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [dict(row) for row in self.store.reader.events() if row["event"] == kind]


class SwarmRig(Claiming):
    """Everything a test needs to call ``/cycle`` as the worker does."""

    def __init__(self, root: Path, **settings: Any) -> None:
        super().__init__(root, **settings)
        self.stop = Stop()
        self.swarm = Swarm(self.home, self.settings, self.stop)
        self.thread = threading.Thread(target=self.swarm.run)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.swarm.is_listening.wait(20)
        self.client = self.new_client()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop.ask("the test is over")
        self.thread.join(30)
        self.store.close()
        assert not self.thread.is_alive()

    def new_client(self, **headers: str) -> httpx.Client:
        """A client with the token."""
        given = {"Authorization": f"Bearer {self.swarm.token}", **headers}
        base = f"http://127.0.0.1:{self.swarm.port}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        # Without TLS the certificates, which take long to load, need not be there.
        return httpx.Client(
            base_url=base, headers=given, trust_env=False, verify=False, timeout=60, limits=limits
        )

    def cycle(self, claim: Claim, **body: Any) -> httpx.Response:
        """Execute a claim as the worker does; `body` changes fields of the request, None leaves one out."""
        return self.client.post("/cycle", json=request_of(claim, **body))

    def cancel(self, claim: Claim) -> httpx.Response:
        """Stop what runs for a claim."""
        return self.client.post("/cancel", json={"task_id": claim.id, "lease": claim.ref.lease})

    def in_background(self, claim: Claim, **body: Any) -> Background:
        """Execute a claim in a thread of its own."""
        return Background(lambda: self.cycle(claim, **body))

    def commands(self) -> list[int]:
        """The processes that carry the mark of a command of this home."""
        return commands_of(self.home)


def commands_of(home: Home) -> list[int]:
    """The processes that carry the mark of a command of a home; a sandbox that waits for one is none."""
    mine, waiting = f":{markers.home_mark(home)}:", f":{markers.WAITING}"
    found = host_platform.processes_with_environment(f"{markers.VARIABLE}=")
    marked = [pid for pid, value in found if mine in value and not value.endswith(waiting)]
    return [pid for pid in marked if host_platform.process_start(pid) != -1]


def request_of(claim: Claim, **changes: Any) -> dict[str, Any]:
    """The body of ``/cycle`` for a claim."""
    task = claim.task
    body: dict[str, Any] = {"task_id": claim.id, "lease": claim.ref.lease, "mode": task.mode}
    body |= {"prompt": task.prompt, "command": task.command, "argv": task.argv, **changes}
    return {name: value for name, value in body.items() if value is not None}


class Background:
    """A call that is under way."""

    def __init__(self, call: Callable[[], httpx.Response]) -> None:
        self._answer: httpx.Response | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self._answer = self._call()

    def answer(self) -> httpx.Response:
        """Its answer, waited for."""
        self._thread.join(60)
        assert self._answer is not None
        return self._answer


def eventually(holds: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """Wait until something that no event tells holds; what it returned."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {within_s:g} s: {what}")
