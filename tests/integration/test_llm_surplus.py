"""What a server sends beyond an answer is nobody's answer: a connection that holds it is not used again."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm.contracts import ChatClient
from testing.model_client import ask, client_for


def streamed(text: str) -> bytes:
    """A whole HTTP answer, as a chat completion in a stream."""
    chunks = [{"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}]
    body = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in chunks) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class Records:
    """A server's side of TLS, which sends many records in one write."""

    def __init__(self, connection: socket.socket, certificate: tuple[Path, Path]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[1], certificate[0])
        self._connection = connection
        self._come, self._go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._go, server_side=True)
        self._wait_for(self._tls.do_handshake)

    def recv(self, most: int) -> bytes:
        """What the client says next; nothing at the end."""
        with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return self._wait_for(lambda: self._tls.read(most))
        return b""

    def send(self, *records: bytes) -> None:
        """Send each as a record of its own."""
        for record in filter(None, records):
            self._tls.write(record)
        self._connection.sendall(self._go.read())

    def _wait_for(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._connection.sendall(self._go.read())
                data = self._connection.recv(65_536)
                if data:
                    self._come.write(data)
                else:
                    self._come.write_eof()
            else:
                self._connection.sendall(self._go.read())
                return result


class Plain:
    """A server's side of a connection without TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self.recv = connection.recv
        self._connection = connection

    def send(self, *pieces: bytes) -> None:
        """Send all in one write."""
        self._connection.sendall(b"".join(pieces))


class Overeager:
    """A server that sends `surplus` behind its first answer on each connection, in the same write.

    Over TLS that is a record of its own.
    """

    def __init__(self, surplus: bytes, certificate: tuple[Path, Path] | None = None) -> None:
        self._surplus = surplus
        self._certificate = certificate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'http' if self._certificate is None else 'https'}://127.0.0.1:{self._listener.getsockname()[1]}/v1"

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
            self._answer(
                Plain(connection) if self._certificate is None else Records(connection, self._certificate)
            )

    def _answer(self, client: Plain | Records) -> None:
        surplus, heard = self._surplus, b""
        while data := client.recv(65_536):
            heard += data
            found = re.search(rb"\[(\w+)\][^\[]*\}\Z", heard)
            if found is not None:
                client.send(streamed(f"answer to {found[1].decode()}"), surplus)
                surplus, heard = b"", b""

    def close(self) -> None:
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):  # its client hung up
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture(params=["http", "https"])
def certified(request: pytest.FixtureRequest) -> tuple[Path, Path] | None:
    """The certificate of a server that speaks TLS; none of one that does not."""
    if request.param == "http":
        return None
    request.getfixturevalue("trusted")
    return request.getfixturevalue("certificate")


@pytest.fixture
def answers(
    request: pytest.FixtureRequest, certified: tuple[Path, Path] | None
) -> Iterator[tuple[ChatClient, Overeager]]:
    server = Overeager(request.param, certified)
    client = client_for(server.url)
    yield client, server
    client.close()
    server.close()


@pytest.mark.parametrize(
    "answers",
    [streamed("SMUGGLED before it was asked"), b"HTTP/1.1 200 OK\r\n", b"x", b"\r\n"],
    indirect=True,
    ids=["a whole answer", "the beginning of one", "a byte", "a line break"],
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
