"""Whether the model's server can be reached is told by the calls, and found out again where one could not."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from errors import ModelError, ModelUnreachable
from execution import model_watch
from execution.model_watch import ModelWatch
from llm.endpoint import Endpoint
from llm.ping import Ping, ping
from settings import Settings
from store.reading import MODEL_STATUS
from store.sqlite_store import SqliteStore
from testing.model_client import ask
from testing.model_script import Reply
from testing.model_server import ModelServer
from testing.running_daemon import free_port
from tests.integration.swarm_rig import eventually

SOON_S = 0.01


@contextlib.contextmanager
def watching(
    store: SqliteStore, port: int, is_halted: Callable[[], bool] = lambda: False
) -> Iterator[ModelWatch]:
    settings = Settings(llm_base_url=f"http://127.0.0.1:{port}/v1", llm_model="m")
    watch = ModelWatch(settings, store, SOON_S, is_halted)
    with contextlib.closing(watch):
        watch.start()
        yield watch


def lose(watch: ModelWatch) -> None:
    """A call finds nobody."""
    with pytest.raises(ModelUnreachable):
        ask(watch.client()[0])
    assert watch.status.reached is False


def test_a_server_that_a_call_did_not_find_is_told_of_when_it_is_there_again(store):
    port = free_port()
    with watching(store, port) as watch:
        lose(watch)
        with ModelServer(port=port) as server:
            told = eventually(
                lambda: (fact := store.reader.fact(MODEL_STATUS)) and fact["reached"] and fact, "told"
            )

            assert told["reason"] == f"m answers at {server.url}"
            assert server.requests == []  # nothing was asked that costs


def test_a_server_that_refuses_to_list_its_models_has_been_reached(store):
    port = free_port()
    with watching(store, port) as watch:
        lose(watch)
        server = ModelServer(port=port)
        server.models_reply = Reply(status=401)
        with server:
            eventually(lambda: watch.status.reached, "told")

            assert "401" in watch.status.reason


@pytest.mark.parametrize(
    ("status", "is_told"), [(401, True), (402, True), (403, True), (500, True), (404, False), (429, False)]
)
def test_what_a_server_says_of_itself_to_a_call_is_told_until_it_answers(store, status, is_told):
    port = free_port()
    with ModelServer(port=port) as server, watching(store, port) as watch:
        server.reply_with(Reply(status=status))
        with pytest.raises(ModelError):
            ask(watch.client()[0])
        assert watch.status.reached is True
        assert (f"({status} " in watch.status.reason) is is_told

        ask(watch.client()[0])
        assert watch.status.reason == f"m answers at {server.url}"


def test_what_a_server_lacks_that_is_there_and_does_not_answer_is_told(store, monkeypatch):
    monkeypatch.setattr(model_watch, "ping", functools.partial(ping, timeout_s=0.05))
    port = free_port()
    with watching(store, port) as watch:
        lose(watch)
        with socket.create_server(("127.0.0.1", port)):
            eventually(lambda: "gave no full answer" in watch.status.reason, "told")

            assert watch.status.reached is False


def test_a_look_that_hangs_does_not_hold_up_the_end(store, monkeypatch):
    asked, done = threading.Event(), threading.Event()

    def hang(endpoint: Endpoint) -> Ping:
        asked.set()
        done.wait(20)
        return ping(endpoint)

    monkeypatch.setattr(model_watch, "ping", hang)
    port = free_port()
    with watching(store, port) as watch:
        lose(watch)
        told = store.reader.fact(MODEL_STATUS)
        assert asked.wait(20)
    with ModelServer(port=port):
        done.set()
        eventually(lambda: watch.status.reached, "heard")

    assert store.reader.fact(MODEL_STATUS) == told  # the store may be closed by then


def test_a_lost_server_is_not_asked_while_the_kill_switch_is_on(store):
    port, asked, halted = free_port(), threading.Event(), threading.Event()
    halted.set()

    def is_halted() -> bool:
        asked.set()
        return halted.is_set()

    with watching(store, port, is_halted) as watch:
        lose(watch)
        with ModelServer(port=port):
            assert asked.wait(20)
            assert watch.status.reached is False
            halted.clear()
            eventually(lambda: watch.status.reached, "told")


def test_with_the_kill_switch_on_a_server_whose_models_are_not_known_is_not_asked_either(store):
    halted, looked = threading.Event(), threading.Event()
    halted.set()

    def is_halted() -> bool:
        looked.set()
        return halted.is_set()

    with ModelServer() as server:
        watch = ModelWatch(Settings(llm_base_url=server.url), store, SOON_S, is_halted)
        with contextlib.closing(watch):
            watch.start()
            assert looked.wait(20)
            assert not watch.status.ready
            halted.clear()
            eventually(lambda: watch.status.ready, "found")
