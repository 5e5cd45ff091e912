"""What the model server lists is asked for now and then, not for every run that is started."""

from __future__ import annotations

import pytest

from errors import ModelError
from runs import known_models
from runs.known_models import KEPT_S, MISSED_S, OfferedModels
from settings import Settings
from testing.clock import FakeClock


class Server:
    """Lists models, and counts how often it was asked."""

    def __init__(self) -> None:
        self.names = ["llama3.2:latest"]
        self.asked = 0
        self.is_up = True

    def __call__(self, settings: Settings) -> list[str]:
        """Its list."""
        self.asked += 1
        if not self.is_up:
            raise ModelError("it does not answer")
        return list(self.names)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(known_models, "list_models", made)
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def offered(server: Server, clock: FakeClock) -> OfferedModels:
    return OfferedModels(Settings(), clock)


def test_many_runs_in_a_row_ask_the_server_once(offered: OfferedModels, server: Server) -> None:
    assert all(offered.has(name) for name in ["llama3.2", "llama3.2:latest"] * 50)
    assert server.asked == 1


def test_a_list_that_is_old_is_asked_for_anew(
    offered: OfferedModels, server: Server, clock: FakeClock
) -> None:
    assert offered.has("llama3.2")
    server.names = []
    clock.advance(KEPT_S)
    assert not offered.has("llama3.2")


def test_a_model_that_was_just_added_is_found_a_second_later(
    offered: OfferedModels, server: Server, clock: FakeClock
) -> None:
    assert not offered.has("qwen")
    server.names.append("qwen")
    assert not offered.has("qwen")
    clock.advance(MISSED_S)
    assert offered.has("qwen")
    assert server.asked == 2


def test_a_server_that_is_down_lists_nothing_and_is_not_asked_for_every_run(
    offered: OfferedModels, server: Server, clock: FakeClock
) -> None:
    server.is_up = False
    assert not any(offered.has("llama3.2") for _ in range(50))
    assert server.asked == 1
    server.is_up = True
    clock.advance(MISSED_S)
    assert offered.has("llama3.2")
