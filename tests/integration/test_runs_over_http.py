"""Runs over HTTP: who is let in, what is answered and refused, and that the description says what is so."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import host_platform
from road.run_prompts import RunPrompts
from store import agreements
from store.claims import Claimant
from store.queue_file.projection import Projection
from store.records import Question
from testing.model_server import ModelServer
from tests.integration.swarm_rig import SwarmRig

BASE = "/api/v1/runs"
REQUEST: dict[str, Any] = {
    "policy": {
        "timeout_ms": 300_000,
        "max_parallelism": 2,
        "budget_limit": {"amount": 5.0, "currency": "USD"},
        "context_policy": {"max_tokens": 8000, "strategy": "truncate", "keep_last_n": 50},
    },
    "tasks": [
        {"id": "A", "prompt": "one", "model": "test-model", "inputs": {"k": "v"}, "metadata": {"role": "x"}},
        {"id": "B", "prompt": "two {{deps.A.output}}", "deps": ["A"]},
    ],
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory):
    root: Path = tmp_path_factory.mktemp("home")
    with ModelServer() as model, SwarmRig(root, llm_base_url=model.url, llm_model="test-model") as opened:
        yield opened


class Described(dict[str, Any]):
    """The description; its words are not told with every example."""

    def __repr__(self) -> str:
        return "the description"


@pytest.fixture(scope="module")
def described(rig: SwarmRig) -> Described:
    return Described(rig.client.get("/openapi.json").json())


def start(rig: SwarmRig, **changes: Any) -> str:
    answer = rig.client.post(BASE, json=REQUEST | changes)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def check(described: dict[str, Any], answer: httpx.Response, path: str, method: str) -> None:
    """Hold an answer to what the description says of its route."""
    told = described["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    media = answer.headers["Content-Type"].partition(";")[0]
    schema = {**told[media]["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/r"),
        ("POST", "/r/abort"),
        ("GET", "/r/events"),
        ("GET", "/r/tasks/a/output"),
        ("GET", "/r/tasks/a/output/events"),
        ("POST", "/r/fork"),
    ],
)
def test_nobody_is_told_or_heard_without_the_token(rig: SwarmRig, method: str, path: str) -> None:
    for headers, status in (
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": f"http://127.0.0.1:{rig.swarm.port}"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
    ):
        answer = rig.client.request(method, f"{BASE}{path}", headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_run_is_started_and_told(rig: SwarmRig, described: dict[str, Any]) -> None:
    answer = rig.client.post(BASE, json=REQUEST)

    assert answer.status_code == 202
    check(described, answer, BASE, "post")
    assert answer.headers["Location"] == f"{BASE}/{answer.json()['id']}"
    told = rig.client.get(answer.headers["Location"])
    check(described, told, f"{BASE}/{{run_id}}", "get")
    run = told.json()
    assert (run["state"], run["budget_micros"]) == ("running", 5_000_000)
    assert {name: task["state"] for name, task in run["tasks"].items()} == {"A": "ready", "B": "pending"}
    assert run["tasks"]["B"]["waiting_for"] == f"{run['id']}:A to be approved"


def test_the_same_key_starts_one_run(rig: SwarmRig) -> None:
    headers = {"Idempotency-Key": "one"}
    answers = [rig.client.post(BASE, json=REQUEST, headers=headers) for _ in range(2)]

    assert len({answer.json()["id"] for answer in answers}) == 1
    other = rig.client.post(BASE, json=REQUEST | {"name": "another"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "key_used")
    for key in ("a b", "x" * 201):
        assert rig.client.post(BASE, json=REQUEST, headers={"Idempotency-Key": key}).status_code == 400


def test_runs_are_listed_by_pages_newest_first(rig: SwarmRig, described: dict[str, Any]) -> None:
    made = [start(rig) for _ in range(3)]
    first = rig.client.get(BASE, params={"limit": 2, "state": "running"})
    check(described, first, BASE, "get")
    second = rig.client.get(BASE, params={"limit": 2, "before": first.json()["next"]})

    names = [run["id"] for page in (first, second) for run in page.json()["runs"]]
    assert names[:3] == made[::-1]
    for wrong in ({"state": "gone"}, {"limit": 0}, {"limit": 101}, {"before": "x"}, {"page": 1}):
        answer = rig.client.get(BASE, params=wrong)
        assert (answer.status_code, answer.json()["path"]) == (400, next(iter(wrong)))


def test_a_run_is_aborted_and_added_to_no_more(rig: SwarmRig, described: dict[str, Any]) -> None:
    run = start(rig)
    more = rig.client.post(f"{BASE}/{run}/tasks", json={"tasks": [{"id": "C", "prompt": "x", "deps": ["A"]}]})
    assert (more.status_code, more.json()["task_count"]) == (202, 3)
    again = rig.client.post(f"{BASE}/{run}/tasks", json={"id": "C", "prompt": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "task_exists")
    missing = rig.client.post(f"{BASE}/{run}/tasks", json={"id": "D", "prompt": "x", "deps": ["Z"]})
    assert (missing.status_code, missing.json()["code"]) == (422, "dep_not_found")

    answers = [rig.client.post(f"{BASE}/{run}/abort", json={}) for _ in range(2)]

    check(described, answers[0], f"{BASE}/{{run_id}}/abort", "post")
    assert [(one.status_code, one.json()["state"]) for one in answers] == [(200, "aborted")] * 2
    late = rig.client.post(f"{BASE}/{run}/tasks", json={"id": "E", "prompt": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "run_completed")
    check(described, late, f"{BASE}/{{run_id}}/tasks", "post")


def test_a_failed_run_is_resumed_and_forked(rig: SwarmRig) -> None:
    run = start(rig)
    rig.client.post(f"{BASE}/{run}/abort", json={})
    forked = rig.client.post(f"{BASE}/{run}/fork", json={"task": "A", "prompt": "another", "id": f"{run}.f"})
    assert (forked.status_code, forked.json()["forked_from"]) == (202, run)
    assert rig.client.post(f"{BASE}/{run}/fork", json={"task": "Z"}).json()["code"] == "task_not_found"

    assert rig.client.post(f"{BASE}/{run}/resume", json={}).json()["state"] == "running"
    assert rig.client.post(f"{BASE}/{run}/resume", json={}).json()["code"] == "run_completed"


def test_what_happens_to_a_run_is_streamed_to_its_end_and_from_where_one_left_off(rig: SwarmRig) -> None:
    run = start(rig)
    rig.client.post(f"{BASE}/{run}/abort", json={})
    told = events(rig.client.get(f"{BASE}/{run}/events"))

    assert [kind for _, kind in told] == [
        "run.started", "task.queued", "task.queued", "run.aborting",
        "task.cancelled", "task.cancelled", "run.aborted",
    ]  # fmt: skip
    seen = told[3][0]
    rest = events(rig.client.get(f"{BASE}/{run}/events", headers={"Last-Event-ID": str(seen)}))
    assert rest == told[4:]
    whole = events(rig.client.get(f"{BASE}/{run}/events", params={"after": 0}))
    assert whole == told
    wrong = rig.client.get(f"{BASE}/{run}/events", headers={"Last-Event-ID": "x"})
    assert (wrong.status_code, wrong.json()["path"]) == (400, "Last-Event-ID")


def events(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in lines:
            assert json.loads(lines["data"])["seq"] == int(lines["id"])
            found.append((int(lines["id"]), lines["event"]))
    return found


def test_a_question_of_a_run_is_answered_once_and_the_same_answer_again_is_no_other(
    rig: SwarmRig, described: dict[str, Any]
) -> None:
    run = start(rig, tasks=[{"id": "q", "ask": "Which of them?", "choices": ["red", "green"]}])
    asked_of(rig, f"{run}:q")
    listed = rig.client.get(f"{BASE}/{run}/decisions")
    check(described, listed, f"{BASE}/{{run_id}}/decisions", "get")
    (asked,) = listed.json()["decisions"]
    assert (asked["task"], asked["question"], asked["options"], asked["can_be_answered"]) == (
        "q", "Which of them?", ["red", "green", "refuse"], True,
    )  # fmt: skip

    path = f"{BASE}/{run}/decisions/{asked['id']}"
    wrong = rig.client.post(path, json={"answer": "green", "digest": "0" * 64})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "transition_not_allowed")
    first = rig.client.post(path, json={"answer": "green", "digest": asked["digest"]})
    again = rig.client.post(path, json={"answer": "green", "digest": asked["digest"]})
    other = rig.client.post(path, json={"answer": "red"})
    check(described, first, f"{BASE}/{{run_id}}/decisions/{{decision}}", "post")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (first.json()["answer"], first.json()["answered_by"]) == ("green", "api")
    assert (other.status_code, other.json()["code"]) == (409, "already_answered")
    assert rig.client.get(f"{BASE}/{run}").json()["state"] == "completed"


def test_nothing_but_questions_of_runs_is_answered_with_the_token(rig: SwarmRig) -> None:
    other = start(rig, tasks=[{"id": "q", "ask": "Which?"}])
    asked_of(rig, f"{other}:q")
    run = start(rig, tasks=[{"id": "a", "argv": ["true"]}])
    who = Claimant("w", host_platform.this_process(), 60.0)
    for claim in rig.store.claim(who, 999):
        if claim.id == f"{run}:a":
            held = Question("execution", "May it run?", ("run", "refuse"), {"approved": "x"})
            rig.store.write(functools.partial(agreements.hold, ref=claim.ref, question=held))
    (asked,) = rig.client.get(f"{BASE}/{run}/decisions").json()["decisions"]
    assert (asked["kind"], asked["can_be_answered"]) == ("execution", False)

    answer = rig.client.post(f"{BASE}/{run}/decisions/{asked['id']}", json={"answer": "run"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    (foreign,) = rig.client.get(f"{BASE}/{other}/decisions").json()["decisions"]
    answer = rig.client.post(f"{BASE}/{run}/decisions/{foreign['id']}", json={"answer": "answer"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def asked_of(rig: SwarmRig, task_id: str) -> None:
    """Have a worker come to the question of a task."""
    who = Claimant("w", host_platform.this_process(), 60.0)
    prompts = RunPrompts(rig.store, str.encode)
    while (row := rig.store.reader.task(task_id)) is not None and row["state"] == "ready":
        for claim in rig.store.claim(who, 1):
            if claim.id == task_id:
                prompts.ask(claim)


def test_the_tasks_of_a_run_do_not_stand_in_the_queue_file(rig: SwarmRig) -> None:
    start(rig)
    rig.submit(id="own", prompt="x")
    projection = Projection(rig.store.writer, rig.store.reader, rig.store.limits, 10)
    projection.render_changed(1)
    projection.write(rig.home.root / "shown.json", 1, rig.home.queue_file)

    shown = json.loads((rig.home.root / "shown.json").read_text())
    assert [task["id"] for task in shown["tasks"]] == ["own"]
    assert shown["completed"] == shown["failed"] == []


@pytest.mark.parametrize("path", ["/none", "/none/events"])
def test_a_run_that_is_not_there_is_not_found(rig: SwarmRig, path: str) -> None:
    answer = rig.client.get(f"{BASE}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "run_not_found")


VALUES: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10**12), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12), st.builds(list), st.builds(dict), st.just("{{deps.A.output}}"), st.just("../x"),
)  # fmt: skip


@st.composite
def broken(draw: Any) -> Any:
    """A request of which some fields have become something else."""
    request = json.loads(json.dumps(REQUEST))
    for _ in range(draw(st.integers(1, 3))):
        part: Any = request
        while isinstance(part, dict | list) and part:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            key = draw(st.sampled_from(keys))
            if not isinstance(part[key], dict | list) or draw(st.integers(0, 3)) == 0:
                part[key] = draw(VALUES)
                break
            part = part[key]
        if isinstance(part, dict) and draw(st.integers(0, 4)) == 0:
            part[draw(st.text(max_size=8))] = draw(VALUES)
    return request


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=broken())
def test_whatever_is_sent_it_is_answered_as_described(rig: SwarmRig, described: Any, body: Any) -> None:
    answer = rig.client.post(BASE, content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert answer.status_code in {202, 400, 409, 422}, answer.text
    check(described, answer, BASE, "post")
    if answer.status_code == 202:
        schema = {"$ref": "#/components/schemas/StartRunRequest", "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)
