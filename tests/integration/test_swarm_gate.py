"""Who is let in, how errors look, and whether the description says what is so."""

from __future__ import annotations

import http.client
import json
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from localhost import problems
from localhost.server import MAX_BODY_BYTES
from settings import Home
from swarm import create_app
from testing.model_server import ModelServer
from tests.integration.swarm_rig import SwarmRig, request_of

POSTS = ["/cycle", "/cancel", "/plan"]


@pytest.fixture
def rig(tmp_path: Path):
    with ModelServer() as model, SwarmRig(tmp_path, llm_base_url=model.url, llm_model="test-model") as rig:
        yield rig


@pytest.mark.parametrize("path", [*POSTS, "/api/v1/runs"])
def test_a_body_over_every_bound_is_refused_as_a_problem_before_it_is_read(rig: SwarmRig, path: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{rig.swarm.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", rig.swarm.port)) as connection:
        connection.sendall(head.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        told = json.loads(answer.read())

    assert (answer.status, answer.headers["Content-Type"]) == (413, problems.MEDIA_TYPE)
    assert (told["code"], told["status"]) == ("body_too_large", 413)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}])
def test_a_large_body_without_the_token_is_refused_and_kept_nowhere(
    rig: SwarmRig, monkeypatch: pytest.MonkeyPatch, header: dict[str, str]
) -> None:
    files: list[str] = []
    monkeypatch.setattr(tempfile, "TemporaryFile", files.append)  # what large bodies are kept in
    del rig.client.headers["Authorization"]

    answer = rig.client.post("/cycle", content=b" " * 8_000_000, headers=header)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert not files


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}])
def test_without_the_token_nothing_is_done(rig: SwarmRig, path: str, header: dict[str, str]) -> None:
    del rig.client.headers["Authorization"]

    answer = rig.client.post(path, json={}, headers=header)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "header", [{"Origin": "http://127.0.0.1:8421"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_a_browser_is_refused_even_with_the_token(rig: SwarmRig, path: str, header: dict[str, str]) -> None:
    answer = rig.client.post(path, json={}, headers=header)

    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")


@pytest.mark.parametrize("path", [*POSTS, "/status", "/openapi.json"])
def test_another_name_or_a_proxy_is_refused_everywhere(rig: SwarmRig, path: str) -> None:
    method = "POST" if path in POSTS else "GET"

    renamed = rig.client.request(method, path, headers={"Host": "evil.example"})
    forwarded = rig.client.request(method, path, headers={"X-Forwarded-For": "127.0.0.1"})

    assert (renamed.status_code, renamed.json()["code"]) == (421, "misdirected")
    assert (forwarded.status_code, forwarded.json()["code"]) == (400, "forwarded")


def test_what_another_page_asks_for_is_refused_and_a_person_may_look(rig: SwarmRig) -> None:
    for path in ("/status", "/openapi.json", "/nowhere"):
        for site in ("cross-site", "same-site"):
            answer = rig.client.get(path, headers={"Sec-Fetch-Site": site})
            assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
    assert rig.client.get("/status", headers={"Sec-Fetch-Site": "none"}).status_code == 200


def test_every_answer_carries_the_headers_of_a_service_and_names_no_server(rig: SwarmRig) -> None:
    answers = [
        rig.client.get("/status"),
        rig.client.get("/nowhere"),
        rig.client.request("OPTIONS", "/cycle", headers={"Access-Control-Request-Private-Network": "true"}),
        rig.client.request("TRACE", "/cycle"),
        rig.client.post("/cycle", json={}),
        rig.cycle(rig.claim(command="true")),
    ]

    for answer in answers:
        assert {name.lower() for name in problems.SERVICE_HEADERS} <= set(answer.headers)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not [name for name in answer.headers if name.startswith("access-control") or name == "server"]
    assert [answer.status_code for answer in answers[2:4]] == [405, 405]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_no_other_method_does_anything(rig: SwarmRig, path: str, method: str) -> None:
    assert rig.client.request(method, path, json={}).status_code == 405


def test_no_variable_of_the_environment_turns_debugging_on(
    rig: SwarmRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")

    assert create_app(rig.swarm).debug is False


def test_every_error_is_a_problem(rig: SwarmRig) -> None:
    client = rig.client
    answers = {
        404: client.get("/nowhere"),
        405: client.get("/cycle"),
        415: client.post("/cycle", content="x", headers={"Content-Type": "text/plain"}),
        413: client.post(
            "/cycle", content=b" " * (7 * 2**20 + 1), headers={"Content-Type": "application/json"}
        ),
        400: client.post("/cycle", content='{"a": NaN}', headers={"Content-Type": "application/json"}),
        422: client.post("/cycle", json={}),
    }

    for status, answer in answers.items():
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status
        check(rig, answer.json(), "Problem")


@pytest.mark.parametrize("text", ['{"lease": 1, "lease": 2}', "[]", '{"a": 1e999}', "[" * 5000, '"\\ud800"'])
def test_loose_json_is_refused(rig: SwarmRig, text: str) -> None:
    answer = rig.client.post("/cycle", content=text, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_the_token_is_a_private_file_and_new_at_each_start(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        with SwarmRig(tmp_path) as rig:
            tokens.append(rig.home.token.read_text())
            assert stat.S_IMODE(rig.home.token.stat().st_mode) == 0o600
            assert stat.S_IMODE(rig.home.state.stat().st_mode) == 0o700
    assert len(set(tokens)) == 2
    assert all(token.startswith("skep_") and len(token) == 69 for token in tokens)
    assert not Home(tmp_path).token.exists()


def test_the_status_needs_no_token_and_holds_no_secret(rig: SwarmRig) -> None:
    rig.cycle(rig.claim(command="true"))
    del rig.client.headers["Authorization"]

    answer = rig.client.get("/status")

    told = answer.json()
    assert answer.status_code == 200
    assert told["counts"]["in_progress"] == told["tasks"] == 1
    assert (told["completed"], told["failed"], told["running"]) == (0, 0, [])
    assert told["model"]["ready"] is True
    assert told["swarm"] == rig.swarm.executor.process
    assert rig.swarm.token not in answer.text


def test_the_description_is_true_of_every_answer(rig: SwarmRig) -> None:
    for number in range(3):
        (rig.home.workspace / f"file{number}.txt").write_text("text")
    claim = rig.claim(command="echo hi")
    prompt = rig.claim(prompt="hello")

    check(rig, request_of(claim), "CycleRequest")
    check(rig, rig.cycle(claim).json(), "Outcome")
    check(rig, rig.cycle(prompt).json(), "Outcome")
    check(rig, rig.cycle(rig.claim(command="curl x")).json(), "Problem")
    check(rig, rig.cancel(claim).json(), "CancelAnswer")
    check(rig, rig.client.get("/status").json(), "StatusAnswer")
    check(rig, rig.client.post("/plan", json={}).json(), "Problem")


def test_the_description_lists_every_route_and_what_it_needs(rig: SwarmRig) -> None:
    described = rig.client.get("/openapi.json").json()
    routes = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in create_app(rig.swarm).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == {(path, method) for path, methods in described["paths"].items() for method in methods}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            needs_token = method == "post" or path.startswith("/api/v1/runs")
            assert operation["security"] == ([{"token": []}] if needs_token else []), path
    names = set(described["components"]["schemas"])
    assert {ref.rpartition("/")[2] for ref in references(described)} <= names


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (400, "Content-Length: x"),
        (413, f"Content-Length: {MAX_BODY_BYTES + 1}"),
        (431, f"X-Long: {'x' * 70_000}"),
        (501, "Transfer-Encoding: gzip"),
    ],
    ids=["no length", "long body", "long head", "unknown coding"],
)
def test_what_is_refused_before_any_route_sees_it_is_described_for_every_route(
    rig: SwarmRig, status: int, header: str
) -> None:
    described = rig.client.get("/openapi.json").json()["paths"]
    with socket.create_connection(("127.0.0.1", rig.swarm.port)) as connection:
        connection.sendall(f"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        check(rig, json.loads(answer.read()), "Problem")

    operations = [operation for methods in described.values() for operation in methods.values()]
    assert answer.status == status
    assert operations
    assert all(str(status) in operation["responses"] for operation in operations)


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in references(inner)]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def check(rig: SwarmRig, found: Any, name: str) -> None:
    described = rig.client.get("/openapi.json").json()
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    jsonschema.Draft202012Validator(json.loads(json.dumps(schema))).validate(found)
