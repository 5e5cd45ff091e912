"""Answers of every shape that servers give, over real sockets."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import ModelFailed, ModelTimeout
from llm import Call, Message, Usage
from testing.model_client import TEST_KEY, ask, client_for, question
from testing.model_script import ModelRequest
from testing.model_server import Reply

PROTOCOLS = ["openai", "anthropic"]


@pytest.fixture(params=PROTOCOLS)
def client(server, request):
    with contextlib.closing(client_for(server.url, request.param)) as client:
        yield client


@pytest.fixture
def openai(server):
    with contextlib.closing(client_for(server.url)) as client:
        yield client


@pytest.fixture
def anthropic(server):
    with contextlib.closing(client_for(server.url, "anthropic")) as client:
        yield client


def test_an_answer_is_streamed_and_given_whole(server, client):
    server.reply_with(Reply(text="one two\nthree \u00e4\u2028\U0001f41d"))
    pieces: list[str] = []

    result = client.complete(question("four words of prompt"), on_text=pieces.append, call=Call())

    assert result.text == "".join(pieces) == "one two\nthree \u00e4\u2028\U0001f41d"
    assert len(pieces) > 1
    assert result.usage == Usage(4, 5, "server")
    assert result.finish_reason == "stop"
    assert result.model == "test-model"
    assert result.response_id


@pytest.mark.parametrize(
    ("halves", "whole"),
    [
        (["a \\ud83d", "\\udc1d b"], "a \U0001f41d b"),
        (["\\ud83d", "", "\\udc1d\\ud83d", "\\udc1d"], "\U0001f41d\U0001f41d"),
        (["a\\ud83d", "b"], "a\ud83db"),
        (["a", "b\\ud83d"], "ab\ud83d"),
        (["\\udc1d", "\\ud83d"], "\udc1d\ud83d"),
    ],
    ids=["a pair", "apart", "no pair", "the end", "the wrong way round"],
)
def test_a_character_whose_halves_come_in_two_pieces_is_one(server, openai, halves, whole):
    said = [f'{{"choices": [{{"delta": {{"content": "{half}"}}}}]}}' for half in halves]
    said += ['{"choices": [{"delta": {}, "finish_reason": "stop"}]}', "[DONE]"]
    body = "".join(f"data: {each}\n\n" for each in said)
    server.reply_with(Reply(body=body.encode(), content_type="text/event-stream"))
    pieces: list[str] = []

    result = openai.complete(question(), on_text=pieces.append, call=Call())

    assert result.text == "".join(pieces) == whole


@pytest.mark.parametrize(
    ("packed", "is_read"),
    [(["gzip"], True), (["gzip", "identity"], True), (["gzip", "gzip"], False), (["br"], False)],
)
def test_an_answer_is_unpacked_once_for_what_is_packed_in_it_has_no_bound(server, openai, packed, is_read):
    body = b'{"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}'
    for _ in filter("identity".__ne__, packed):
        body = gzip.compress(body)
    headers = {"Content-Encoding": ", ".join(packed)}
    server.reply_with(Reply(body=body, content_type="application/json", headers=headers))

    if is_read:
        assert ask(openai, "hi").text == "ok"
    else:
        with pytest.raises(ModelFailed, match="it was asked not to pack it"):
            ask(openai, "hi")


@pytest.mark.parametrize("word", ["none", "utf-8", "", "identity", "aws-chunked"])
def test_an_answer_that_is_called_packed_by_a_word_that_is_no_packing_is_read(server, client, word):
    server.reply_with(Reply(text="one two", headers={"Content-Encoding": word}))

    assert ask(client).text == "one two"


def test_the_openai_request_is_as_documented(server, openai):
    ask(openai, "hi", temperature=0.5, max_tokens=7)

    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {TEST_KEY}"
    assert request.body == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 7,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_anthropic_request_is_as_documented(server, anthropic):
    messages = (Message("system", "be brief"), Message("user", "hi"), Message("assistant", "yes?"))
    ask(anthropic, messages=messages, temperature=1.5, max_tokens=7)

    (request,) = server.requests
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == TEST_KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == {
        "model": "test-model",
        "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}],
        "max_tokens": 7,
        "temperature": 1.0,
        "stream": True,
    }


def test_anthropics_cached_tokens_count_as_read(server, anthropic):
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 500,
        "output_tokens": 9,
    }
    body = {"id": "m", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn", "usage": usage}
    server.reply_with(Reply(body=json.dumps(body)))

    assert ask(anthropic).usage == Usage(543, 9, "server")


def test_a_count_that_nobody_could_read_again_is_no_count(server, client):
    digits = "9" + "0" * 4299  # the most that Python reads; of two of them the sum has one more
    counts = dict.fromkeys(("prompt_tokens", "input_tokens", "cache_read_input_tokens"), "HUGE")
    ends = {"completion_tokens": 1, "output_tokens": 1}
    content = [{"type": "text", "text": "x"}]
    choices = [{"message": {"content": "x"}, "finish_reason": "stop"}]
    body = json.dumps({"content": content, "choices": choices, "usage": counts | ends})
    server.reply_with(Reply(body=body.replace('"HUGE"', digits), content_type="application/json"))

    assert ask(client, "1234").usage == Usage(1, 1, "estimate")


def test_text_that_begins_a_block_is_part_of_the_answer(server, anthropic):
    said: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "m", "model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "one "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "two"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "text": "no"}},
        {"type": "message_stop"},
    ]
    stream = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in said)
    server.reply_with(Reply(body=stream, content_type="text/event-stream"))

    assert ask(anthropic).text == "one two"


@pytest.mark.parametrize("data", ["", "0", "null", "{}", "[]"])
def test_an_error_in_the_stream_that_says_nothing_is_an_error(server, anthropic, data):
    stream = (
        'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'
        f"event: error\ndata: {data}\n\n"
        'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    )
    server.reply_with(Reply(body=stream, content_type="text/event-stream"))

    with pytest.raises(ModelFailed, match="an error without words"):
        ask(anthropic)


def test_a_server_that_ignores_stream_is_understood(server, client):
    server.reply_with(Reply(text="one two", plain=True))

    result = ask(client)

    assert (result.text, result.usage) == ("one two", Usage(2, 2, "server"))


def test_usage_is_estimated_where_there_is_none(server, client):
    server.reply_with(Reply(text="12345", usage=False))

    assert ask(client, "123456789").usage == Usage(3, 2, "estimate")


@pytest.mark.parametrize("change", [{"done": False}, {"finish_reason": None}])
def test_either_end_mark_is_enough(server, client, change):
    server.reply_with(Reply(text="whole", **change))

    assert ask(client).text == "whole"


def test_a_stream_with_neither_end_mark_is_cut(server, client):
    server.reply_with(Reply(text="not whole", done=False, finish_reason=None))

    with pytest.raises(ModelFailed, match="broke off"):
        ask(client)


@pytest.mark.parametrize("pieces", [0, 1, 2, 3])
def test_a_cut_stream_is_never_an_answer(server, client, pieces):
    server.reply_with(Reply(text="one two three four", cut_after_chunks=pieces))

    with pytest.raises(ModelFailed, match="broke off"):
        ask(client)


def test_a_cut_after_the_reason_loses_only_the_usage(server, openai):
    server.reply_with(Reply(text="whole", cut_after_chunks=3))

    result = ask(openai)

    assert (result.text, result.usage.source) == ("whole", "estimate")


def test_cut_json_is_never_an_answer(server, client):
    server.reply_with(Reply(text="one two three four", plain=True, cut_after_chunks=1))

    with pytest.raises(ModelFailed, match="broke off"):
        ask(client)


def test_a_server_that_never_closes_its_stream_does_not_hold_up_the_answer(server, openai):
    body = (
        b'data: {"choices":[{"delta":{"content":"whole"},"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n" + b": more\n\n" * 100
    )
    server.reply_with(Reply(body=body, content_type="text/event-stream", byte_delay_s=0.002))

    assert ask(openai).text == "whole"


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    "body",
    [
        "null",
        "",
        "[]",
        "{}",
        '{"choices": []}',
        '{"choices": [{}]}',
        '{"choices": null, "content": null}',
        "not json",
        '{"choices',
        "data: [DONE]\n\n",
        "data: null\n\ndata: {}\n\ndata: [DONE]\n\n",
        '{"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]}',
    ],
)
def test_a_body_without_an_answer_is_a_failure(server, client, body, content_type):
    server.reply_with(Reply(body=body, content_type=content_type))

    with pytest.raises(ModelFailed):
        ask(client)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None}, ""),
        ({"content": None, "tool_calls": []}, ""),
        ({"content": None, "refusal": "I will not"}, "I will not"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "thinking"}, {"text": "b"}]}, "ab"),
    ],
)
def test_odd_contents_are_read(server, openai, message, text):
    server.reply_with(Reply(body=json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})))

    assert ask(openai).text == text


def test_a_stream_of_the_wrong_type_with_odd_line_ends_and_heartbeats_is_read(server, openai):
    body = (
        b": processing\r\n\r\n: processing\r\n\r\n"
        b'data: {"choices":[{"delta":{"content":"a"}}]}\r\n\r\n'
        b'data: {"choices":[{"delta":{"content":"b"},\r\ndata: "finish_reason":"eos"}]}\r\n\r\n'
        b"data: [DONE]"
    )
    server.reply_with(Reply(body=body, content_type="text/plain", byte_delay_s=0.0001))

    result = ask(openai)

    assert (result.text, result.finish_reason) == ("ab", "stop")


def test_a_dripping_server_meets_the_deadline(server, client):
    server.reply_with(Reply(text="x " * 500, byte_delay_s=0.02))

    with pytest.raises(ModelTimeout, match=r"in 0\.3 s"):
        ask(client, timeout_s=0.3)


def test_a_silent_server_meets_the_deadline(server, client):
    server.reply_with(Reply(delay_s=30))

    with pytest.raises(ModelTimeout, match="nothing came back"):
        ask(client, timeout_s=0.2)


def test_a_flooding_server_meets_the_bound(server, client, monkeypatch):
    monkeypatch.setattr("llm.http.ANSWER_BYTES", 2**20)
    server.reply_with(
        Reply(body=b"data: " + b"x" * 2**21, content_type="text/event-stream"),
        Reply(body=b'{"x": "' + b"x" * 2**21),
    )

    for _ in range(2):
        with pytest.raises(ModelFailed, match="more than 1 MiB"):
            ask(client)


@pytest.mark.slow
def test_the_bound_is_64_mib(server, openai):
    server.reply_with(Reply(body=b"data: " + b"x" * (64 * 2**20), content_type="text/event-stream"))

    with pytest.raises(ModelFailed, match="more than 64 MiB"):
        ask(openai)


def test_connections_are_kept(server, client):
    for _ in range(5):
        ask(client)

    assert len({request.connection for request in server.requests}) == 1


def test_fifty_calls_at_once_have_fifty_connections_and_the_next_fifty_reuse_them(
    server, client, monkeypatch
):
    monkeypatch.setattr("llm.client.AFTER_END_S", 60.0)  # an end that is late costs the connection
    together = threading.Barrier(50)  # none is answered before all are there

    def answer(request: ModelRequest) -> Reply:
        together.wait(60)
        return Reply(text=request.prompt)

    def one(number: int) -> str:
        return ask(client, f"call {number}").text

    server.answer = answer
    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(one, range(50))) == [f"call {number}" for number in range(50)]
        first = {request.connection for request in server.requests}
        assert list(pool.map(one, range(50, 100))) == [f"call {number}" for number in range(50, 100)]

    assert len(first) == 50
    assert {request.connection for request in server.requests} == first


def test_an_error_of_the_listener_is_its_own(server, client):
    def fails(_: str) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        client.complete(question(), on_text=fails, call=Call())

    assert ask(client).text == "ok"
