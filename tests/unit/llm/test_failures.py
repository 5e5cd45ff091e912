from __future__ import annotations

import json

import pytest

from errors import ModelBusy, ModelFailed, ModelRefused
from llm.endpoint import Endpoint
from llm.failures import WORDS_CHARS, failure_in_stream, failure_of_answer

KEY = "sk-secret-123"
ENDPOINT = Endpoint("https://example.org/v1", KEY, "openai", is_loopback=False)


def error_of(status, body=b"", headers=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_of_answer(status, headers or {}, body, ENDPOINT).to_error(ENDPOINT)


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "wait"),
    [
        (400, {}, {}, ModelRefused, None),
        (401, {}, {}, ModelRefused, None),
        (403, {}, {"retry-after": "5"}, ModelRefused, None),
        (404, {}, {}, ModelRefused, None),
        (408, {}, {}, ModelFailed, None),
        (422, {}, {}, ModelRefused, None),
        (429, {}, {}, ModelBusy, None),
        (429, {}, {"retry-after": "5"}, ModelBusy, 5.0),
        (429, {"error": {"code": "insufficient_quota"}}, {"retry-after": "5"}, ModelRefused, None),
        (429, {"error": {"type": "insufficient_quota", "code": None}}, {}, ModelRefused, None),
        (500, {}, {}, ModelFailed, None),
        (502, b"<html>", {}, ModelFailed, None),
        (503, {}, {}, ModelFailed, None),
        (503, {}, {"retry-after": "5"}, ModelBusy, 5.0),
        (503, {"error": "server busy, please try again"}, {}, ModelBusy, None),
        (529, {}, {}, ModelBusy, None),
        (307, b"", {"location": "https://other.example/v1?key=1"}, ModelRefused, None),
    ],
)
def test_a_status_becomes_an_error(status, body, headers, kind, wait):
    error = error_of(status, body, headers)

    assert type(error) is kind
    assert error.retry_after_s == wait
    assert error.details == {"server_status": status}
    assert error.to_problem()["status"] == kind.http_status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such thing", "type": "x"}}, "no such thing"),
        ({"error": "no such thing"}, "no such thing"),
        ({"detail": "no such thing"}, "no such thing"),
        ({"detail": [{"loc": ["body", "n"], "msg": "no such thing"}]}, "body.n: no such thing"),
        ([{"error": {"message": "no such thing"}}], "no such thing"),
        ({"message": "no such thing"}, "no such thing"),
        (b"no such thing\r\n", "no such thing"),
        (b"<html><style>a{}</style><h1>no such\n thing</h1></html>", "no such thing"),
        ({"odd": "no such thing"}, "no such thing"),
        (b"[" * 100_000, "[[["),
    ],
)
def test_the_providers_own_words_are_quoted(body, words):
    assert words in error_of(400, body).message


def test_words_are_one_printable_short_line_without_the_key():
    error = error_of(401, {"error": {"message": f"bad\x1b[31m\nkey {KEY}\u202e " + "x" * 5000}})

    assert KEY not in error.message
    assert error.message.isprintable()
    assert len(error.message) < WORDS_CHARS + 150
    assert "SKEP_LLM_API_KEY" in error.message


def test_a_redirect_is_named_without_its_query():
    message = error_of(302, b"", {"location": "https://other.example/v1?key=1"}).message

    assert "https://other.example/v1;" in message
    assert "key=1" not in message


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, ModelBusy),
        ({"error": {"type": "rate_limit_error", "message": "x"}}, ModelBusy),
        ({"error": {"code": 429, "message": "x"}}, ModelBusy),
        ({"error": {"code": 502, "message": "x"}}, ModelFailed),
        ({"error": {"code": "invalid_request_error", "message": "x"}}, ModelRefused),
        ({"error": {"code": "insufficient_quota"}}, ModelRefused),
        ({"error": "plain words"}, ModelFailed),
        ("plain words", ModelFailed),
        (None, ModelFailed),
    ],
)
def test_an_error_inside_a_stream_becomes_the_same_errors(said, kind):
    assert type(failure_in_stream(said, ENDPOINT).to_error(ENDPOINT)) is kind


@pytest.mark.parametrize("depth", [20, 300, 700, 5_000, 100_000])
def test_a_refusal_in_a_thousand_lists_is_one_like_any(depth):
    nested = b"[" * depth + b'"deep"' + b"]" * depth
    in_objects = b'{"error":' * depth + b'"deep"' + b"}" * depth

    assert type(error_of(429, nested)) is ModelBusy
    assert type(error_of(500, in_objects)) is ModelFailed


def test_an_error_within_a_stream_may_be_as_deep_as_json_is_read():
    said: object = "deep"
    for _ in range(900):
        said = [said]

    assert type(failure_in_stream({"error": said}, ENDPOINT).to_error(ENDPOINT)) is ModelFailed
    assert type(failure_in_stream({"odd": said}, ENDPOINT).to_error(ENDPOINT)) is ModelFailed
