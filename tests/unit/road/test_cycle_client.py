from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager

import pytest

from errors import LeaseLost
from road.cycle_client import CycleClient, Listener, SwarmGone
from store.records import TaskRef

FOUND = b'{"found":"stopping"}'
REFUSED = b'{"code":"lease_lost","detail":"The lease is over.","title":"Lease lost","status":409}'


@contextmanager
def answering(*answers, at=None, hung_up=None):
    """A server on a port or a socket that gives each request the next answer.

    Gives its port, and what it was asked, by connection. Where there is an event `hung_up`, it hangs up after
    every answer and then sets it.
    """
    listener = socket.socket(socket.AF_INET if at is None else socket.AF_UNIX)
    listener.bind(("127.0.0.1", 0) if at is None else str(at))
    listener.listen()
    left = list(answers)
    asked: list[list[list[bytes]]] = []

    def serve():
        while left:
            connection, _ = listener.accept()
            asked.append([])
            with closing(connection):
                while left and (request := whole_request(connection)):
                    asked[-1].append(request)
                    connection.sendall(left.pop(0))
                    if hung_up is not None:
                        break
            if hung_up is not None:
                hung_up.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with closing(listener):
        yield (listener.getsockname()[1] if at is None else 0), asked
        thread.join(10)
    assert not thread.is_alive()


def whole_request(connection):
    """Read to the end of the body. What comes in one piece is told apart from what comes in two."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
        head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or -1)
        if len(body) == length:
            break
    return pieces


def answer(body, status="200 OK", fields=""):
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    )
    return head.encode() + body


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-of-some-length")
    file.chmod(0o600)
    return file


@contextmanager
def client(port, token, **named):
    with closing(CycleClient(lambda: Listener(port, "swarm"), token, **named)) as made:
        yield made


REF = TaskRef("a", 1)


def test_calls_go_over_one_kept_connection_each_in_one_piece_with_the_token(token):
    with (
        answering(answer(FOUND), answer(FOUND), answer(FOUND)) as (port, asked),
        client(port, token) as calling,
    ):
        for _ in range(3):
            calling.cancel(REF)

    assert [len(requests) for requests in asked] == [3]
    for pieces in asked[0]:
        assert len(pieces) == 1
        assert b"POST /cancel HTTP/1.1" in pieces[0]
        assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in pieces[0]
        assert b"\r\nAuthorization: Bearer a-token-of-some-length\r\n" in pieces[0]


@pytest.mark.parametrize("fields", ["Connection: close\r\n", ""], ids=["said", "not said"])
def test_a_connection_that_the_server_closed_is_made_anew(token, fields):
    answers, hung_up = (answer(FOUND, fields=fields), answer(FOUND)), threading.Event()
    with answering(*answers, hung_up=hung_up) as (port, asked), client(port, token) as calling:
        calling.cancel(REF)
        assert hung_up.wait(10)
        calling.cancel(REF)

    assert [len(requests) for requests in asked] == [1, 1]


def test_no_proxy_of_the_environment_is_asked(token, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with answering(answer(FOUND)) as (port, asked), client(port, token) as calling:
        calling.cancel(REF)

    assert len(asked) == 1


def test_a_unix_socket_is_called_where_one_is_given(token, tmp_path):
    place = tmp_path / "s"
    with answering(answer(FOUND), at=place) as (_, asked), client(0, token, socket=place) as calling:
        calling.cancel(REF)

    assert b"\r\nHost: localhost\r\n" in asked[0][0][0]


@pytest.mark.parametrize("broken", [b"", b"HTTP/1.1 200", b"what is this\r\n\r\n", answer(FOUND)[:-3]])
def test_an_answer_that_breaks_off_says_that_swarm_is_gone_and_the_next_call_goes_anew(token, broken):
    answers, hung_up = (broken, answer(FOUND)), threading.Event()
    with answering(*answers, hung_up=hung_up) as (port, asked), client(port, token) as calling:
        with pytest.raises(SwarmGone, match="swarm does not answer") as gone:
            calling.cancel(REF)
        calling.cancel(REF)
    assert gone.value.is_amid

    assert [len(requests) for requests in asked] == [1, 1]


def test_no_server_at_all_says_that_swarm_is_gone(token):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        with client(taken.getsockname()[1], token) as calling, pytest.raises(SwarmGone) as gone:
            calling.cancel(REF)
    assert not gone.value.is_amid


def test_what_came_behind_an_answer_is_no_answer_to_the_next_call(token):
    answers = (answer(FOUND) + answer(REFUSED, "409 Conflict"), answer(FOUND))
    with answering(*answers) as (port, asked), client(port, token) as calling:
        calling.cancel(REF)
        calling.cancel(REF)

    assert [len(requests) for requests in asked] == [1, 1]


def test_a_problem_is_raised_as_the_error_that_it_stands_for(token):
    refusing = answering(answer(REFUSED, "409 Conflict"))
    with (
        refusing as (port, _),
        client(port, token) as calling,
        pytest.raises(LeaseLost, match="lease is over"),
    ):
        calling.cancel(REF)


def received(listener):
    """What was sent to the first that called, if anybody did."""
    listener.setblocking(False)
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return b""
    with closing(connection):
        return connection.recv(65536)


SWARM, NEXT = "the swarm that is gone", "the next swarm"


@pytest.mark.parametrize("then", [[None], [SWARM, None], [SWARM, NEXT]])
def test_nothing_is_sent_to_who_took_the_port_of_a_swarm_that_is_gone(token, then):
    with socket.create_server(("127.0.0.1", 0)) as thief:
        told = iter([who and Listener(thief.getsockname()[1], who) for who in then])
        with closing(CycleClient(lambda: next(told), token)) as calling, pytest.raises(SwarmGone) as gone:
            calling.cancel(REF)
        assert received(thief) == b""

    assert not gone.value.is_amid, "it may be sent again"


def test_the_next_swarm_is_called_where_it_listens(token):
    with answering(answer(FOUND, fields="Connection: close\r\n")) as (first, was_asked):
        told: list[Listener | None] = [Listener(first, SWARM)]
        with closing(CycleClient(lambda: told[0], token)) as calling:
            calling.cancel(REF)
            told[0] = None
            for _ in range(2):
                with pytest.raises(SwarmGone, match="does not say where it listens"):
                    calling.cancel(REF)
            with answering(answer(FOUND)) as (second, is_asked):
                told[0] = Listener(second, NEXT)
                calling.cancel(REF)

    assert len(was_asked) == len(is_asked) == 1
