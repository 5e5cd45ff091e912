"""Every request to the API of runs, as a value: what is sent, and how it is answered.

Each may be sent twice and is done once: it only reads, or says what is to be so, or has an idempotency key.

The clients for threads and for asyncio send the same requests; what differs is only how they wait.
"""

from __future__ import annotations

import itertools
import json
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from skep_client import reading
from skep_client.address import Address
from skep_client.answers import Run, RunBrief, RunDecision, RunPage, RunState
from skep_client.errors import (
    AddressRefused,
    ConnectionBroken,
    RequestRefused,
    SkepClientError,
    UnexpectedAnswer,
    Unreachable,
)
from skep_client.problems import error_of
from skep_client.requests import ForkOptions, RunPolicy, TaskRequest

BASE = "/api/v1/runs"
#: The option of a question that is answered in words.
_IN_WORDS = "answer"
#: Values of a request that are looked at for the one that JSON has no word for.
_MOST_LOOKED_AT = 100_000
Told = TypeVar("Told")


@dataclass(frozen=True)
class Call(Generic[Told]):
    """One request.

    Parameters:
        read: makes of the answer what the caller is told.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], Told]
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def to(
        self, address: Address, client: httpx.Client | httpx.AsyncClient, timeout: httpx.Timeout
    ) -> httpx.Request:
        """The request as it goes to an address. Raises `RequestRefused` where it is no JSON."""
        headers = {"Authorization": f"Bearer {address.token}", **self.headers}
        sent = None
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            sent = _as_json(self.body)
        url = f"{address.url}{self.path}"
        return client.build_request(
            self.method, url, content=sent, params=self.params, headers=headers, timeout=timeout
        )


def _as_json(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=True, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        where = _unsayable(body)
        told = f"{where}: cannot be told as JSON, which has texts, finite numbers, lists and objects"
        raise RequestRefused(told if where else f"cannot be told as JSON: {error}") from error


def _unsayable(body: Mapping[str, Any]) -> str:
    """Where the first value stands that JSON has no word for; empty where none is found."""
    left: list[tuple[str, Any]] = [(str(name), value) for name, value in body.items()]
    for path, value in itertools.islice(iter(left), _MOST_LOOKED_AT):  # grows while it is read
        if isinstance(value, Mapping):
            left += [(f"{path}.{name}", each) for name, each in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [(f"{path}[{at}]", each) for at, each in enumerate(value)]
        elif not _is_sayable(value):
            return path
    return ""


def _is_sayable(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))


def new_id() -> str:
    """An id for a run, as the API makes one."""
    return f"run-{secrets.token_hex(6)}"


def start(
    tasks: Sequence[TaskRequest],
    key: str | None,
    *,
    id: str | None,
    name: str | None,
    policy: RunPolicy | str | None,
    memory: Mapping[str, str] | None,
    open: bool,  # noqa: A002  as the API calls it
) -> Call[RunBrief]:
    """Start a run, under a key by which a repeat is known."""
    said = {"id": id, "name": name, "policy": policy, "memory": memory, "open": open or None}
    body = {**{word: value for word, value in said.items() if value is not None}, "tasks": [*tasks]}
    return _once(BASE, body, key)


def list_runs(states: Sequence[RunState], before: int | None, limit: int) -> Call[RunPage]:
    """A page of runs."""
    params = {"limit": str(limit)}
    if states:
        params["state"] = ",".join(states)
    if before is not None:
        params["before"] = str(before)
    return Call("GET", BASE, lambda answer: reading.page(_json(answer)), params=params)


def get(run_id: str) -> Call[Run]:
    """A run with its tasks."""
    return Call("GET", _of(run_id), lambda answer: reading.run(_json(answer)))


def output(run_id: str, task_id: str) -> Call[str]:
    """What a task answered, whole."""
    path = f"{_of(run_id)}/tasks/{quote(task_id, safe='')}/output"
    return Call("GET", path, _text)


def add(run_id: str, tasks: Sequence[TaskRequest]) -> Call[RunBrief]:
    """Add tasks to a run; sent twice they are added once."""
    return _once(f"{_of(run_id)}/tasks", {"tasks": [*tasks]})


def abort(run_id: str) -> Call[RunBrief]:
    """Abort a run; said twice it is aborted once."""
    return Call("POST", f"{_of(run_id)}/abort", _brief, {})


def close(run_id: str) -> Call[RunBrief]:
    """Let a run end when all its tasks have; said twice it is closed once."""
    return Call("POST", f"{_of(run_id)}/close", _brief, {})


def resume(run_id: str) -> Call[RunBrief]:
    """Send back what did not complete; sent twice it is resumed once."""
    return _once(f"{_of(run_id)}/resume", {})


def fork(run_id: str, task: str, options: ForkOptions) -> Call[RunBrief]:
    """Start a run with answers of another; sent twice one is started."""
    said = {name: value for name, value in options.items() if value is not None}
    return _once(f"{_of(run_id)}/fork", {"task": task, **said})


def decisions(run_id: str) -> Call[tuple[RunDecision, ...]]:
    """What people are or were asked about a run."""
    return Call("GET", f"{_of(run_id)}/decisions", lambda answer: reading.decisions(_json(answer)))


def answer(
    run_id: str, decision: RunDecision | str, choice: str | None, text: str | None, comment: str | None
) -> Call[RunDecision]:
    """Answer a question of a run; the same answer again is told as the first time.

    Raises `RequestRefused` unless there is either a choice or a text, whose place a comment would take.
    """
    if (choice is None) == (text is None):
        raise RequestRefused("answer: say either a choice or a text")
    if text is not None and comment is not None:
        raise RequestRefused("comment: goes with a choice; a text says it all")
    said = {"answer": _IN_WORDS if choice is None else choice, "comment": comment if text is None else text}
    if isinstance(decision, RunDecision):
        said["digest"], decision = decision.digest, decision.id  # what was shown is what is answered
    path = f"{_of(run_id)}/decisions/{quote(decision, safe='')}"
    body = {name: value for name, value in said.items() if value is not None}
    return Call("POST", path, lambda answer: reading.decision(_json(answer)), body)


def events(run_id: str, after: int) -> Call[None]:
    """The stream of what happens to a run, behind an event."""
    headers = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}
    return Call("GET", f"{_of(run_id)}/events", lambda answer: None, headers=headers)


def output_events(run_id: str, task_id: str, place: str) -> Call[None]:
    """The stream of what a task prints or answers, from a place on; empty: from the beginning."""
    path = f"{_of(run_id)}/tasks/{quote(task_id, safe='')}/output/events"
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": place} if place else {})}
    return Call("GET", path, lambda answer: None, headers=headers)


def trouble_of(error: httpx.HTTPError) -> SkepClientError:
    """What a failed exchange means: nothing was sent, or nobody knows."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Unreachable(
            f"Nothing answers ({error}); `skep up` starts the daemon, `skep doctor` looks why."
        )
    if isinstance(error, httpx.UnsupportedProtocol):
        return AddressRefused(str(error))
    told = str(error) or type(error).__name__
    return ConnectionBroken(f"The connection broke before the answer was there: {told}")


def refusal_of(answer: httpx.Response) -> SkepClientError:
    """The error that a whole answer which is not 2xx tells of."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    return error_of(answer.status_code, answer.headers, body)


def _once(path: str, body: Mapping[str, Any], key: str | None = None) -> Call[RunBrief]:
    """A request under a key, by which Skep knows a repeat and does nothing again; none: one is made."""
    headers = {"Idempotency-Key": key or secrets.token_hex(16)}
    return Call("POST", path, _brief, body, headers=headers)


def _of(run_id: str) -> str:
    return f"{BASE}/{quote(run_id, safe='')}"


def _brief(answer: httpx.Response) -> RunBrief:
    return reading.run_brief(_json(answer))


def _text(answer: httpx.Response) -> str:
    if not answer.headers.get("Content-Type", "").startswith("text/plain"):
        raise UnexpectedAnswer(
            "The answer is no text; is this Skep, and of this version?", answer.status_code
        )
    return answer.content.decode("utf-8", "replace")


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise UnexpectedAnswer(
            "The answer is no JSON; does another program listen there?", answer.status_code
        ) from None
