"""Spans of real runs, tasks, model calls and commands: their tree, what they never hold, where they go."""

from __future__ import annotations

import gzip
import json
import logging
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from store import budgets, recording
from telemetry import names
from telemetry.follower import read_state
from testing.model_script import Reply
from testing.model_server import ModelServer
from tests.integration.road_rig import RoadRig
from tests.integration.trace_rig import *  # noqa: F403  the fixtures
from tests.integration.trace_rig import ANSWER, PROMPT, named, spans, walk

SECRET = "sk-" + "abcDEF0123456789abcDEF0123456789"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_run_is_a_tree_of_spans_under_the_span_it_was_started_from(rig, follow) -> None:
    follower = follow()
    tasks = [
        {"id": "ask", "prompt": PROMPT, "max_tokens": 50},
        {"id": "do", "argv": ["echo", "hi"], "deps": ["ask"]},
    ]
    asked = {"id": "r-1", "name": "nightly", "tasks": tasks}
    answer = rig.client.post("/api/v1/runs", json=asked, headers={"traceparent": PARENT})
    assert answer.status_code == 202, answer.text
    walk(rig)
    walk(rig)

    follower.follow_up()

    run, call = named(rig, "invoke_workflow nightly"), named(rig, "chat test-model")
    entries = {span["attributes"]["skep.task.id"]: span for span in spans(rig) if span["name"] == "task"}
    attempts = {span["attributes"]["skep.task.id"]: span for span in spans(rig) if span["name"] == "attempt"}
    command = named(rig, "execute_tool command")
    assert {span["traceId"] for span in spans(rig)} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert run["parentSpanId"] == "00f067aa0ba902b7"
    assert {span["parentSpanId"] for span in entries.values()} == {run["spanId"]}
    assert attempts["r-1:ask"]["parentSpanId"] == entries["r-1:ask"]["spanId"]
    assert call["parentSpanId"] == attempts["r-1:ask"]["spanId"]
    assert command["parentSpanId"] == attempts["r-1:do"]["spanId"]
    assert len(spans(rig)) == 7
    assert (call["kind"], command["attributes"][names.EXIT_CODE]) == (3, "0")
    assert not [span for span in spans(rig) if "status" in span]
    for span in spans(rig):
        assert int(run["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


def test_a_model_call_is_told_by_the_conventions_names_and_only_what_is_known(rig, model, follow) -> None:
    follower = follow()
    rig.submit(prompt=PROMPT, max_tokens=50, temperature=0.5)
    walk(rig)
    model.reply_with(Reply(text=ANSWER, usage=False))
    rig.submit(prompt=PROMPT)
    walk(rig)

    follower.follow_up()

    known, unknown = [each["attributes"] for each in spans(rig) if each["name"] == "chat test-model"]
    assert (known[names.OPERATION], known[names.PROVIDER], known[names.OLD_PROVIDER]) == (
        "chat",
        "openai",
        "openai",
    )
    assert (known[names.REQUEST_MAX_TOKENS], known[names.REQUEST_TEMPERATURE]) == ("50", 0.5)
    assert known[names.FINISH_REASONS]["values"] == [{"stringValue": "stop"}]
    assert int(known[names.INPUT_TOKENS]) > 0
    assert int(known[names.OUTPUT_TOKENS]) > 0
    assert known[names.SERVER_ADDRESS] == "127.0.0.1"
    assert not {names.INPUT_TOKENS, names.OUTPUT_TOKENS, names.REQUEST_TEMPERATURE} & unknown.keys()


def test_older_names_are_left_out_where_that_is_asked_for(rig, follow) -> None:
    follower = follow({"OTEL_SEMCONV_STABILITY_OPT_IN": "http, gen_ai_latest_experimental"})
    rig.submit(prompt=PROMPT)
    walk(rig)

    follower.follow_up()

    assert names.OLD_PROVIDER not in named(rig, "chat test-model")["attributes"]


def test_nothing_of_prompts_commands_answers_and_secrets_is_told(rig, model, follow) -> None:
    follower = follow()
    model.reply_with(Reply(text=f"{ANSWER} {SECRET}"))
    rig.submit(id="ask", prompt=f"{PROMPT} {SECRET}")
    walk(rig)
    rig.submit(id="do", argv=["echo", "words-of-the-command"])
    walk(rig)

    follower.follow_up()

    text = (rig.home.traces / "spans.jsonl").read_text("utf-8") + json.dumps(read_state(rig.home))
    assert len(spans(rig)) == 6
    for word in ("words of the", "words-of-the-command", "echo", SECRET, SECRET[3:]):
        assert word not in text


def test_texts_are_told_without_secrets_where_a_person_says_so(rig, model, follow) -> None:
    follower = follow(otel_prompts=True)
    model.reply_with(Reply(text=ANSWER))
    rig.submit(prompt=f"{PROMPT} {SECRET}")
    walk(rig)
    rig.submit(argv=["echo", "words"])
    walk(rig)

    follower.follow_up()

    call = named(rig, "chat test-model")["attributes"]
    assert PROMPT in call[names.INPUT_MESSAGES]
    assert SECRET not in call[names.INPUT_MESSAGES]
    assert ANSWER in call[names.OUTPUT_MESSAGES]
    assert named(rig, "execute_tool command")["attributes"][names.COMMAND_LINE] == "echo words"


def test_what_a_dead_process_left_ends_as_an_error(rig, follow) -> None:
    follower = follow()
    claim = rig.claim(id="t-1", prompt=PROMPT)

    def begin(tx: Any) -> None:
        recording.start_cycle(tx, claim.ref, "gone/1/1")
        for call, decision in (("paid", "reserved"), ("free", "allowed")):
            tx.audit(
                "model_call",
                decision,
                actor="swarm",
                task_id="t-1",
                lease=claim.ref.lease,
                call=call,
                model="m",
            )
        budgets.reserve(tx, budgets.Reservation("paid", "t-1", claim.ref.lease, "m", "gone/1/1", [], 5))

    rig.store.write(begin)
    follower.follow_up()
    assert not (rig.home.traces / "spans.jsonl").exists()
    rig.store.write(lambda tx: budgets.settle_abandoned(tx, "swarm"))
    follower = follow()  # the process that followed died as well
    row = rig.store.reader.task("t-1")
    rig.store.write(lambda tx: recording.interrupted(tx, row, "idempotent", 3, "its process is gone"))

    follower.follow_up()

    assert named(rig, "attempt")["status"] == {"code": 2}
    assert named(rig, "attempt")["attributes"][names.ERROR_TYPE] == "interrupted"
    calls = {span["attributes"][names.ERROR_TYPE]: span for span in spans(rig) if span["name"] == "chat m"}
    assert calls.keys() == {"unsettled", "interrupted"}
    assert {span["parentSpanId"] for span in calls.values()} == {named(rig, "attempt")["spanId"]}


def submit_twice_refused(rig: RoadRig, model: ModelServer) -> None:
    """A task of a run whose first two attempts a server turns away."""
    rig.submit(prompt="takes the fixture's answer", max_tokens=5)
    walk(rig)
    model.reply_with(Reply(status=503), Reply(status=503))
    retry = {"max_attempts": 3, "base_ms": 0}
    tasks = [{"id": "a", "prompt": PROMPT, "max_tokens": 50}]
    rig.client.post("/api/v1/runs", json={"id": "r", "policy": {"retry": retry}, "tasks": tasks})


def test_attempts_that_follow_each_other_quickly_are_all_told(rig, model, follow) -> None:
    submit_twice_refused(rig, model)
    follower = follow()
    for _ in range(3):
        walk(rig)

    follower.follow_up()

    attempts = {span["spanId"] for span in spans(rig) if span["name"] == "attempt"}
    calls = [span["parentSpanId"] for span in spans(rig) if span["name"] == "chat test-model"]
    assert (len(attempts), len(calls)) == (3, 3)
    assert set(calls) == attempts


def test_of_a_task_that_others_followed_only_what_came_after_is_told(rig, model, follow) -> None:
    submit_twice_refused(rig, model)
    walk(rig)
    follower = follow()
    walk(rig)
    walk(rig)

    follower.follow_up()

    numbers = [span["attributes"][names.LEASE] for span in spans(rig) if span["name"] == "attempt"]
    assert numbers == ["2", "3"]


def test_nothing_is_told_twice_and_nothing_from_before_it_first_ran(rig, follow) -> None:
    rig.submit(id="before", argv=["echo", "1"])
    walk(rig)
    follow()
    rig.submit(id="after", argv=["echo", "1"])
    walk(rig)
    follow().follow_up()

    follow().follow_up()

    told = [span for span in spans(rig) if span["name"] == "task"]
    assert [span["attributes"]["skep.task.id"] for span in told] == ["after"]
    assert len({span["spanId"] for span in spans(rig)}) == len(spans(rig)) == 3


def test_the_figures_are_kept_through_a_restart(rig, follow) -> None:
    follower = follow()
    rig.submit(prompt=PROMPT, max_budget=0.000001)
    rig.submit(prompt=PROMPT)
    for _ in range(2):
        walk(rig)
    follower.follow_up()

    figures = follow().figures

    assert figures.calls[("test-model", "settled")] == 1
    assert figures.tokens[("test-model", "input")] > 0
    assert figures.micros[("test-model",)] > 0
    assert sum(figures.seconds[("test-model",)].counts) == 1
    assert sum(figures.errors.counts) == 1
    assert figures.as_json() == follower.figures.as_json()


def test_the_files_are_this_users_alone_and_bounded(rig, follow) -> None:
    follower = follow(trace_file_bytes=4096)
    for _ in range(12):
        rig.submit(argv=["true"])
        walk(rig)
        follower.follow_up()

    files = sorted(path.name for path in rig.home.traces.glob("spans*"))
    assert files == ["spans.1.jsonl", "spans.2.jsonl", "spans.3.jsonl", "spans.jsonl"]
    for path in rig.home.traces.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.suffix != ".jsonl" or path.stat().st_size <= 4096


def test_nothing_is_written_where_traces_are_off(rig, follow) -> None:
    follower = follow(traces="off")
    rig.submit(argv=["true"])
    walk(rig)

    follower.follow_up()

    assert not (rig.home.traces / "spans.jsonl").exists()


# -- OTLP --------------------------------------------------------------------------------------------------


class Receiver:
    """A collector's HTTP face: takes OTLP in protobuf."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.requests: list[tuple[str, ExportTraceServiceRequest]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def start(**how: Any) -> Receiver:
        made.append(Receiver(**how))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.mark.parametrize("by", ["setting", "variable"])
def test_spans_are_sent_by_otlp_as_they_are_written(rig, follow, receive, by: str) -> None:
    receiver = receive()
    if by == "setting":
        follower = follow(otel_endpoint=receiver.url)
    else:
        follower = follow({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{receiver.url}/"})
    rig.submit(prompt=PROMPT)
    walk(rig)

    follower.follow_up()
    assert follower.sender.wait(10)

    sent = [
        span
        for path, request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if path == "/v1/traces"
    ]
    written = {
        (span["traceId"], span["spanId"], span.get("parentSpanId", ""), span["name"]) for span in spans(rig)
    }
    assert {(s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex(), s.name) for s in sent} == written
    assert len(sent) == follower.sender.state()["sent"] == 3
    assert "words of the" not in str(receiver.requests)


def test_a_dead_receiver_costs_a_warning_and_nothing_else(rig, follow, receive, caplog) -> None:
    receiver = receive()
    receiver.close()
    follower = follow(otel_endpoint=receiver.url)
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            rig.submit(argv=["true"])
            walk(rig)
            follower.follow_up()
        with follower.sender._changed:
            assert follower.sender._changed.wait_for(lambda: follower.sender.dropped > 0, 20)

    assert len(spans(rig)) == 6
    told = [each.message for each in caplog.records if "traces" in each.message]
    assert told == ["traces cannot be sent to 127.0.0.1: the receiver does not take them"]
    assert not [each for each in caplog.records if each.name.startswith("opentelemetry")]


def test_a_redirect_is_not_followed(rig, follow, receive) -> None:
    elsewhere = receive()
    receiver = receive(status=307, location=f"{elsewhere.url}/v1/traces")
    follower = follow(otel_endpoint=receiver.url)
    rig.submit(argv=["true"])
    walk(rig)

    follower.follow_up()
    assert follower.sender.wait(10)

    assert receiver.requests
    assert elsewhere.requests == []
    assert follower.sender.state()["sent"] == 0


# -- whom an attempt is executed for -----------------------------------------------------------------------


def test_swarm_is_told_the_span_of_the_attempt_and_others_may_send_their_own(rig, follow) -> None:
    follower = follow()
    rig.submit(id="own", prompt=PROMPT)
    own = walk(rig)
    claim = rig.claim(id="other", argv=["true"])
    body = {"lease": claim.ref.lease, "mode": "local", "argv": ["true"]}
    rig.client.post("/cycle", json={"task_id": "other", **body}, headers={"traceparent": PARENT})
    garbled = rig.claim(id="garbled", argv=["true"])
    rig.client.post("/cycle", json={"task_id": "garbled", **body}, headers={"traceparent": "00-zz-1"})
    rig.store.write(lambda tx: recording.fail(tx, tx.one("get_task", id="other"), "exit_code", "it failed"))

    follower.follow_up()

    (attempt,) = [span for span in spans(rig) if span["spanId"] == rig.attempt(own)["traceparent"][36:52]]
    assert (attempt["name"], attempt["attributes"]["skep.task.id"]) == ("attempt", "own")
    assert rig.attempt(own)["traceparent"] == f"00-{attempt['traceId']}-{attempt['spanId']}-01"
    command = named(rig, "execute_tool command")
    assert (command["traceId"], command["parentSpanId"]) == tuple(PARENT.split("-")[1:3])
    assert rig.attempt(garbled)["traceparent"] is None


def test_without_the_library_files_are_written_all_the_same(rig, follow, monkeypatch, caplog) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    follower = follow(otel_endpoint="http://127.0.0.1:9")
    rig.submit(argv=["true"])
    walk(rig)

    follower.follow_up()

    assert len(spans(rig)) == 3
    assert follower.sender.state()["dropped"] == 3
    told = [each.message for each in caplog.records if "traces are not sent" in each.message]
    assert len(told) == 1
    assert "pip install 'skep[otel]'" in told[0]


def test_a_row_that_cannot_be_understood_stands_in_nobodys_way(rig, follow, caplog) -> None:
    follower = follow()
    rig.store.write(lambda tx: tx.audit("model_call", "settled", actor="swarm", call="c", model="m"))
    rig.store.write(
        lambda tx: tx.connection.execute("UPDATE audit SET data = '[' WHERE event = 'model_call'")
    )
    rig.submit(argv=["true"])
    walk(rig)

    follower.follow_up()

    assert len(spans(rig)) == 3
    assert [each.message for each in caplog.records if "is left out" in each.message]
