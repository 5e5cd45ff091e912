"""Another program of the machine listens where swarm did, as soon as swarm has ended."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

pytestmark = pytest.mark.acceptance


class Thief:
    """Takes a port as soon as it is free, and keeps what is sent there."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._is_over = threading.Event()
        self.has_it = threading.Event()
        self.received = b""
        self._thread = threading.Thread(target=self._steal)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _steal(self) -> None:
        while not self._is_over.wait(0.001):
            with contextlib.suppress(OSError), socket.create_server(self._address) as listener:
                self.has_it.set()
                self._listen(listener)

    def _listen(self, listener: socket.socket) -> None:
        listener.settimeout(0.1)
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(1)
                    self.received += connection.recv(65536)


@pytest.fixture
def thief(daemon):
    made = Thief(daemon.swarm_port)
    yield made
    made.close()


def test_who_takes_the_port_of_a_killed_swarm_gets_no_token_and_decides_nothing(daemon, request):
    ids = [f"t{number}" for number in range(12)]
    for name in ids:
        daemon.skep("add", "--id", name, "--command", "sleep 1")
    daemon.start("--no-panel", "--concurrency", "2")
    daemon.wait_until(lambda tasks: tasks["t0"]["status"] == "in_progress", "one runs")
    thief = request.getfixturevalue("thief")

    daemon.kill("swarm")
    assert thief.has_it.wait(60)
    daemon.wait_for_word(f"Port {daemon.swarm_port} on")
    assert thief.received == b""

    thief.close()
    tasks = daemon.wait_for_ends(*ids)
    assert {task["status"] for task in tasks.values()} == {"approved"}
    assert daemon.skep("verify").returncode == 0
