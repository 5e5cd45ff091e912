"""What the client sends again and what it does not, decided over a transport that a test scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from skep_client import (
    ApiError,
    NotFound,
    Retries,
    ServiceTrouble,
    Skep,
    TooBusy,
    UnexpectedAnswer,
    Unreachable,
    sending,
)
from skep_client.problems import retry_after

URL = "http://127.0.0.1:8420"
QUICK = Retries(base_s=0.0001, patience_s=30.0)
BRIEF: dict[str, Any] = {
    "id": "r", "name": None, "state": "running", "task_count": 1, "open_tasks": 1, "is_open": False,
    "cost_micros": 0, "budget_micros": None, "error": None, "forked_from": None, "created_at": 1,
    "finished_at": None,
}  # fmt: skip
TASK: Any = {"id": "a", "prompt": "x"}


def problem(status: int, code: str = "stopping", **headers: str) -> httpx.Response:
    body = {"type": f"urn:skep:problem:{code}", "title": "t", "status": status, "detail": "d", "code": code}
    kind = {
        "Content-Type": "application/problem+json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return httpx.Response(status, content=json.dumps(body), headers=kind)


def told(value: object) -> httpx.Response:
    return httpx.Response(200, json=value)


class SleptClock:
    """A clock that moves by what is slept."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Script:
    """Answers requests one by one; the last answer is given again and again."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = [*answers]
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    def skep(self, retries: Retries = QUICK) -> Skep:
        return Skep(url=URL, token="t", retries=retries, transport=httpx.MockTransport(self))


GET: Callable[[Skep], Any] = lambda skep: next(skep.list(), None)  # noqa: E731
START: Callable[[Skep], Any] = lambda skep: skep.start([TASK])  # noqa: E731
ADD: Callable[[Skep], Any] = lambda skep: skep.add("r", TASK)  # noqa: E731
PAGE = told({"runs": [], "next": None})
#: What would do something twice where its key did not say that it is the same.
KEYED: list[Any] = [
    (call, told(BRIEF))
    for call in (START, ADD, lambda skep: skep.resume("r"), lambda skep: skep.fork("r", "a"))
]


@pytest.mark.parametrize(("call", "answer"), [(GET, PAGE), (START, told(BRIEF)), (ADD, told(BRIEF))])
@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("refused"), problem(429, "rate_limited", Retry_After="0")]
)
def test_what_was_certainly_not_done_is_sent_again(call: Any, answer: httpx.Response, trouble: Any) -> None:
    script = Script(trouble, trouble, answer)
    with script.skep() as skep:
        call(skep)

    assert len(script.requests) == 3


@pytest.mark.parametrize(
    "trouble", [httpx.ReadError("cut"), httpx.ReadTimeout("late"), problem(503), problem(500)]
)
def test_what_may_have_been_done_is_sent_again(trouble: Any) -> None:
    for call, answer in ((GET, PAGE), (lambda skep: skep.abort("r"), told(BRIEF)), *KEYED):
        script = Script(trouble, answer)
        with script.skep() as skep:
            call(skep)
        assert len(script.requests) == 2


@pytest.mark.parametrize(("call", "answer"), KEYED)
def test_what_is_sent_again_has_the_same_key_and_the_next_request_another(call: Any, answer: Any) -> None:
    script = Script(problem(503), answer)
    with script.skep() as skep:
        call(skep)
        call(skep)

    keys = [request.headers["Idempotency-Key"] for request in script.requests]
    assert keys[0] == keys[1] != keys[2]


def test_it_is_not_sent_again_for_ever() -> None:
    for trouble, error, most in (
        (problem(503), ServiceTrouble, QUICK.most),
        (problem(429, "rate_limited", Retry_After="0"), TooBusy, QUICK.most),
        (problem(404, "run_not_found"), NotFound, 1),
        (problem(503, Retry_After="3600"), ServiceTrouble, 1),
    ):
        script = Script(trouble)
        with script.skep() as skep, pytest.raises(error):
            GET(skep)
        assert len(script.requests) == most


def test_where_nothing_answers_it_is_sent_again_for_as_long_as_it_has_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SleptClock()
    monkeypatch.setattr(sending, "time", clock)
    script = Script(httpx.ConnectError("refused"))
    patient = Retries(base_s=0.1, longest_s=0.5, patience_s=10.0)
    with script.skep(patient) as skep, pytest.raises(Unreachable, match="skep up"):
        GET(skep)
    assert len(script.requests) > QUICK.most
    assert 10.0 <= clock.now_s <= 10.5


def test_a_problem_is_read_to_its_last_member() -> None:
    body = {
        "type": "t",
        "title": "T",
        "status": 400,
        "detail": "x: no",
        "code": "invalid_input",
        "path": "x",
        "more": 7,
    }
    answer = httpx.Response(
        400, content=json.dumps(body), headers={"Content-Type": "application/problem+json; charset=utf-8"}
    )
    with Script(answer).skep() as skep, pytest.raises(ApiError) as told:
        GET(skep)

    error = told.value
    assert (error.code, error.message, error.status, error.title) == ("invalid_input", "x: no", 400, "T")
    assert (error.path, dict(error.details), str(error)) == ("x", {"more": 7}, "[invalid_input] x: no")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>not here</html>"),
        httpx.Response(400, json={"status": 400, "code": "x", "title": "t", "detail": "d"}),
        httpx.Response(400, content=b"[]", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(
            400, content=b'{"code": 1, "status": 400}', headers={"Content-Type": "application/problem+json"}
        ),
        httpx.Response(302, headers={"Location": "http://example.com/"}),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"runs": [{**BRIEF, "state": "flying"}], "next": None}),
        httpx.Response(200, json={"runs": [{**BRIEF, "task_count": True}], "next": None}),
    ],
)
def test_what_skep_does_not_answer_is_called_by_its_name(answer: httpx.Response) -> None:
    script = Script(answer)
    with script.skep() as skep, pytest.raises(UnexpectedAnswer, match=r"Skep|program"):
        GET(skep)

    assert [request.url.host for request in script.requests] == ["127.0.0.1"]


def test_a_stream_that_breaks_is_taken_up_behind_the_last_event() -> None:
    def event(seq: int, kind: str) -> str:
        data = json.dumps({"seq": seq, "ts": "t", "event": kind, "task_id": None, "status": None, "count": 1})
        return f"id: {seq}\nevent: {kind}\ndata: {data}\n\n"

    first = "retry: 1\n\n" + event(3, "run.started") + ": beat\n\n" + event(5, "task.queued")[:-20]
    rest = event(5, "task.queued") + event(9, "run.completed")
    run = {**BRIEF, "updated_at": 1, "policy": {}, "tasks": {}}
    run["usage"] = {"tokens": 0, "cost": {"amount": 0.0, "currency": "USD"}}
    stream = {"Content-Type": "text/event-stream"}
    script = Script(
        httpx.Response(200, text=first, headers=stream),
        told(run),
        httpx.Response(200, text=rest, headers=stream),
    )
    with script.skep() as skep:
        seen = [(each.seq, each.event, each.fields) for each in skep.events("r")]

    assert [(seq, kind) for seq, kind, _ in seen] == [
        (3, "run.started"),
        (5, "task.queued"),
        (9, "run.completed"),
    ]
    assert seen[0][2] == {"count": 1}
    assert [request.headers.get("Last-Event-ID") for request in script.requests] == ["0", None, "3"]


def test_an_output_that_breaks_off_is_taken_up_behind_its_last_text() -> None:
    def event(kind: str, place: str = "", **data: Any) -> str:
        head = f"id: {place}\n" if place else ""
        return f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n"

    begun = "retry: 1\n\n" + event("attempt", "1-0", attempt=1) + event("text", "1-5", text="first")
    rest = event("discarded", attempt=1, became="interrupted", reasons=[]) + event("news", "9-9")
    rest += event("attempt", "2-0", attempt=2) + event("text", "2-3", text="all")
    end = event("end", state="completed", attempt=2)
    stream = {"Content-Type": "text/event-stream"}
    script = Script(*[httpx.Response(200, text=text, headers=stream) for text in (begun, rest, end)])
    with script.skep() as skep:
        seen = [*skep.output_events("r", "a")]

    assert [each.kind for each in seen] == ["attempt", "text", "discarded", "attempt", "text", "end"]
    assert (seen[1].text, seen[2].became, seen[-1].state) == ("first", "interrupted", "completed")
    assert [request.headers.get("Last-Event-ID") for request in script.requests] == [None, "1-5", "2-3"]
    assert script.requests[0].url.path == "/api/v1/runs/r/tasks/a/output/events"


def test_a_time_to_come_back_is_a_number_or_a_date() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert [retry_after(text, now) for text in ("5", "Sun, 01 Mar 2026 12:00:07 GMT", "soon", None)] == [
        5,
        7,
        None,
        None,
    ]
    assert retry_after("Sun, 01 Mar 2026 11:00:00 GMT", now) == 0
