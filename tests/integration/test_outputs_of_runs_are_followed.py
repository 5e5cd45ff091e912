"""The output of a run's task over HTTP while it is written: attempts, places, secrets and ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from execution import run_stream
from testing.model_server import ModelServer, Reply
from tests.integration.swarm_rig import eventually
from tests.integration.worker_rig import WorkerRig

BASE = "/api/v1/runs"
SETTINGS = {"max_attempts": 3, "retry_base_s": 0.01}
REJECTED: dict[str, Any] = {"id": "a", "prompt": "Say yes.", "expect": {"contains": ["yes"]}}


def start(working: WorkerRig, *tasks: dict[str, Any]) -> str:
    answer = working.client.post(BASE, json={"tasks": [*tasks]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


class Reading:
    """Reads events of a stream one by one."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()
        #: the id of the last event that had one
        self.place = ""

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        kind = ""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.place = value
            elif name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)

    def until(self, words: str) -> str:
        """The text up to some words."""
        told = ""
        for kind, data in self:
            told += data["text"] if kind == "text" else ""
            if words in told:
                return told
        raise AssertionError(told)


def followed(working: WorkerRig, run: str, task: str = "a", **query: str) -> list[tuple[str, dict[str, Any]]]:
    with working.client.stream("GET", f"{BASE}/{run}/tasks/{task}/output/events", params=query) as answer:
        assert answer.status_code == 200, answer.read()
        return [*Reading(answer)]


def text_of(events: list[tuple[str, dict[str, Any]]]) -> str:
    return "".join(data["text"] for kind, data in events if kind == "text")


def test_an_answer_is_told_while_it_is_written_and_goes_on_from_its_place(
    working: WorkerRig, models: ModelServer
) -> None:
    rest = threading.Event()
    words = "first words of it. Then é and more of them, and the last."
    models.reply_with(Reply(text=words, hold_stream=rest))
    run = start(working, {"id": "a", "prompt": "Speak."})
    address = f"{BASE}/{run}/tasks/a/output/events"
    with working.client.stream("GET", address) as answer:
        reading = Reading(answer)
        begun = reading.until("first")
    assert working.client.get(f"{BASE}/{run}/tasks/a/output").json()["code"] == "no_answer"
    rest.set()

    with working.client.stream("GET", address, headers={"Last-Event-ID": reading.place}) as answer:
        events = [*Reading(answer)]
    assert begun + text_of(events) == words
    assert [kind for kind, _ in events if kind != "text"] == ["end"]
    assert events[-1][1] == {"state": "completed", "attempt": 1}
    whole = followed(working, run)
    assert (whole[0], text_of(whole)) == (("attempt", {"attempt": 1}), words)
    assert text_of(followed(working, run, after="1-6")) == words[6:]
    assert working.client.get(f"{BASE}/{run}/tasks/a/output").text == words


def test_an_attempt_that_is_rejected_is_discarded_and_the_next_begins_anew(
    working: WorkerRig, models: ModelServer
) -> None:
    begin = threading.Event()
    models.reply_with(Reply(text="certainly no.", hold_stream=begin), Reply(text="Well, yes."))
    run = start(working, REJECTED)
    with working.client.stream("GET", f"{BASE}/{run}/tasks/a/output/events") as answer:
        reading = iter(Reading(answer))
        events = [next(reading), next(reading)]
        begin.set()
        events += reading

    kinds = [kind for kind, _ in events]
    assert [kind for kind in kinds if kind != "text"][-4:] == ["attempt", "discarded", "attempt", "end"]
    at = kinds.index("discarded")
    assert "certainly no.".startswith(text_of(events[:at]).strip() or "nothing")
    assert (events[at][1]["attempt"], events[at][1]["became"]) == (1, "rejected")
    assert "yes" in " ".join(events[at][1]["reasons"])
    assert text_of(events[at:]) == "Well, yes."
    assert events[-1][1] == {"state": "completed", "attempt": 2}

    again = followed(working, run, after="1-4")
    assert [kind for kind, _ in again if kind != "text"] == ["discarded", "attempt", "end"]
    assert text_of(again) == "Well, yes."


def test_what_was_rejected_to_the_end_has_no_answer(working: WorkerRig, models: ModelServer) -> None:
    models.reply_with(*[Reply(text="Certainly no.")] * 3)
    run = start(working, REJECTED)
    events = followed(working, run)

    assert [kind for kind, _ in events][-2:] == ["discarded", "end"]
    assert events[-1][1]["state"] == "failed"


def test_no_secret_is_told_however_it_is_cut(working: WorkerRig, models: ModelServer) -> None:
    rest = threading.Event()
    models.reply_with(Reply(text="Key AKIAIOSFODNN7EXAMPLE and more.", hold_stream=rest))
    run = start(working, {"id": "a", "prompt": "Speak."})
    with working.client.stream("GET", f"{BASE}/{run}/tasks/a/output/events") as answer:
        reading = Reading(answer)
        events = iter(reading)
        assert next(events)[0] == "attempt"
        rest.set()
        told = text_of([*events])
    assert told == "Key [redacted:aws-key-id] and more."
    lease = reading.place.partition("-")[0]
    for cut in range(0, len(told), 3):
        assert text_of(followed(working, run, after=f"{lease}-{cut}")) == told[cut:]


def test_answers_that_no_attempt_wrote_are_told_whole(working: WorkerRig) -> None:
    asks = {"id": "ask", "ask": "Why?"}
    run = start(working, {"id": "list", "argv": ["echo", "bees"]}, asks)
    assert text_of(followed(working, run, "list")) == "bees\n"
    asked = lambda: working.client.get(f"{BASE}/{run}/decisions").json()["decisions"]  # noqa: E731
    (question,) = eventually(asked, "the question is put up")
    said = {"answer": "answer", "comment": "Because."}
    working.client.post(f"{BASE}/{run}/decisions/{question['id']}", json=said)
    events = followed(working, run, "ask")
    assert (text_of(events), events[-1][1]["state"]) == ("Because.", "completed")

    fork = working.client.post(f"{BASE}/{run}/fork", json={"task": "ask"}).json()["id"]
    assert text_of(followed(working, fork, "list")) == "bees\n"
    working.client.post(f"{BASE}/{fork}/abort", json={})
    assert followed(working, fork, "ask")[-1][1]["state"] in {"failed", "skipped"}


def test_what_is_not_there_or_no_place_is_refused_and_streams_are_few(working: WorkerRig) -> None:
    run = start(working, {"id": "list", "argv": ["true"]})
    for address, query, code in (
        (f"{run}/tasks/none", {}, "task_not_found"),
        ("none/tasks/list", {}, "run_not_found"),
        (f"{run}/tasks/list", {"after": "12"}, "invalid_input"),
        (f"{run}/tasks/list", {"after": "1-01"}, "invalid_input"),
        (f"{run}/tasks/list", {"after": "-1-1"}, "invalid_input"),
    ):
        answer = working.client.get(f"{BASE}/{address}/output/events", params=query)
        assert (answer.status_code >= 400, answer.json()["code"]) == (True, code)
    streams = working.swarm.runs.streams
    taken = [streams._free.acquire(timeout=10) for _ in range(run_stream.MOST_STREAMS)]
    assert working.client.get(f"{BASE}/{run}/tasks/list/output/events").json()["code"] == "too_many_streams"
    for _ in taken:
        streams._free.release()
