from __future__ import annotations

import contextlib
import errno
import gc
import http.client
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

import flask
import pytest

import host_platform
from localhost import listening, server
from tests.unit.localhost.serving import get, running

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def app():
    return flask.Flask(__name__)


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


@pytest.mark.parametrize("when", ["while it opens", "while it serves"])
def test_it_is_told_that_the_port_is_let_go_also_where_something_breaks(app, when):
    told: list[object] = []

    def fail(*_):
        raise RuntimeError("the store is full")

    def let_go():
        with pytest.raises(OSError, match="in use"), socket.create_server(("127.0.0.1", told[0])):
            pass
        told.append("let go")

    def opened(port):
        told.append(port)
        if when == "while it opens":
            fail()

    with pytest.raises(RuntimeError):
        server.serve(app, 0, 4, threading.Event(), on_listening=opened, on_closing=let_go, every_second=fail)
    assert told[1:] == ["let go"]


# -- where it listens ---------------------------------------------------------------------------------------


def test_both_loopback_addresses_answer_and_no_other_does(app):
    app.add_url_rule("/", view_func=lambda: flask.request.remote_addr)

    with running(app) as (port, _, _):
        for address in ("127.0.0.1", "::1"):
            connection = http.client.HTTPConnection(address, port, timeout=10)
            with closing(connection):
                connection.request("GET", "/")
                assert connection.getresponse().read().decode() == address
        listening = subprocess.run(["/bin/cat", "/proc/net/tcp"], capture_output=True, text=True, check=True)
        mine = [line.split()[1] for line in listening.stdout.splitlines() if f":{port:04X} " in line[:24]]
        assert set(mine) <= {f"0100007F:{port:04X}"}


