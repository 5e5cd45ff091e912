"""The history as a stream, over real HTTP: it misses nothing, costs a bounded number of threads, and ends."""

from __future__ import annotations

import json

import httpx
import pytest

from panel.streams import MOST_STREAMS, unlike_last
from settings import Home
from store import private_files
from store.sqlite_store import SqliteStore
from tests.unit.panel.furnish import Furnisher
from tests.unit.panel.in_a_browser import RunningPanel

TOKEN = "t" * 43


@pytest.fixture
def panel(tmp_path):
    with RunningPanel(Home(tmp_path)) as running:
        private_files.write(running.home.token, TOKEN)
        yield running


@pytest.fixture
def client(panel):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=panel.url, headers=headers, timeout=20) as client:
        yield client


def messages(response, count, lines=None):
    """The next messages of a stream, as (id, event, data); `lines` where they are read on."""
    found, current = [], {}
    for line in lines or response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            current[name] = value
        elif "event" in current:
            found.append((int(current.get("id", 0)), current["event"], json.loads(current["data"])))
            current = {}
        if len(found) == count:
            return found
    return found


def test_a_stream_brings_what_happens_after_it_was_opened(panel, client):
    panel.by.add("before")
    with client.stream("GET", "/api/v1/events/stream") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        panel.by.add("x")
        ((number, event, told),) = messages(stream, 1)

    assert (event, told["task_id"], told["seq"]) == ("task.queued", "x", number)


def test_a_client_that_comes_back_misses_nothing_and_sees_nothing_twice(panel, client):
    panel.by.add(*[f"t{number}" for number in range(1200)])
    whole = [event["seq"] for event in pages(client)]

    seen: list[int] = []
    last = {"Last-Event-ID": "0"}
    while len(seen) < len(whole):
        with client.stream("GET", "/api/v1/events/stream", headers=last) as stream:
            seen += [number for number, _, _ in messages(stream, min(450, len(whole) - len(seen)))]
        last = {"Last-Event-ID": str(seen[-1])}

    assert seen == whole


def pages(client):
    after = "0"
    while after is not None:
        page = client.get("/api/v1/events", params={"after": after, "limit": 500}).json()
        yield from page["events"]
        after = page["next"]


def test_the_last_pulse_of_a_stream_is_that_of_the_home_however_fast_others_wrote(panel, client):
    """Counts and pulse may be a moment old while others write; when they are quiet again, none is."""
    other = SqliteStore(panel.home, panel.store.settings)
    with other, client.stream("GET", "/pulse/stream") as stream:
        lines = stream.iter_lines()
        for number in range(40):
            Furnisher(other).add(f"t{number}")
        event, said = "pulse", {"health": {"sentence": ""}}
        while event == "pulse" and "40 tasks" not in said["health"]["sentence"]:
            ((_, event, said),) = messages(stream, 1, lines)

    assert said == client.get("/pulse").json()


def test_a_pulse_that_is_as_it_was_is_not_sent_again():
    told = iter([["a"], ["a"], ["b"], ["b"], ["a"]])
    source = unlike_last(lambda: next(told))

    assert [source() for _ in range(5)] == [["a"], [], ["b"], [], ["a"]]


def test_a_stream_of_one_task_tells_of_no_other(panel, client):
    with client.stream("GET", "/api/v1/events/stream", params={"task_id": "y"}) as stream:
        panel.by.add("x", "y")
        ((_, _, told),) = messages(stream, 1)

    assert told["task_id"] == "y"


def test_secrets_are_taken_out_of_a_stream(panel, client, monkeypatch):
    with client.stream("GET", "/api/v1/events/stream") as stream:
        panel.store.pause("cli", "key sk-ant-api03-" + "a1B2" * 20)
        ((_, _, told),) = messages(stream, 1)

    assert "a1B2a1B2" not in json.dumps(told)


@pytest.mark.parametrize("header", ["x", "-1", "1" * 30, "1; drop"])
def test_an_id_that_is_none_is_refused(client, header):
    answer = client.get("/api/v1/events/stream", headers={"Last-Event-ID": header})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_streams_over_the_limit_are_sent_away_and_pages_go_on(tmp_path):
    with RunningPanel(Home(tmp_path), threads=MOST_STREAMS + 4) as panel:
        private_files.write(panel.home.token, TOKEN)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=panel.url, headers=headers, timeout=20) as client:
            held = [client.build_request("GET", "/api/v1/events/stream") for _ in range(MOST_STREAMS)]
            opened = [client.send(request, stream=True) for request in held]
            refused = client.get("/api/v1/events/stream")
            page = client.get("/api/v1/status")
            for stream in opened:
                stream.close()

        assert {stream.status_code for stream in opened} == {200}
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
        assert int(refused.headers["Retry-After"]) > 0
        assert page.status_code == 200


def test_a_place_is_free_again_when_a_client_has_gone(panel, client):
    for _ in range(MOST_STREAMS * 2):
        stream = client.send(client.build_request("GET", "/api/v1/events/stream"), stream=True)
        while stream.status_code == 503:  # that one has gone is noticed within a look
            stream.close()
            stream = client.send(client.build_request("GET", "/api/v1/events/stream"), stream=True)
        assert stream.status_code == 200
        next(stream.iter_lines())
        stream.close()


def test_an_answer_that_is_known_is_not_sent_again(panel, client):
    panel.by.add("x")
    first = client.get("/api/v1/tasks")

    again = client.get("/api/v1/tasks", headers={"If-None-Match": first.headers["ETag"]})
    panel.by.add("y")
    changed = client.get("/api/v1/tasks", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200
