"""What a client may send: one request after another, whole or in part, long or wrong, and then no more."""

from __future__ import annotations

import http.client
import json
import re
import socket
import tempfile
import threading
from contextlib import closing

import flask
import pytest

from localhost import body, problems
from localhost.incoming import MOST_OF_A_STRANGER
from tests.unit.localhost.serving import get, running

HEAD = "Host: x\r\n"
LONG = 5_000_000  # bytes, more than sockets hold


@pytest.fixture
def app():
    return flask.Flask(__name__)


def call(port):
    return closing(socket.create_connection(("127.0.0.1", port), 10))


def ask(path="/", more="", version="1.1"):
    return f"GET {path} HTTP/{version}\r\n{HEAD}{more}\r\n".encode()


def rest(caller):
    """What comes until the server closes."""
    pieces = []
    while piece := caller.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def let_it_turn(port):
    """Have others answered, and with them whatever could be done before."""
    for _ in range(20):
        connection, _ = get(port, "/nowhere")
        connection.close()


# -- requests that are not waited for -----------------------------------------------------------------------


def test_the_next_request_waits_until_the_answer_before_it_has_been_taken(app):
    served, first = [], threading.Event()

    @app.get("/<int:number>")
    def long(number):
        served.append(number)
        first.set()
        return b"x" * LONG

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(ask("/0") + ask("/1") + ask("/2", "Connection: close\r\n"))
        assert first.wait(10)
        let_it_turn(port)
        assert served == [0]

        assert rest(caller).count(b"x" * LONG) == 3
        assert served == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 7, 60, 10_000])
def test_requests_are_answered_in_their_order_however_they_are_cut(app, size):
    app.add_url_rule("/<int:number>", view_func=lambda number: f"<{number}>")
    sent = b"".join(ask(f"/{number}") for number in range(30)) + ask("/30", "Connection: close\r\n")

    with running(app) as (port, _, _), call(port) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), size):
            caller.sendall(sent[start : start + size])
        assert [int(each) for each in re.findall(rb"<(\d+)>", rest(caller))] == list(range(31))


def test_empty_lines_between_requests_are_passed_over(app):
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(b"\r\n" * 1000 + ask() + b"\r\n" * 1000 + ask("/", "Connection: close\r\n"))
        assert rest(caller).count(b"hello") == 2


# -- a client that sends no more ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_who_says_that_nothing_more_comes_gets_the_answers_that_are_due(app, count):
    begun, go_on = threading.Event(), threading.Event()

    @app.get("/<int:number>")
    def slow(number):
        begun.set()
        assert go_on.wait(10)
        return f"<{number}>"

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(b"".join(ask(f"/{number}") for number in range(count)))
        caller.shutdown(socket.SHUT_WR)
        assert begun.wait(10)
        let_it_turn(port)
        go_on.set()
        assert [int(each) for each in re.findall(rb"<(\d+)>", rest(caller))] == list(range(count))


def test_a_long_answer_comes_whole_to_who_says_that_nothing_more_comes(app):
    app.add_url_rule("/", view_func=lambda: b"x" * LONG)

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(ask())
        caller.shutdown(socket.SHUT_WR)
        assert rest(caller).endswith(b"x" * LONG)


def test_an_answer_without_an_end_is_not_begun_for_who_may_have_gone(app):
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def pieces():
        try:
            while True:
                yield "piece"
        finally:
            ended.set()

    @app.get("/")
    def stream():
        begun.set()
        assert go_on.wait(10)
        return flask.Response(pieces())

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(ask())
        caller.shutdown(socket.SHUT_WR)
        assert begun.wait(10)
        let_it_turn(port)
        go_on.set()
        assert rest(caller) == b""
        assert ended.wait(10)


# -- what cannot be read ------------------------------------------------------------------------------------

CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = b"1\r\nx\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        ask(more=f"Content-Length: {'9' * 5000}\r\n"),
        ask(more=f"Content-Length: 1\r\n{CHUNKED}") + CHUNKS,
        ask(more=f"{CHUNKED}Content-Length: 11\r\n") + CHUNKS,
        ask(more=f"{CHUNKED}Connection: keep-alive\r\n", version="1.0") + CHUNKS,
        ask("http://[/"),
        ask(more=CHUNKED) + b"1;" + b"a" * 20_000,
        ask(more=CHUNKED) + b"0\r\n" + b"a: b\r\n" * 4_000,
    ],
    ids=[
        "digits",
        "both lengths",
        "the other way round",
        "1.0",
        "no address",
        "a long chunk line",
        "trailers",
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused_as_a_problem_and_the_connection_closed(app, sent, caplog):
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app) as (port, _, _), call(port) as caller:
        caller.sendall(sent)
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        told = json.loads(answer.read())
        assert caller.recv(1) == b""

    assert (answer.status, told["code"]) == (400, "bad_request")
    assert answer.headers["Content-Type"] == problems.MEDIA_TYPE
    assert answer.headers["Connection"] == "close"
    assert not caplog.records


def test_who_waits_to_be_told_to_send_no_body_is_answered(app):
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app) as (port, _, _):
        connection, answer = get(port, headers={"Expect": "100-continue"})
        with closing(connection):
            assert answer.read() == b"hello"


# -- the bodies of strangers --------------------------------------------------------------------------------


@pytest.fixture
def connection(app):
    """To a server that counts the letters it is sent, and knows who shows a token."""
    problems.install(app)

    @app.post("/")
    def count():
        return str(len(body.read_object(flask.request, 2 * LONG)["text"]))

    served = running(app, may_send=lambda request: "Authorization" in request.headers)
    with served as (port, _, _), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as found:
        yield found


def post(connection, data, headers=None):
    connection.request("POST", "/", data, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read()


def text(length):
    return b'{"text": "%s"}' % (b"x" * length)


def in_chunks(length):
    return iter([text(length)])


@pytest.mark.parametrize("form", [text, in_chunks])
def test_a_short_body_of_a_stranger_is_read(connection, form):
    length = MOST_OF_A_STRANGER - len(text(0))
    assert post(connection, form(length)) == (200, str(length).encode())


@pytest.mark.parametrize("form", [text, in_chunks])
def test_a_long_body_of_who_is_known_is_read(connection, form):
    assert post(connection, form(LONG), {"Authorization": "x"}) == (200, str(LONG).encode())


@pytest.mark.parametrize("form", [text, in_chunks])
def test_a_long_body_of_a_stranger_is_neither_kept_nor_taken_for_a_shorter_one(connection, form, monkeypatch):
    def no_file(*_):
        raise AssertionError("it was kept")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)

    for length in (MOST_OF_A_STRANGER, LONG):
        status, answer = post(connection, form(length))
        told = json.loads(answer)
        assert (status, told["code"]) == (413, "body_too_large")
        assert told["detail"] == "The body is over the 16,384 bytes that are read without token or session."
    assert post(connection, text(3)) == (200, b"3")  # the connection goes on
