"""The worker's side of ``/cycle``: one kept-alive connection a thread, and the answers as our own errors.

What came of a call is never guessed from the connection: when it breaks, the caller looks at what the store
knows of the lease. Where swarm ends, its port is anybody's until it is back, so nothing is sent before it is
known that the process which answers is the one that said it listens there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpcore

import errors
from outcome import Outcome
from redaction import KNOWN
from road.kept_connection import BROKEN, KeptConnection
from store import private_files
from store.records import TaskRef

#: Seconds beyond a task's own time limit after which a call is given up; swarm keeps the limit itself.
PATIENCE_S: Final = 60.0
QUICK_S: Final = 5.0

#: So often may swarm end while it has the same call of a lease, before that call is given up.
SWARM_ENDS: Final = 3

_OK: Final = 200
_UNAUTHORIZED: Final = 401


class SwarmGone(Exception):
    """The connection to swarm could not be made or broke; what it did is in the store."""

    def __init__(self, message: str, *, is_amid: bool = False) -> None:
        super().__init__(message)
        #: whether it broke when the call had been sent
        self.is_amid = is_amid


class Listener(NamedTuple):
    """A living process that has bound a port of 127.0.0.1."""

    port: int
    #: tells it from every other process there was
    process: str


class CycleClient:
    """Calls one swarm. Safe to use from every thread.

    Parameters:
        listener: tells who listens now; none where no living swarm says that it does.
        token_file: holds the execution token; read again when swarm refuses the one that is known.
        socket: the Unix socket to call instead of the port.
    """

    def __init__(
        self, listener: Callable[[], Listener | None], token_file: Path, socket: Path | None = None
    ) -> None:
        self._listener = listener
        self._socket = socket
        self._token_file = token_file
        self._headers: dict[str, str] | None = None
        self._local = threading.local()
        self._connections: list[KeptConnection] = []

    def cycle(self, request: dict[str, Any], time_limit_s: float, traceparent: str | None = None) -> Outcome:
        """Execute a lease and wait for its outcome; `traceparent` names the span that it is a part of.

        Raises `SwarmGone`, and what swarm refuses with: `LeaseLost`, `CycleRunning`, `NotAllowed`,
        `KillSwitchOn`, or any other `SkepError`.
        """
        return Outcome.model_validate_json(
            self._post("/cycle", request, time_limit_s + PATIENCE_S, traceparent)
        )

    def cancel(self, ref: TaskRef) -> None:
        """Stop what runs under a lease. Raises as `cycle`."""
        self._post("/cancel", {"task_id": ref.id, "lease": ref.lease}, QUICK_S)

    def plan(self, request: dict[str, Any], time_limit_s: float) -> bytes:
        """What a model proposes for a claimed task, as JSON. Raises as `cycle`."""
        answer = json.loads(self._post("/plan", request, time_limit_s + PATIENCE_S))
        return json.dumps(answer.get("proposal")).encode()

    def close(self) -> None:
        """Let every connection go."""
        for connection in self._connections:
            connection.close()

    def _post(
        self, path: str, body: dict[str, Any], timeout_s: float, traceparent: str | None = None
    ) -> bytes:
        """Send with the token; once more with a fresh one, since swarm has a new one at every start."""
        status, answer = self._send(path, body, timeout_s, traceparent)
        if status == _UNAUTHORIZED:
            self._headers = None
            status, answer = self._send(path, body, timeout_s, traceparent)
        if status != _OK:
            raise _as_error(status, answer)
        return answer

    def _send(
        self, path: str, body: dict[str, Any], timeout_s: float, traceparent: str | None
    ) -> tuple[int, bytes]:
        """Send by this thread's own connection; status and body of the answer."""
        try:
            headers = self._token_headers()
            if traceparent is not None:
                headers = {**headers, "traceparent": traceparent}
            return self._connection().post(path, json.dumps(body, separators=(",", ":")), headers, timeout_s)
        except BROKEN as error:
            is_amid = isinstance(error, httpcore.NetworkError | httpcore.ProtocolError)
            is_amid = is_amid and not isinstance(error, httpcore.ConnectError)
            raise SwarmGone(f"swarm does not answer: {error}", is_amid=is_amid) from error

    def _connection(self) -> KeptConnection:
        """This thread's own, to who listens now. Raises `OSError` where nobody says so."""
        found: KeptConnection | None = getattr(self._local, "connection", None)
        if found is not None and found.is_usable():
            return found
        if found is not None:
            found.close()
            self._connections.remove(found)
            self._local.connection = None
        made = self._local.connection = self._new_connection()
        self._connections.append(made)
        return made

    def _new_connection(self) -> KeptConnection:
        if self._socket is not None:
            return KeptConnection(0, QUICK_S, socket=self._socket)
        who = self._listener()
        if who is None:
            raise OSError("it does not say where it listens")
        return KeptConnection(who.port, QUICK_S, is_theirs=lambda: self._listener() == who)

    def _token_headers(self) -> dict[str, str]:
        headers = self._headers
        if headers is None:
            token = private_files.read(self._token_file)
            KNOWN.learn(token, "execution-token")
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._headers = headers
        return headers


_ERRORS: Final[dict[str, type[errors.SkepError]]] = {
    error.code: error
    for error in (
        errors.LeaseLost,
        errors.CycleRunning,
        errors.CycleLost,
        errors.DaemonStopping,
        errors.KillSwitchOn,
        errors.NotAllowed,
        errors.InvalidRequest,
        errors.NotFound,
        errors.NotAuthenticated,
        errors.StoreFull,
        errors.OverBudget,
        errors.RateLimited,
        errors.PriceUnknown,
    )
}
_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "code", "instance", "message"})


def _as_error(status: int, body: bytes) -> errors.SkepError:
    """The error a problem document (RFC 9457) stands for."""
    try:
        problem = json.loads(body)
        kind = _ERRORS.get(problem.get("code", ""), errors.SkepError)
        details = {name: value for name, value in problem.items() if name not in _MEMBERS}
        return kind(str(problem.get("detail") or problem.get("title")), **details)
    except (ValueError, AttributeError):
        return errors.SkepError(f"swarm answered {status}: {body[:500].decode(errors='replace')}")
