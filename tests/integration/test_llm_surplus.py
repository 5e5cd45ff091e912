"""What a server sends beyond an answer is nobody's answer: a connection that holds it is not used again."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from llm.contracts import ChatClient
from testing.model_client import ask, client_for


def streamed(text: str) -> bytes:
    """A whole HTTP answer, as a chat completion in a stream."""
    chunks = [{"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}]
    body = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in chunks) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class Overeager:
    """A server that sends `surplus` behind its first answer on each connection, in the same write."""

    def __init__(self, surplus: bytes) -> None:
        self._surplus = surplus
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed when the test is over
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        surplus, heard = self._surplus, b""
        while data := connection.recv(65_536):
            heard += data
            found = re.search(rb"\[(\w+)\][^\[]*\}\Z", heard)
            if found is not None:
                connection.sendall(streamed(f"answer to {found[1].decode()}") + surplus)
                surplus, heard = b"", b""

    def close(self) -> None:
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):  # its client hung up
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def answers(request: pytest.FixtureRequest) -> Iterator[tuple[ChatClient, Overeager]]:
    server = Overeager(request.param)
    client = client_for(server.url)
    yield client, server
    client.close()
    server.close()


@pytest.mark.parametrize(
    "answers",
    [streamed("SMUGGLED before it was asked"), b"HTTP/1.1 200 OK\r\n", b"x"],
    indirect=True,
    ids=["a whole answer", "the beginning of one", "a byte"],
)
def test_who_asks_next_is_not_told_what_came_behind_the_last_answer(answers) -> None:
    client, server = answers
    for name in ("alpha", "beta", "gamma"):
        assert ask(client, f"who is [{name}]").text == f"answer to {name}"
    assert server.connections == 3


@pytest.mark.parametrize("answers", [b""], indirect=True)
def test_a_connection_that_holds_nothing_more_is_kept(answers) -> None:
    client, server = answers
    for name in ("alpha", "beta"):
        assert ask(client, f"who is [{name}]").text == f"answer to {name}"
    assert server.connections == 1
