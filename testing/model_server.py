"""A model server on loopback that says what a test wants, over real sockets in the real wire formats.

It speaks ``/v1/chat/completions`` (plain and streamed), ``/v1/messages`` (Anthropic, plain and streamed),
``/v1/models`` and ``/api/tags``. What it answers comes from the first of: the replies queued by `reply_with`,
the function `answer`, the markers in the prompt (see `testing.model_script`), the default reply.

In a test::

    with ModelServer() as server:
        server.reply_with(Reply(text="hello"))
        ...  # llm_base_url = server.url
        server.wait_for_requests(1)

As a process of its own, ``python -m testing.model_server --port 0 --log calls.jsonl``: the first line on
standard output is the base URL; each request for an answer adds a JSON line to the log when it arrives
(``at`` Unix seconds, ``path``, ``model``, ``stream``, ``prompt``, ``status``). See ``--help`` for the rest.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from testing.model_http import ModelHttp
from testing.model_script import Markers, ModelRequest, Reply

__all__ = ["ModelRequest", "ModelServer", "Reply"]


class ModelServer:
    """The server; use it as a context manager.

    Parameters:
        default: the reply where nothing else says one.
        models: the names that ``/v1/models`` lists.
        port: 0 picks a free one.
    """

    def __init__(
        self, default: Reply | None = None, models: Iterable[str] = ("test-model",), port: int = 0
    ) -> None:
        self.default = default or Reply()
        self.models = list(models)
        #: sent for the lists of models instead of the list
        self.models_reply: Reply | None = None
        #: called for each request for an answer, where no reply is queued
        self.answer: Callable[[ModelRequest], Reply] | None = None
        #: called with each request for an answer and its reply, before it is sent
        self.on_request: Callable[[ModelRequest, Reply], None] | None = None
        #: set when the server closes: whatever waits, stops waiting
        self.closing = threading.Event()
        self._markers = Markers()
        self._queued: collections.deque[Reply] = collections.deque()
        self._requests: list[ModelRequest] = []
        self._holds: set[threading.Event] = set()
        self._changed = threading.Condition()
        self._http = ModelHttp(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            # Seconds between looks for the end: a suite starts and ends hundreds of servers.
            target=self._http.serve_forever,
            args=(0.02,),
            name="model-server",
            daemon=True,
        )

    @property
    def url(self) -> str:
        """The base URL, with the version part."""
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        """The base URL without the version part, as Ollama's is given."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def requests(self) -> list[ModelRequest]:
        """Every request for an answer so far, in the order of arrival."""
        with self._changed:
            return list(self._requests)

    def reply_with(self, *replies: Reply) -> None:
        """Queue replies: each answers one request."""
        with self._changed:
            self._queued.extend(replies)

    def wait_for_requests(self, count: int, timeout_s: float = 10.0) -> list[ModelRequest]:
        """Wait until `count` requests for an answer have come. Raises `TimeoutError`."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= count, timeout_s):
                raise TimeoutError(f"{len(self._requests)} of {count} requests came within {timeout_s:g} s")
            return list(self._requests)

    def take(self, request: ModelRequest) -> Reply:
        """Record a request and choose its reply; for the handler."""
        with self._changed:
            self._requests.append(request)
            queued = self._queued.popleft() if self._queued else None
            self._changed.notify_all()
        reply = queued or self._scripted(request)
        with self._changed:
            self._holds.update(reply.holds)
        if self.closing.is_set():
            self._release()
        if self.on_request is not None:
            self.on_request(request, reply)
        return reply

    def _scripted(self, request: ModelRequest) -> Reply:
        if self.answer is not None:
            return self.answer(request)
        return self._markers.reply(request.prompt, self.default)

    def _release(self) -> None:
        with self._changed:
            for hold in self._holds:
                hold.set()

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Break every connection, end every thread. A second time does nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._release()
        self._http.shutdown()
        self._http.break_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CallLog:
    """The log of a server that is a process of its own."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def record(self, request: ModelRequest, reply: Reply) -> None:
        """Add one line, in one write, so that a reader never sees half of one."""
        line = {
            "at": time.time(),
            "path": request.path,
            "model": (request.body or {}).get("model") if isinstance(request.body, dict) else None,
            "stream": request.stream,
            "prompt": request.prompt,
            "status": reply.status,
        }
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _options(arguments)
    default = Reply(
        text=options.text, delay_s=options.delay_ms / 1000, chunk_delay_s=options.chunk_delay_ms / 1000
    )
    server = ModelServer(default, options.models.split(","), options.port)
    if options.log:
        server.on_request = CallLog(options.log).record
    if options.fail_every:
        server.answer = _failing(options.fail_every, default)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testing.model_server", description="A scripted model server."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--delay-ms", type=float, default=0, help="milliseconds before an answer begins")
    parser.add_argument(
        "--chunk-delay-ms", type=float, default=0, help="milliseconds between pieces of a stream"
    )
    parser.add_argument("--text", default="ok", help="the text of an answer")
    parser.add_argument("--fail-every", type=int, default=0, metavar="N", help="every Nth answer is a 500")
    parser.add_argument("--models", default="test-model", help="names of the models, separated by commas")
    parser.add_argument("--log", help="file that gets a JSON line for each request")
    return parser.parse_args(arguments)


def _failing(every: int, default: Reply) -> Callable[[ModelRequest], Reply]:
    """Markers as always, and a 500 for each request whose number `every` divides."""
    markers, numbers = Markers(), itertools.count(1)

    def answer(request: ModelRequest) -> Reply:
        reply = markers.reply(request.prompt, default)
        fails = next(numbers) % every == 0
        return replace(reply, status=500, text="the test wants it so") if fails else reply

    return answer


if __name__ == "__main__":
    main()
