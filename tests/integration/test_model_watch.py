"""Whether the model's server can be reached is told by the calls, and found out again where one could not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from errors import ModelUnreachable
from execution.model_watch import ModelWatch
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
