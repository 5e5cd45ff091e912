"""The HTTP side of the scripted model server: reads requests, sends replies, breaks off where told."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from testing import model_wire
from testing.model_script import ModelRequest, Reply

_JSON = "application/json"
_STREAM = "text/event-stream"


class Scripted(Protocol):
    """Says what is answered."""

    #: the names that the lists of models have
    models: list[str]
    #: sent for the lists of models instead of the list
    models_reply: Reply | None
    #: set once nothing is answered any more
    closing: threading.Event

    def take(self, request: ModelRequest) -> Reply:
        """The answer to a request."""


class ModelHandler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ModelHttp

    @property
    def _model_server(self) -> Scripted:
        return self.server.model_server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The lists of models."""
        names, path = self._model_server.models, self.path.partition("?")[0]
        if self._model_server.models_reply is not None:
            self._send(self._request(b""), self._model_server.models_reply)
        elif path == "/v1/models":
            self._send_json(200, model_wire.model_list(names))
        elif path == "/api/tags":
            self._send_json(200, model_wire.tag_list(names))
        else:
            self._send_json(404, {"error": {"message": f"no such address: {path}"}})

    def do_POST(self) -> None:
        """A request for an answer."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path not in {"/v1/chat/completions", "/v1/messages"}:
            self._send_json(404, {"error": {"message": f"no such address: {self.path}"}})
            return
        request = self._request(raw)
        self._send(request, self._model_server.take(request))

    def _request(self, raw: bytes) -> ModelRequest:
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        return ModelRequest(self.command, self.path, headers, body, time.monotonic(), self.client_address[1])

    def _send(self, request: ModelRequest, reply: Reply) -> None:
        self._pause(reply.delay_s)
        self._wait(reply.hold)
        if reply.hang_up:
            self._break()
        elif reply.body is not None:
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self._send_body(reply, body, reply.content_type or _JSON)
        elif not 200 <= reply.status < 300:
            self._send_body(reply, json.dumps(model_wire.error(request, reply)).encode(), _JSON)
        elif request.stream and not reply.plain:
            self._send_stream(reply, model_wire.stream(request, reply))
        else:
            self._send_body(reply, json.dumps(model_wire.document(request, reply)).encode(), _JSON)

    def _send_json(self, status: int, document: Any) -> None:
        self._send_body(Reply(status=status), json.dumps(document).encode(), _JSON)

    def _send_body(self, reply: Reply, body: bytes, content_type: str) -> None:
        head = self._head(reply, content_type, f"Content-Length: {len(body)}")
        if reply.cut_after_chunks is not None:
            self.wfile.write(head + body[: len(body) // 2])
            self._break()
        elif reply.byte_delay_s:
            self.wfile.write(head)
            self._drip(body, reply.byte_delay_s)
        else:
            self.wfile.write(head + body)

    def _send_stream(self, reply: Reply, pieces: list[bytes]) -> None:
        head = self._head(reply, reply.content_type or _STREAM, "Transfer-Encoding: chunked")
        kept = pieces if reply.cut_after_chunks is None else pieces[: reply.cut_after_chunks]
        if reply.byte_delay_s:
            self.wfile.write(head)
            self._drip(b"".join(kept), reply.byte_delay_s, chunked=True)
        elif reply.chunk_delay_s or reply.hold_stream is not None:
            self.wfile.write(head)
            self._send_slowly(reply, kept)
        else:
            # In one write: a test server must not be what a measurement measures.
            self.wfile.write(head + b"".join(map(_chunk, kept)))
        if reply.cut_after_chunks is None:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._break()

    def _send_slowly(self, reply: Reply, pieces: list[bytes]) -> None:
        for number, piece in enumerate(pieces):
            if number == 2:
                self._wait(reply.hold_stream)
            self.wfile.write(_chunk(piece))
            self._pause(reply.chunk_delay_s)

    def _drip(self, body: bytes, delay_s: float, *, chunked: bool = False) -> None:
        for number in range(len(body)):
            byte = body[number : number + 1]
            self.wfile.write(_chunk(byte) if chunked else byte)
            self._pause(delay_s)

    def _head(self, reply: Reply, content_type: str, length: str) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} Scripted", f"Content-Type: {content_type}", length]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _pause(self, seconds: float) -> None:
        if seconds and self._model_server.closing.wait(seconds):
            raise ConnectionAbortedError

    def _wait(self, hold: threading.Event | None) -> None:
        if hold is not None:
            hold.wait()
            if self._model_server.closing.is_set():
                raise ConnectionAbortedError

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class ModelHttp(ThreadingHTTPServer):
    """A thread for each connection; `block_on_close` joins them, so no socket outlives the server."""

    daemon_threads = False
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], model_server: Scripted) -> None:
        self.model_server = model_server
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, ModelHandler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        with self._open_lock:
            self._open.add(request)
        try:
            if self.model_server.closing.is_set():
                # Accepted too late for `break_connections`.
                request.shutdown(socket.SHUT_RDWR)
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.discard(request)

    def break_connections(self) -> None:
        """Wake every thread that reads or writes."""
        with self._open_lock:
            for sock in self._open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of what is tested; anything else is a bug and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
