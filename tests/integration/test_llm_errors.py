"""Refusals, breakdowns and servers that are not there, over real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading

import pytest

from errors import ModelBusy, ModelFailed, ModelRefused, ModelUnreachable
from testing.model_client import TEST_KEY, ask, client_for
from testing.model_server import Reply


@pytest.fixture
def openai(server):
    with contextlib.closing(client_for(server.url)) as client:
        yield client


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait", "hint"),
    [
        (400, {}, ModelRefused, None, ""),
        (401, {}, ModelRefused, None, "SKEP_LLM_API_KEY"),
        (403, {}, ModelRefused, None, "SKEP_LLM_API_KEY"),
        (422, {}, ModelRefused, None, ""),
        (429, {}, ModelBusy, None, ""),
        (429, {"Retry-After": "3"}, ModelBusy, 3.0, ""),
        (500, {}, ModelFailed, None, ""),
        (503, {"Retry-After": "3"}, ModelBusy, 3.0, ""),
        (529, {}, ModelBusy, None, ""),
    ],
)
def test_a_status_is_an_error_with_the_servers_words(server, client, status, headers, kind, wait, hint):
    server.reply_with(Reply(text=f"my words {TEST_KEY}", status=status, headers=headers))

    with pytest.raises(kind) as caught:
        ask(client)

    assert caught.value.retry_after_s == wait
    assert "my words ***" in caught.value.message
    assert hint in caught.value.message
    assert TEST_KEY not in repr(caught.value)


@pytest.mark.parametrize(
    ("status", "packed", "kind"),
    [
        (401, "br", ModelRefused),
        (429, "gzip", ModelBusy),
        (429, "zstd", ModelBusy),
        (400, "gzip", ModelRefused),
    ],
)
def test_the_status_counts_where_the_words_cannot_be_read(server, client, status, packed, kind):
    headers = {"Content-Encoding": packed, "Retry-After": "7"}
    server.reply_with(Reply(body=b"\x1f\x8bnot packed", status=status, headers=headers))

    with pytest.raises(kind) as caught:
        ask(client)

    assert caught.value.retry_after_s == (7.0 if status == 429 else None)


def test_a_connection_serves_again_after_an_error(server, client):
    server.reply_with(Reply(status=500))
    with pytest.raises(ModelFailed):
        ask(client)

    ask(client)

    assert len({request.connection for request in server.requests}) == 1


def test_an_unknown_model_is_told_which_there_are(server, client):
    server.models = ["small", "large"]
    server.reply_with(Reply(text="model not found", status=404))

    with pytest.raises(ModelRefused, match=r"model not found.*Models there: small, large\."):
        ask(client)


@pytest.mark.parametrize("listing", [Reply(status=500), Reply(hang_up=True), Reply(body="null")])
def test_an_unknown_model_without_a_list_is_told_the_settings(server, client, listing):
    server.models_reply = listing
    server.reply_with(Reply(text="model not found", status=404))

    with pytest.raises(ModelRefused, match="SKEP_LLM_MODEL"):
        ask(client)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "my words"}}, ModelBusy),
        ({"error": {"message": "my words", "code": 400}}, ModelRefused),
        ({"error": {"message": "my words"}}, ModelFailed),
        ({"detail": "my words"}, ModelFailed),
        ("my words", ModelFailed),
    ],
)
def test_an_error_in_the_stream_is_an_error(server, client, error, kind):
    server.reply_with(Reply(text="half an answer", stream_error=error))

    with pytest.raises(kind, match="my words"):
        ask(client)


@pytest.mark.parametrize("body", ['{"error": {"message": "my words"}}', 'data: {"error": "my words"}\n\n'])
def test_an_error_under_status_200_is_an_error(server, client, body):
    server.reply_with(Reply(body=body))

    with pytest.raises(ModelFailed, match="my words"):
        ask(client)


def refusing(field: str, words: str, status: int = 400):
    """Answers that refuse a request with `field`, and take it without."""

    def answer(request):
        refused = field in request.body
        return Reply(status=status, body=words) if refused else Reply(text="at last")

    return answer


@pytest.mark.parametrize(
    ("field", "status", "body"),
    [
        ("stream_options", 400, {"error": {"message": "Unrecognized request argument: stream_options"}}),
        ("stream_options", 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}),
        (
            "max_tokens",
            400,
            {
                "error": {
                    "message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
                }
            },
        ),
        (
            "temperature",
            400,
            {
                "error": {
                    "param": "temperature",
                    "message": "Only the default is supported: Unsupported value",
                }
            },
        ),
        ("stream", 400, {"error": {"param": "stream", "message": "this model does not support streaming"}}),
    ],
)
def test_a_field_that_is_refused_is_left_out_and_remembered(server, openai, field, status, body):
    server.answer = refusing(field, json.dumps(body), status)

    assert ask(openai, temperature=0.5).text == "at last"
    assert ask(openai, temperature=0.5).text == "at last"

    assert [field in request.body for request in server.requests] == [True, False, False]
    bounds = {"max_tokens", "max_completion_tokens"}
    assert all(len(bounds & set(request.body)) == 1 for request in server.requests)


def test_two_refused_fields_are_two_repeats(server, openai):
    def answer(request):
        for field in ("stream_options", "max_tokens"):
            if field in request.body:
                return Reply(status=400, text=f"unknown {field}; max_completion_tokens is known"[:60])
        return Reply(text="at last")

    server.answer = answer

    assert ask(openai).text == "at last"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "words", ["max_tokens is too large", "stream_options, stream_options", "temperature"]
)
def test_a_refusal_that_stays_is_given_up(server, client, words):
    server.answer = lambda _: Reply(status=400, text=words)

    with pytest.raises(ModelRefused, match=words):
        ask(client)

    assert len(server.requests) <= 2


def test_anthropic_models_that_take_no_temperature_get_none(server):
    server.answer = refusing("temperature", json.dumps({"error": {"message": "temperature is deprecated"}}))
    with contextlib.closing(client_for(server.url, "anthropic")) as client:
        assert ask(client, temperature=0.5).text == "at last"


def test_a_server_that_hangs_up_has_failed(server, client):
    server.reply_with(Reply(hang_up=True))

    with pytest.raises(ModelFailed, match="closed the connection"):
        ask(client)


def test_a_connection_that_the_server_closed_while_idle_is_replaced(server, client):
    ask(client)
    server.reply_with(Reply(hang_up=True))

    assert ask(client).text == "ok"
    assert len(server.requests) == 3


def test_nothing_listening_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with contextlib.closing(client_for(url)) as client:
        with pytest.raises(ModelUnreachable, match="nothing listens"):
            ask(client)
        with pytest.raises(ModelUnreachable, match="nothing listens"):
            client.models(1.0)


def test_an_unknown_name_is_unreachable():
    client = client_for("https://no-such-host.invalid")
    with contextlib.closing(client), pytest.raises(ModelUnreachable, match=r"host\.invalid cannot be found"):
        ask(client)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems treat a full backlog otherwise")
def test_a_connection_that_is_not_answered_is_unreachable():
    with deaf_port() as port:
        client = client_for(f"http://127.0.0.1:{port}", llm_connect_timeout_s=0.2)
        with contextlib.closing(client), pytest.raises(ModelUnreachable):
            ask(client)


@contextlib.contextmanager
def deaf_port():
    """A port whose backlog is full, so that a further connection is never answered (Linux)."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_server_that_speaks_no_http_has_failed():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        client = client_for(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with contextlib.closing(client), pytest.raises(ModelFailed):
            ask(client)
        thread.join()


def test_nothing_is_taken_from_the_environment_and_no_redirect_is_followed(server, client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.reply_with(Reply(status=307, headers={"Location": f"{server.url}/messages"}))

    with pytest.raises(ModelRefused, match="redirects to"):
        ask(client)

    assert len(server.requests) == 1


def test_the_models_are_listed_in_the_servers_order(server, client):
    server.models = ["b", "a", "c"]

    assert client.models(5.0) == ["b", "a", "c"]


@pytest.mark.parametrize("body", ["null", "{}", '{"data": null}', "<html>"])
def test_a_list_that_is_none_is_a_failure(server, client, body):
    server.models_reply = Reply(body=body)

    with pytest.raises(ModelFailed, match="no list"):
        client.models(5.0)


def test_the_key_is_in_no_repr(client):
    assert TEST_KEY not in repr(client)
    assert TEST_KEY not in repr(vars(client))
