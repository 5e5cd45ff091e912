"""``/cycle`` over a Unix socket: for programs of the same user, out of reach of browsers and of the port."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from errors import LeaseLost, NotAuthenticated
from localhost.listening import SocketUnusable
from road.cycle_client import CycleClient, SwarmGone
from store.records import TaskRef
from testing.running_daemon import RunningDaemon
from tests.integration.swarm_rig import SwarmRig, request_of


def nobody() -> None:
    """No swarm says that it listens on a port."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SwarmRig]:
    with SwarmRig(tmp_path, swarm_socket=True) as rig:
        yield rig


@pytest.fixture
def by_socket(rig: SwarmRig) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(uds=str(rig.home.cycle_socket))
    headers = {"Authorization": f"Bearer {rig.swarm.token}"}
    with httpx.Client(base_url="http://localhost", transport=transport, headers=headers) as client:
        yield client


def test_a_task_runs_over_the_socket(rig: SwarmRig, by_socket: httpx.Client) -> None:
    answer = by_socket.post("/cycle", json=request_of(rig.claim(command="echo hello")))

    assert (answer.status_code, answer.json()["output"]) == (200, "hello\n")


@pytest.mark.parametrize("path", ["/cycle", "/cancel", "/plan"])
def test_the_port_answers_nothing_that_changes_something(rig: SwarmRig, path: str) -> None:
    claim = rig.claim(command="echo hello")

    answer = rig.client.post(path, json=request_of(claim))

    assert (answer.status_code, answer.json()["code"]) == (403, "socket_only")
    assert rig.attempt(claim)["swarm"] is None
    assert rig.client.get("/status").status_code == 200


def test_the_socket_is_a_private_file_and_goes_with_swarm(tmp_path: Path) -> None:
    with SwarmRig(tmp_path, swarm_socket=True) as rig:
        path = rig.home.cycle_socket
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer guess"}, 401),
        ({"Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"X-Forwarded-For": "127.0.0.1"}, 400),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_everything_else_is_asked_for_as_on_the_port(
    by_socket: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert by_socket.post("/cycle", content="{}", headers=headers).status_code == status


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_another_user_who_gets_at_the_socket_is_refused(rig: SwarmRig, tmp_path: Path) -> None:
    """As if every mode on the way were wrong, and the token were known."""
    where = rig.home.cycle_socket
    opened = [each for each in where.parents if each.is_relative_to("/tmp") and each != Path("/tmp")]
    before = {path: path.stat().st_mode for path in (*opened, where)}
    code = textwrap.dedent(f"""
        import os, socket
        os.setgid(65534), os.setuid(65534)
        caller = socket.socket(socket.AF_UNIX)
        caller.connect({str(where)!r})
        caller.sendall(b"GET /status HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        print(caller.makefile("rb").read().decode())
    """)
    try:
        for path in before:
            path.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    finally:
        for path, mode in before.items():
            path.chmod(stat.S_IMODE(mode))

    assert done.stdout.startswith("HTTP/1.1 403"), done.stderr
    assert "Only programs of the same user" in done.stdout


def test_the_worker_calls_by_the_socket_and_never_by_the_port(rig: SwarmRig) -> None:
    client = CycleClient(nobody, rig.home.token, rig.home.cycle_socket)

    outcome = client.cycle(request_of(rig.claim(command="echo hello")), 10.0)

    assert outcome.output == "hello\n"
    with pytest.raises(LeaseLost):
        client.cancel(TaskRef("nobody", 1))
    client.close()


# httpcore leaves a socket that could not connect to the garbage collector, which closes it and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_swarm_that_is_gone_is_noticed(rig: SwarmRig, tmp_path: Path) -> None:
    client = CycleClient(nobody, rig.home.token, tmp_path / "gone.sock")

    with pytest.raises(SwarmGone):
        client.cancel(TaskRef("x", 1))
    client.close()


def test_a_token_that_others_could_have_read_is_not_sent(rig: SwarmRig) -> None:
    rig.home.token.chmod(0o644)
    client = CycleClient(nobody, rig.home.token, rig.home.cycle_socket)

    with pytest.raises(Exception, match="not a plain file of yours alone"):
        client.cancel(TaskRef("x", 1))
    client.close()


def test_a_wrong_token_is_told_after_a_second_look(rig: SwarmRig) -> None:
    rig.home.token.write_text("guess")
    client = CycleClient(nobody, rig.home.token, rig.home.cycle_socket)

    with pytest.raises(NotAuthenticated):
        client.cancel(TaskRef("x", 1))
    client.close()


def test_a_home_whose_path_is_too_long_is_told_at_the_start(tmp_path: Path) -> None:
    deep = tmp_path / ("long-" * 20)
    rig = SwarmRig(deep, swarm_socket=True)

    with pytest.raises(SocketUnusable, match="swarm_socket = false"):
        rig.swarm.run()
    rig.store.close()


@pytest.mark.acceptance
def test_a_whole_daemon_works_over_its_socket(tmp_path_factory: pytest.TempPathFactory) -> None:
    daemon = RunningDaemon(tmp_path_factory.mktemp("h"), SKEP_SWARM_SOCKET="true")
    try:
        daemon.start("--no-panel")
        daemon.add_to_queue({"id": "hello", "command": "echo hello"})

        assert daemon.wait_for_ends("hello")["hello"]["status"] == "approved"
        answer = httpx.post(f"http://127.0.0.1:{daemon.swarm_port}/cycle", json={}, trust_env=False)
        assert answer.json()["code"] == "socket_only"
        assert daemon.stop() == 0
        assert not (daemon.root / ".swarm" / "cycle.sock").exists()
    finally:
        daemon.kill_everything()