def test_a_port_that_somebody_holds_on_the_other_address_is_taken(app):
    with closing(socket.socket(socket.AF_INET6)) as other:
        other.bind(("::1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(server.PortTaken, match=rf"Port {port} on ::1 is taken"):
            server.serve(app, port, 4, threading.Event())


def test_a_machine_without_ipv6_is_served_on_the_one_address(app, monkeypatch):
    make = socket.socket

    def without_ipv6(family=socket.AF_INET, *rest, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no such family")
        return make(family, *rest, **options)

    monkeypatch.setattr("socket.socket", without_ipv6)
    (only,) = listening.bind_port(0, "port")
    with closing(only):
        assert only.getsockname()[0] == "127.0.0.1"


@contextmanager
def by_socket(path):
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(str(path))
    with closing(connection):
        yield connection


def test_a_socket_is_for_its_owner_alone_tells_who_calls_and_goes_with_the_server(app, tmp_path):
    path = tmp_path / "cycle.sock"
    app.add_url_rule("/", view_func=lambda: flask.request.remote_addr)

    with running(app, socket_path=path) as (port, _, _):
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for _ in range(2):
            with by_socket(path) as connection:
                connection.request("GET", "/")
                assert connection.getresponse().read().decode() == f"uid:{os.geteuid()}"
        connection, answer = get(port)
        with closing(connection):
            assert answer.read() == b"127.0.0.1"
    assert not path.exists()


def test_a_socket_that_a_dead_process_left_is_replaced(tmp_path):
    path = tmp_path / "cycle.sock"
    listening.bind_socket(path).close()
    assert path.exists()

    with closing(listening.bind_socket(path)), closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.connect(str(path))


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_what_is_no_socket_is_left_alone(tmp_path, kind):
    path = tmp_path / "cycle.sock"
    (tmp_path / "precious").write_text("precious")
    if kind == "file":
        path.write_text("precious")
    else:
        path.symlink_to(tmp_path / "precious")

    with pytest.raises(listening.SocketUnusable, match="no socket of yours"):
        listening.bind_socket(path)
    listening.remove_socket(path)

    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_for_a_socket_names_the_bound_and_the_way_out(app, tmp_path):
    path = tmp_path / ("x" * 120)

    with pytest.raises(listening.SocketUnusable, match=r"may have \d+: put the home under a shorter path"):
        server.serve(app, 0, 4, threading.Event(), socket_path=path)


def test_a_path_of_just_the_longest_length_works(tmp_path):
    # Not below tmp_path, which may be long itself.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        path = Path(short) / ("x" * (host_platform.MOST_SOCKET_PATH_BYTES - len(short) - 1))
        listening.bind_socket(path).close()
        with pytest.raises(listening.SocketUnusable):
            listening.bind_socket(path.with_name(f"{path.name}x"))


def test_one_connection_serves_many_requests_one_after_the_other(app):
    app.add_url_rule("/", view_func=lambda: flask.request.args["n"])

    with running(app) as (port, _, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with closing(connection):
            for number in range(50):
                connection.request("GET", f"/?n={number}")
                assert connection.getresponse().read() == str(number).encode()


def test_requests_sent_in_one_go_are_answered_in_their_order(app):
    app.add_url_rule("/", view_func=lambda: flask.request.args["n"])
    ask = "GET /?n={} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {}\r\n\r\n"

    with running(app) as (port, _, _), closing(socket.create_connection(("127.0.0.1", port), 10)) as caller:
        kept = "".join(ask.format(number, "keep-alive") for number in range(5))
        caller.sendall((kept + ask.format(5, "close")).encode())
        answers = b""
        while data := caller.recv(65536):
            answers += data
    assert [part[-1:] for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"5",
    ]


def test_an_answer_larger_than_what_a_socket_holds_arrives_whole(app):
    app.add_url_rule("/", view_func=lambda: b"x" * 30_000_000)

    with running(app) as (port, _, _):
        connection, answer = get(port)
        with closing(connection):
            assert len(answer.read()) == 30_000_000


@pytest.mark.parametrize(
    "said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["", "half", "whole"]
)
def test_connections_that_stay_and_say_nothing_more_keep_nobody_out(app, monkeypatch, said):
    monkeypatch.setattr(server, "CONNECTION_LIMIT", 20)
    app.add_url_rule("/", view_func=lambda: "hello")

    with running(app) as (port, _, _), contextlib.ExitStack() as they:
        for _ in range(60):
            caller = they.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(ConnectionError):  # it has been closed already
                caller.sendall(said)
        connection, answer = get(port)
        with closing(connection):
            assert answer.read() == b"hello"


FEW_FILES = """
import resource, threading
import flask
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from localhost import server
app = flask.Flask("few")
app.add_url_rule("/", view_func=lambda: "hello")
server.serve(app, 0, 2, threading.Event(), on_listening=lambda port: print(port, flush=True))
"""


def test_connections_that_take_no_answer_keep_nobody_out(app, monkeypatch):
    monkeypatch.setattr(server, "CONNECTION_LIMIT", 20)
    app.add_url_rule("/", view_func=lambda: "hello")
    app.add_url_rule("/long", "long", lambda: b"x" * 5_000_000)  # more than sockets hold

    with running(app) as (port, _, _), contextlib.ExitStack() as they:
        for _ in range(30):
            caller = they.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(ConnectionError):  # it has been closed already
                caller.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        connection, answer = get(port)
        with closing(connection):
            assert answer.read() == b"hello"


def test_few_files_keep_nobody_out_either():
    words = [sys.executable, "-c", FEW_FILES]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(cast(IO[str], process.stdout).readline())
            with contextlib.ExitStack() as they:
                for _ in range(150):
                    they.enter_context(socket.create_connection(("127.0.0.1", port)))
                connection, answer = get(port)
                with closing(connection):
                    assert answer.read() == b"hello"
        finally:
            process.kill()


def test_what_is_being_answered_goes_on_however_many_others_come(app, monkeypatch):
    monkeypatch.setattr(server, "CONNECTION_LIMIT", 20)
    begun, go_on = threading.Event(), threading.Event()

    @app.get("/")
    def slow():
        begun.set()
        assert go_on.wait(10)
        return "hello"

    with running(app) as (port, _, _), contextlib.ExitStack() as they:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asking.request("GET", "/")
        assert begun.wait(10)
        for _ in range(60):
            they.enter_context(socket.create_connection(("127.0.0.1", port)))
        other, answer = get(port, "/nowhere")
        with closing(other):
            assert answer.status == 404
        go_on.set()
        with closing(asking):
            assert asking.getresponse().read() == b"hello"


@pytest.mark.parametrize("length", [30_000_000, 3_000_000])
def test_a_connection_that_stays_open_keeps_no_file_open_once_the_server_has_ended(app, length, recwarn):
    app.add_url_rule("/", view_func=lambda: b"x" * length)

    with contextlib.ExitStack() as afterwards:
        with running(app) as (port, _, _):
            connection, answer = get(port)
            afterwards.enter_context(closing(connection))
            assert len(answer.read()) == length
        gc.collect()

    assert not recwarn.list


@pytest.mark.parametrize("is_hung_up", [True, False], ids=["hung up", "still there"])
def test_a_large_body_that_never_ends_keeps_no_file_open(app, is_hung_up, recwarn):
    with contextlib.ExitStack() as afterwards:
        with running(app) as (port, _, _):
            caller = afterwards.enter_context(socket.create_connection(("127.0.0.1", port)))
            # More than sockets hold, so that some of it has been read when the last has been sent.
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            caller.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
            caller.sendall(b"x" * 7_900_000)
            if is_hung_up:
                caller.close()
            other, _ = get(port)
            other.close()
        gc.collect()

    assert not recwarn.list


def test_a_caller_that_hangs_up_does_not_stop_what_it_asked_for(app):
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    @app.get("/")
    def slow():
        begun.set()
        assert go_on.wait(10)
        done.set()
        return "nobody reads this"

    with running(app) as (port, _, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        assert begun.wait(10)
        connection.close()
        other, answer = get(port, "/nowhere")
        with closing(other):
            assert answer.status == 404
        go_on.set()
        assert done.wait(10)
