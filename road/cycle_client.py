"""The worker's side of ``/cycle``: calls that wait together travel together, over kept-alive connections.

An HTTP request costs more than recording a task, so calls that come within a moment go as one batch, and each
caller gets its own answer as soon as its line arrives. What came of a call is never guessed from the
connection: when it breaks, the caller looks at what the store knows of the lease.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

import errors
from outcome import Outcome
from store.records import TaskRef

#: Seconds beyond a task's own time limit after which a call is given up; swarm keeps the limit itself.
PATIENCE_S: Final = 60.0
QUICK_S: Final = 5.0
#: Seconds a call waits for company while others are on their way. Alone, it goes at once.
LINGER_S: Final = 0.002
MOST_IN_A_BATCH: Final = 64


Headers = dict[str, str]


class SwarmGone(Exception):
    """The connection to swarm could not be made or broke; what it did is in the store."""


@dataclass
class _Call:
    request: dict[str, Any]
    time_limit_s: float
    answer: Future[Outcome] = field(default_factory=Future)

    @property
    def lease(self) -> tuple[str, int]:
        return self.request["task_id"], self.request["lease"]


class CycleClient:
    """Calls one swarm. Safe to use from every thread.

    Parameters:
        port: where swarm listens on 127.0.0.1.
        token_file: holds the execution token; read again when swarm refuses the one that is known.
        most_at_once: calls that may be under way together.
    """

    def __init__(self, port: int, token_file: Path, most_at_once: int) -> None:
        self._token_file = token_file
        self._headers: Headers | None = None
        most = most_at_once + 8
        self._base = f"http://127.0.0.1:{port}"
        self._local = threading.local()
        self._transports: list[httpx.HTTPTransport] = []
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._under_way = 0
        self._mutex = threading.Lock()
        self._streams = ThreadPoolExecutor(most, thread_name_prefix="cycle")
        self._sender = threading.Thread(target=self._send_batches, name="cycle-sender", daemon=True)
        self._sender.start()

    def cycle(self, request: dict[str, Any], time_limit_s: float) -> Outcome:
        """Execute a lease and wait for its outcome.

        Raises `SwarmGone`, and what swarm refuses with: `LeaseLost`, `CycleRunning`, `NotAllowed`, or any
        other `SkepError`.
        """
        call = _Call(request, time_limit_s)
        self._calls.put(call)
        try:
            return call.answer.result(time_limit_s + PATIENCE_S + QUICK_S)
        except FutureTimeout as error:
            raise SwarmGone("swarm did not answer in time") from error

    def cancel(self, ref: TaskRef) -> None:
        """Stop what runs under a lease. Raises as `cycle`; one that does not run is no error."""
        body = {"task_id": ref.id, "lease": ref.lease}
        try:
            answer = self._authorized(lambda headers: self._send("/cancel", body, headers, QUICK_S))
            answer.read()
        except (httpx.TransportError, OSError) as error:
            raise SwarmGone(f"swarm does not answer: {error}") from error
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise _as_error(answer.status_code, answer.content)

    def close(self) -> None:
        """Let every connection go."""
        self._calls.put(None)
        self._sender.join()
        self._streams.shutdown(wait=False)
        for transport in self._transports:
            transport.close()

    # -- batches -------------------------------------------------------------------------------------------

    def _send_batches(self) -> None:
        """Hand each batch to a thread that waits for its lines."""
        while (first := self._calls.get()) is not None:
            batch = [first]
            more = self._collect(batch, wait=self._under_way > 0)
            self._count(len(batch))
            self._streams.submit(self._run, batch)
            if not more:
                return

    def _count(self, more: int) -> None:
        with self._mutex:
            self._under_way += more

    def _collect(self, batch: list[_Call], *, wait: bool) -> bool:
        """Take what else waits; false when the client is being closed."""
        while len(batch) < MOST_IN_A_BATCH:
            try:
                call = self._calls.get(timeout=LINGER_S) if wait else self._calls.get_nowait()
            except queue.Empty:
                return True
            if call is None:
                return False
            batch.append(call)
        return True

    def _run(self, batch: list[_Call]) -> None:
        waiting = {call.lease: call for call in batch}
        try:
            self._authorized(lambda headers: self._stream(waiting, headers))
        except Exception as error:
            reason = error if isinstance(error, errors.SkepError) else SwarmGone(f"swarm is gone: {error}")
        else:
            reason = SwarmGone("swarm ended the answer early")
        finally:
            self._count(-len(batch))
        for call in waiting.values():
            call.answer.set_exception(reason)

    def _stream(self, waiting: dict[tuple[str, int], _Call], headers: Headers) -> httpx.Response:
        """Answer each waiting call as its line comes; what is left in `waiting` had none."""
        longest = max(call.time_limit_s for call in waiting.values())
        body = {"batch": [call.request for call in waiting.values()]}
        answer = self._send("/cycle", body, headers, longest + PATIENCE_S)
        try:
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                answer.read()
            elif not answer.is_success:
                raise _as_error(answer.status_code, answer.read())
            else:
                _answer_lines(waiting, answer)
        finally:
            answer.close()
        return answer

    # -- the token -----------------------------------------------------------------------------------------

    def _send(self, path: str, body: dict[str, Any], headers: Headers, timeout_s: float) -> httpx.Response:
        """Send by this thread's own connection.

        By the transport itself: what `httpx.Client` adds (redirects, cookies, authentication) is not wanted
        here and costs half the call.
        """
        timeout = httpx.Timeout(QUICK_S, read=timeout_s).as_dict()
        content = json.dumps(body, separators=(",", ":")).encode()
        request = httpx.Request(
            "POST", self._base + path, content=content, headers=headers, extensions={"timeout": timeout}
        )
        return self._transport().handle_request(request)

    def _transport(self) -> httpx.HTTPTransport:
        found: httpx.HTTPTransport | None = getattr(self._local, "transport", None)
        if found is None:
            found = self._local.transport = httpx.HTTPTransport(limits=httpx.Limits(max_connections=1))
            self._transports.append(found)
        return found

    def _authorized(self, send: Callable[[Headers], httpx.Response]) -> httpx.Response:
        """Send with the token; once more with a fresh one, since swarm has a new one at every start."""
        answer: httpx.Response = send(self._token_headers())
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._headers = None
            answer = send(self._token_headers())
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise _as_error(answer.status_code, answer.content)
        return answer

    def _token_headers(self) -> Headers:
        headers = self._headers
        if headers is None:
            token = self._token_file.read_text("ascii").strip()
            headers = self._headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Accept": "application/x-ndjson, application/json",
            }
        return headers


def _answer_lines(waiting: dict[tuple[str, int], _Call], answer: httpx.Response) -> None:
    rest = b""
    for chunk in answer.iter_raw():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            _answer(waiting, line)


def _answer(waiting: dict[tuple[str, int], _Call], line: bytes) -> None:
    """Give one line, an outcome or a problem (RFC 9457), to the call it is about."""
    told = json.loads(line)
    call = waiting.pop((told.get("task_id"), told.get("lease")), None)
    if call is None:
        return
    if "code" in told and "title" in told:
        call.answer.set_exception(_from_problem(told))
    else:
        call.answer.set_result(Outcome.model_validate(told))


_ERRORS: Final[dict[str, type[errors.SkepError]]] = {
    error.code: error
    for error in (
        errors.LeaseLost,
        errors.CycleRunning,
        errors.CycleLost,
        errors.DaemonStopping,
        errors.NotAllowed,
        errors.NotFound,
        errors.NotAuthenticated,
        errors.StoreFull,
    )
}
_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "code", "instance", "message"})


def _as_error(status: int, body: bytes) -> errors.SkepError:
    """The error an answer stands for."""
    try:
        return _from_problem(json.loads(body))
    except (ValueError, AttributeError):
        return errors.SkepError(f"swarm answered {status}: {body[:500].decode(errors='replace')}")


def _from_problem(problem: dict[str, Any]) -> errors.SkepError:
    kind = _ERRORS.get(problem.get("code", ""), errors.SkepError)
    details = {name: value for name, value in problem.items() if name not in _MEMBERS}
    return kind(str(problem.get("detail") or problem.get("title")), **details)
