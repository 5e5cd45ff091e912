"""Requests as the corpus describes them, sent byte by byte: no client library tidies them up."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.safety.corpus import Entry
from tests.safety.services import Services
from tests.safety.verdicts import Verdict

PATIENCE_S: Final = 60.0
#: Far from now, in Unix seconds: a task that waits.
LATER: Final = 32_000_000_000.0
Headers = list[tuple[str, str]]


def ask(services: Services, entries: Iterable[Entry]) -> list[Verdict]:
    """The verdict on each, in order."""
    return [_ask(services, each) for each in entries]


def _ask(services: Services, entry: Entry) -> Verdict:
    words = services.words() | _task_words(services, entry)
    status, body = _send(
        services.ports[entry.request["to"]], entry.request["method"], _bytes_of(entry, words)
    )
    problem = _problem(body)
    rules = frozenset(str(name) for name in (status, problem.get("code"), problem.get("rule")) if name)
    passed = 200 <= status < 400 or _had_effect(services, entry)
    return Verdict(entry, passed, rules, f"{status} {problem.get('detail') or body[:100]!r}")


def _had_effect(services: Services, entry: Entry) -> bool:
    """Whether something was done all the same: a claimed command ran, a task that waits was changed, or the
    kill switch was set."""
    reader = services.claiming.store.reader
    attempt = reader.one("get_attempt", id=entry.id, lease=1)
    task = reader.task(entry.id)
    has_run = attempt is not None and '"completed"' in (attempt["outcome"] or "")
    has_moved = "submit" in entry.request and (task is None or task["state"] != "delayed")
    return has_run or has_moved or (services.home.root / ".swarm" / "KILL").exists()


def _task_words(services: Services, entry: Entry) -> dict[str, str]:
    """Put the task in the store that the request speaks of; its id and lease."""
    request = entry.request
    if "claim" in request:
        claim = services.claiming.claim(id=entry.id, **request["claim"])
        return {"task": claim.id, "lease": str(claim.ref.lease)}
    if "submit" in request:
        services.claiming.submit(id=entry.id, not_before=LATER, **request["submit"])
    return {"task": entry.id, "lease": "1"}


def _bytes_of(entry: Entry, words: Mapping[str, str]) -> bytes:
    request = entry.request
    body = _body(entry, words)
    headers = dict.fromkeys(("Host",), "127.0.0.1:{" + request["to"] + "}") | _sender(
        request["as"], request["to"]
    )
    if body or request["method"] == "POST":
        headers |= {"Content-Length": str(len(body))}
    headers |= {"Content-Type": "application/json"} if "body" in request else {}
    headers |= {"Connection": "close"}
    lines = [f"{request['method']} {_put(request['path'], words)} {request.get('version', 'HTTP/1.1')}"]
    for name, value in (headers | request.get("headers", {})).items():
        for each in value if isinstance(value, list) else [value]:
            lines += [] if each is None else [f"{name}: {_put(entry.fill(each), words)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _sender(name: str, service: str) -> dict[str, Any]:
    """The headers that this kind of caller sends."""
    own = "http://127.0.0.1:{" + service + "}"
    known: dict[str, dict[str, Any]] = {
        "nobody": {},
        "program": {"Authorization": "Bearer {token}"},
        "browser": {
            "Cookie": "{cookie}",
            "Origin": own,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": "{csrf}",
        },
    }
    return known[name]


def _body(entry: Entry, words: Mapping[str, str]) -> bytes:
    body = entry.request.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body).replace('"{lease}"', "{lease}")
    return _put(entry.fill(text), words).encode(entry.request.get("encoding", "utf-8"))


def _put(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def _send(port: int, method: str, data: bytes) -> tuple[int, bytes]:
    """Status and body of the answer. One who refuses early may close before all is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, answer.read()


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
