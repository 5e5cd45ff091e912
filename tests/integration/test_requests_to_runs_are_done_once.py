"""What was asked of a run under an idempotency key is done once, though the answer or the daemon was lost."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest
from skep_client import Retries, Skep

from run_contract.errors import KeyUsed, TaskExists
from runs import request_keys
from store import run_keys, run_steering
from store.sqlite_store import SqliteStore
from testing.durable_runs import DurableRuns
from tests.integration.swarm_rig import SwarmRig, eventually

BASE = "/api/v1/runs"
ONE: dict[str, Any] = {"tasks": [{"id": "a", "prompt": "x"}], "open": True}
#: Of each request: its address, its body, and another body of the same kind (none: there is no other).
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("tasks", {"id": "b", "prompt": "y"}, {"id": "c", "prompt": "y"}),
    ("resume", {}, None),
    ("fork", {"task": "a", "prompt": "z"}, {"task": "a", "prompt": "zz"}),
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory):
    with SwarmRig(tmp_path_factory.mktemp("home"), llm_model="test-model") as opened:
        yield opened


@pytest.fixture
def run(rig: SwarmRig) -> str:
    return str(rig.client.post(BASE, json=ONE).json()["id"])


def made_ready(rig: SwarmRig, run: str, action: str) -> None:
    if action == "resume":
        rig.client.post(f"{BASE}/{run}/abort", json={})


@pytest.mark.parametrize(("action", "body", "other"), REQUESTS, ids=[each[0] for each in REQUESTS])
def test_the_same_request_under_the_same_key_is_done_once(
    rig: SwarmRig, run: str, action: str, body: dict[str, Any], other: dict[str, Any] | None
) -> None:
    made_ready(rig, run, action)
    headers = {"Idempotency-Key": f"{run}-{action}"}

    def send(said: dict[str, Any], to: str = f"{BASE}/{run}/{action}") -> httpx.Response:
        return rig.client.post(to, json=said, headers=headers)

    first, second = send(body), send(body)
    assert first.status_code < 300
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers.get("Location") == first.headers.get("Location")
    others = [send(ONE, BASE), *([] if other is None else [send(other)])]
    assert {(answer.status_code, answer.json()["code"]) for answer in others} == {(409, "key_used")}
    assert (
        rig.client.post(f"{BASE}/{run}/{action}", json=body, headers={"Idempotency-Key": "a b"}).json()[
            "path"
        ]
        == "Idempotency-Key"
    )


def test_a_refused_request_leaves_its_key_free(rig: SwarmRig, run: str) -> None:
    headers = {"Idempotency-Key": f"{run}-free"}
    refused = rig.client.post(f"{BASE}/{run}/resume", json={}, headers=headers)
    assert refused.json()["code"] == "run_completed"
    rig.client.post(f"{BASE}/{run}/abort", json={})

    assert rig.client.post(f"{BASE}/{run}/resume", json={}, headers=headers).json()["state"] == "running"


@pytest.mark.parametrize(("action", "body", "other"), REQUESTS, ids=[each[0] for each in REQUESTS])
def test_a_request_whose_answer_was_lost_with_the_connection_is_sent_again(
    rig: SwarmRig, run: str, action: str, body: dict[str, Any], other: object
) -> None:
    made_ready(rig, run, action)
    key = f"{run}-{action}-lost"
    said = json.dumps(body).encode()
    head = (
        f"POST {BASE}/{run}/{action} HTTP/1.1\r\nHost: 127.0.0.1:{rig.swarm.port}\r\n"
        f"Authorization: Bearer {rig.swarm.token}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(said)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", rig.swarm.port)) as sender:
        sender.sendall(head.encode() + said)
        eventually(lambda: rig.store.reader.one("run_by_key", key=key), "it is committed")

    before = len([*rig.store.reader.events()])
    again = rig.client.post(f"{BASE}/{run}/{action}", json=body, headers={"Idempotency-Key": key})
    assert again.status_code < 300
    assert len([*rig.store.reader.events()]) == before


class Losing(httpx.BaseTransport):
    """Loses the first answer to each request that changes something, after it came."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport(trust_env=False)
        self.lost: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        key = request.headers.get("Idempotency-Key")
        if key is not None and key not in self.lost:
            self.lost.add(key)
            answer.read()
            answer.close()
            raise httpx.ReadError("the connection broke")
        return answer

    def close(self) -> None:
        self._inner.close()


def test_the_client_sends_again_what_was_done_and_nothing_is_done_twice(rig: SwarmRig) -> None:
    transport = Losing()
    with Skep(rig.home.root, transport=transport, retries=Retries(base_s=0.001)) as skep:
        run = skep.start([{"id": "a", "prompt": "x"}], open=True)
        added = skep.add(run.id, {"id": "b", "prompt": "y"})
        skep.abort(run.id)
        resumed = skep.resume(run.id)
        fork = skep.fork(run.id, "a", {"prompt": "z"})

        assert (added.task_count, resumed.state, fork.forked_from) == (2, "running", run.id)
        assert [each.id for each in skep.list() if run.id in (each.id, each.forked_from)] == [fork.id, run.id]
    assert len(transport.lost) == 4


def test_key_and_work_are_durable_together_or_not_at_all(store: SqliteStore, who, home, settings) -> None:
    rig = DurableRuns(store, who, lambda name: "x")
    run = rig.start(tasks=[{"id": "a", "prompt": "x"}], open=True)
    key = request_keys.of_request("k", "close", run)

    def breaks(tx: Any) -> Any:
        run_steering.close(tx, run, "test")
        raise TaskExists("it broke off amid the transaction")

    with pytest.raises(TaskExists):
        store.write(lambda tx: run_keys.once(tx, key, breaks))
    assert run_keys.known(store.reader, key) is None
    assert store.reader.one("get_run", id=run)["is_open"] == 1  # type: ignore[index]

    store.write(lambda tx: run_keys.once(tx, key, lambda inner: run_steering.close(inner, run, "test")))
    store.close()  # the process ends before anybody was answered

    def never(tx: Any) -> Any:
        raise AssertionError("it was done already")

    with SqliteStore(home, settings) as again:
        row = again.write(lambda tx: run_keys.once(tx, key, never))
        assert (row["id"], row["is_open"]) == (run, 0)
        with pytest.raises(KeyUsed, match="a key of its own"):
            again.write(lambda tx: run_keys.once(tx, request_keys.of_request("k", "resume", run), never))
