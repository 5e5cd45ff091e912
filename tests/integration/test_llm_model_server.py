"""The scripted model server itself: its markers, and its form as a process."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from errors import ModelBusy, ModelFailed
from testing.model_client import ask, client_for
from testing.model_server import ModelServer, Reply

HOME = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def running(*flags):
    """The server as a process of its own; gives its base URL."""
    command = [sys.executable, "-m", "testing.model_server", *map(str, flags)]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_markers_in_a_prompt_choose_the_answer(client):
    assert (
        ask(client, "please [[reply: a [text], \u00e4\nand more ]] thanks").text
        == "a [text], \u00e4\nand more"
    )
    assert ask(client, "[[no-usage]]").usage.source == "estimate"
    assert ask(client, "[[delay: 0.01]] [[drip: 0.01]] [[reply: slow]]").text == "slow"
    with pytest.raises(ModelFailed, match="broke off"):
        ask(client, "[[cut]]")
    with pytest.raises(ModelBusy) as caught:
        ask(client, "[[status: 429 retry-after=1]]")
    assert caught.value.retry_after_s == 1.0


def test_a_marker_with_times_fails_so_often(client):
    for _ in range(2):
        with pytest.raises(ModelFailed):
            ask(client, "[[status: 500 times=2]]")

    assert ask(client, "[[status: 500 times=2]]").text == "ok"


def test_queued_replies_go_before_the_answer_and_the_answer_before_markers(server, client):
    server.answer = lambda request: Reply(text=f"heard {request.prompt}")
    server.reply_with(Reply(text="first"))

    assert ask(client, "[[reply: x]]").text == "first"
    assert ask(client, "[[reply: x]]").text == "heard [[reply: x]]"


def test_waiting_for_requests_that_do_not_come_says_how_many_did(server, client):
    ask(client)

    with pytest.raises(TimeoutError, match="1 of 2"):
        server.wait_for_requests(2, timeout_s=0.01)


def test_closing_frees_whoever_waits():
    hold = threading.Event()
    caught: list[ModelFailed] = []

    def asks():
        with contextlib.closing(client_for(closing.url)) as client:
            try:
                ask(client)
            except ModelFailed as error:
                caught.append(error)

    with ModelServer() as closing:
        closing.reply_with(Reply(hold=hold))
        asking = threading.Thread(target=asks)
        asking.start()
        closing.wait_for_requests(1)
    asking.join()

    assert hold.is_set()
    assert len(caught) == 1


def test_the_lists_of_models(server):
    with httpx.Client(trust_env=False) as http:
        assert http.get(f"{server.url}/models").json()["data"][0]["id"] == "test-model"
        assert http.get(f"{server.root}/api/tags").json()["models"][0]["name"] == "test-model"
        assert http.get(f"{server.root}/nothing").status_code == 404
        assert http.post(f"{server.root}/nothing", json={}).status_code == 404


def test_the_process_answers_and_logs_each_call(tmp_path):
    log = tmp_path / "calls.jsonl"
    flags = ("--log", log, "--text", "from afar", "--delay-ms", 1)
    with running(*flags) as url, contextlib.closing(client_for(url)) as client:
        assert ask(client, "what?").text == "from afar"
        with pytest.raises(ModelFailed):
            ask(client, "[[status: 500]]")
        lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert [(line["prompt"], line["status"], line["model"]) for line in lines] == [
        ("what?", 200, "test-model"),
        ("[[status: 500]]", 500, "test-model"),
    ]


def test_the_process_fails_every_so_often():
    with running("--fail-every", 2) as url, contextlib.closing(client_for(url)) as client:
        for _ in range(2):
            assert ask(client).text == "ok"
            with pytest.raises(ModelFailed):
                ask(client)
