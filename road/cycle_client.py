"""The worker's side of ``/cycle``: one kept-alive connection a thread, and the answers as our own errors.

What came of a call is never guessed from the connection: when it breaks, the caller looks at what the store
knows of the lease.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import httpx

import errors
from outcome import Outcome
from store.records import TaskRef

#: Seconds beyond a task's own time limit after which a call is given up; swarm keeps the limit itself.
PATIENCE_S: Final = 60.0
QUICK_S: Final = 5.0


class SwarmGone(Exception):
    """The connection to swarm could not be made or broke; what it did is in the store."""


class CycleClient:
    """Calls one swarm. Safe to use from every thread."""

    def __init__(self, port: int, token_file: Path) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._token_file = token_file
        self._local = threading.local()
        self._clients: list[httpx.Client] = []

    def cycle(self, request: dict[str, Any], time_limit_s: float) -> Outcome:
        """Execute a lease and wait for its outcome.

        Raises `SwarmGone`, and what swarm refuses with: `LeaseLost`, `CycleRunning`, `NotAllowed`, or any
        other `SkepError`.
        """
        return Outcome.model_validate(self._post("/cycle", request, time_limit_s + PATIENCE_S))

    def cancel(self, ref: TaskRef) -> None:
        """Stop what runs under a lease. Raises as `cycle`; one that does not run is no error."""
        try:
            self._post("/cancel", {"task_id": ref.id, "lease": ref.lease}, QUICK_S)
        except errors.NotFound:
            return

    def close(self) -> None:
        """Let every connection go."""
        for client in self._clients:
            client.close()

    def _post(self, path: str, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        answer = self._send(path, body, timeout_s)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._local.headers = None  # swarm has a new token since it started again
            answer = self._send(path, body, timeout_s)
        if answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        raise _as_error(answer)

    def _send(self, path: str, body: dict[str, Any], timeout_s: float) -> httpx.Response:
        timeout = httpx.Timeout(QUICK_S, read=timeout_s)
        try:
            return self._client().post(path, json=body, headers=self._headers(), timeout=timeout)
        except (httpx.TransportError, OSError) as error:
            raise SwarmGone(f"swarm does not answer: {error}") from error

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(base_url=self._base, trust_env=False)
            self._clients.append(client)
        return client

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] | None = getattr(self._local, "headers", None)
        if headers is None:
            token = self._token_file.read_text("ascii").strip()
            headers = self._local.headers = {"Authorization": f"Bearer {token}"}
        return headers


_ERRORS: Final[dict[str, type[errors.SkepError]]] = {
    error.code: error
    for error in (
        errors.LeaseLost,
        errors.CycleRunning,
        errors.CycleLost,
        errors.NotAllowed,
        errors.NotFound,
        errors.NotAuthenticated,
        errors.StoreFull,
    )
}


def _as_error(answer: httpx.Response) -> errors.SkepError:
    """The error a problem document (RFC 9457) stands for."""
    try:
        problem = answer.json()
        kind = _ERRORS.get(problem.get("code"), errors.SkepError)
        details = {name: value for name, value in problem.items() if name not in _MEMBERS}
        return kind(str(problem.get("detail") or answer.text[:500]), **details)
    except (ValueError, AttributeError):
        return errors.SkepError(f"swarm answered {answer.status_code}: {answer.text[:500]}")


_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "code", "instance", "message"})
