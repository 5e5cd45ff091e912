from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing, contextmanager

import flask
import pytest

from localhost import server


@contextmanager
def running(app, **options):
    stop, listening, ports = threading.Event(), threading.Event(), []

    def on_listening(port):
        ports.append(port)
        listening.set()

    thread = threading.Thread(
        target=server.serve, args=(app, 0, 4, stop), kwargs={"on_listening": on_listening, **options}
    )
    thread.start()
    assert listening.wait(10)
    try:
        yield ports[0], stop, thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def app():
    return flask.Flask(__name__)


def get(port, path="/", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers or {})
    return connection, connection.getresponse()


def is_open(port):
    with closing(socket.socket()) as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_the_real_port_is_told_and_no_server_is_named(app):
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app) as (port, _, _):
        connection, answer = get(port)
        with closing(connection):
            assert answer.read() == b"hello"
            assert answer.headers["Server"] is None


def test_headers_of_proxies_reach_the_gate(app):
    app.add_url_rule("/", view_func=lambda: flask.request.headers.get("X-Forwarded-For", "cleared"))

    with running(app) as (port, _, _):
        connection, answer = get(port, headers={"X-Forwarded-For": "127.0.0.1"})
        with closing(connection):
            assert answer.read() == b"127.0.0.1"


def test_a_stop_lets_the_answer_under_way_finish(app):
    begun, go_on = threading.Event(), threading.Event()

    @app.get("/")
    def slow():
        begun.set()
        assert go_on.wait(10)
        return "done"

    with running(app) as (port, stop, thread):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with closing(connection):
            connection.request("GET", "/")
            assert begun.wait(10)
            stop.set()
            # I expect that nobody new gets in from here on
            while is_open(port):
                pass
            go_on.set()
            assert connection.getresponse().read() == b"done"
        thread.join(10)


def test_an_idle_connection_does_not_delay_the_stop(app):
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app, drain_s=60) as (port, stop, thread):
        connection, answer = get(port)
        with closing(connection):
            answer.read()
            stop.set()
            thread.join(10)
            assert not thread.is_alive()


def test_a_taken_port_names_the_setting_and_the_way_out(app):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(server.PortTaken, match=rf"Port {port} .* taken .* panel_port \(SKEP_PANEL_PORT"):
            server.serve(app, port, 4, threading.Event(), setting="panel_port")
