"""A call can be ended from another thread in every phase.

None of these tests measures time: in each the server is still blocked when the call has already ended.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from errors import ModelError, ModelTimeout
from llm import Call, CallCancelled
from testing.model_client import ask, client_for, question
from testing.model_server import Reply

IN_TIME_S = 10.0  # only so that a failing test ends


@pytest.fixture
def elsewhere():
    with ThreadPoolExecutor(60) as pool:
        yield pool


def cancelled(future: Future) -> None:
    """The call has ended by being cancelled."""
    assert isinstance(future.exception(IN_TIME_S), CallCancelled)


def test_while_waiting_for_the_headers(server, client, elsewhere):
    hold, call = threading.Event(), Call()
    server.reply_with(Reply(hold=hold))
    running = elsewhere.submit(client.complete, question(), on_text=print, call=call)
    server.wait_for_requests(1)

    call.cancel()

    cancelled(running)
    assert not hold.is_set()


def test_in_the_middle_of_the_stream(server, client, elsewhere):
    hold, call, heard = threading.Event(), Call(), threading.Event()
    server.reply_with(Reply(text="one two three", hold_stream=hold))
    running = elsewhere.submit(client.complete, question(), on_text=lambda _: heard.set(), call=call)
    if client.__class__.__name__.startswith("OpenAI"):
        assert heard.wait(IN_TIME_S)
    server.wait_for_requests(1)

    call.cancel()

    cancelled(running)
    assert not hold.is_set()


def test_by_the_listener_itself(server, client):
    call, heard = Call(), []

    def listen(text: str) -> None:
        heard.append(text)
        call.cancel()

    server.reply_with(Reply(text="one two three", chunk_delay_s=0.01))
    with pytest.raises(CallCancelled):
        client.complete(question(), on_text=listen, call=call)

    assert len(heard) == 1


def test_before_it_begins(server, client):
    call = Call()
    call.cancel()

    with pytest.raises(CallCancelled):
        client.complete(question(), on_text=print, call=call)

    assert server.requests == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems treat a full backlog otherwise")
def test_while_connecting(elsewhere):
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = stack.enter_context(contextlib.closing(client_for(url)))
        call = Call()
        running = elsewhere.submit(client.complete, question(), on_text=print, call=call)

        until_it_waits(call)
        call.cancel()

        cancelled(running)


def test_while_looking_up_the_name(elsewhere, monkeypatch):
    asked, answer, call = threading.Event(), threading.Event(), Call()

    def never_answers(*_args, **_kwargs):
        asked.set()
        answer.wait(60)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", never_answers)
    with contextlib.closing(client_for("https://slow.example")) as client:
        running = elsewhere.submit(client.complete, question(), on_text=print, call=call)
        assert asked.wait(IN_TIME_S)

        call.cancel()

        cancelled(running)
        assert not answer.is_set()
        answer.set()
        wait_for_threads("llm-resolve")


def test_while_shaking_hands(elsewhere):
    """TLS to a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = Call()
        with contextlib.closing(client_for(f"https://127.0.0.1:{listener.getsockname()[1]}")) as client:
            running = elsewhere.submit(client.complete, question(), on_text=print, call=call)
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1)

                call.cancel()

                cancelled(running)


def test_while_sending(elsewhere):
    """A prompt larger than the buffers, to a server that does not read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = Call()
        with contextlib.closing(client_for(f"http://127.0.0.1:{listener.getsockname()[1]}")) as client:
            large = question("x" * 64 * 2**20)
            running = elsewhere.submit(client.complete, large, on_text=print, call=call)
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1)

                call.cancel()

                cancelled(running)


def test_one_call_ends_and_its_neighbours_go_on(server, client, elsewhere):
    hold, calls = threading.Event(), [Call() for _ in range(50)]
    server.answer = lambda _: Reply(text="fine", hold=hold)
    running = [
        elsewhere.submit(client.complete, question(), on_text=lambda _: None, call=call) for call in calls
    ]
    server.wait_for_requests(50)

    for call in calls[::2]:
        call.cancel()
    for future in running[::2]:
        cancelled(future)
    hold.set()

    assert [future.result(IN_TIME_S).text for future in running[1::2]] == ["fine"] * 25
    server.answer = None
    assert ask(client).text == "ok"


def test_one_handle_serves_one_call_after_another_until_it_is_cancelled(server, client):
    call = Call()
    for _ in range(2):
        client.complete(question(), on_text=lambda _: None, call=call)

    call.cancel()
    call.cancel()

    assert call.cancelled
    with pytest.raises(CallCancelled):
        client.complete(question(), on_text=print, call=call)


def test_the_deadline_holds_while_shaking_hands_and_sending():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for url, prompt in (
            (f"https://127.0.0.1:{port}", "hi"),
            (f"http://127.0.0.1:{port}", "x" * 64 * 2**20),
        ):
            with contextlib.closing(client_for(url)) as client, pytest.raises(ModelTimeout):
                ask(client, prompt, timeout_s=0.2)


def test_being_cancelled_is_a_model_error_that_spends_no_attempt():
    assert issubclass(CallCancelled, ModelError)
    assert not CallCancelled.counts
    assert not CallCancelled.retryable
    assert CallCancelled().message == "The model call was cancelled."


def until_it_waits(call: Call) -> None:
    """Until the call has its waker, which it takes before it connects."""
    for _ in range(10_000):
        if call._wakers:
            return
        threading.Event().wait(0.001)
    raise AssertionError("the call never began")


def wait_for_threads(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(IN_TIME_S)
