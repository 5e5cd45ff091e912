"""A ping tells whether the model server is there: over real sockets, and never by a call that costs."""

from __future__ import annotations

import pytest

from errors import KillSwitchOn
from llm.endpoint import endpoint_from_settings
from llm.ping import MOST_NAMES, Ping, ping
from panel.pings import QUIET_S, Pings
from settings import Settings
from store.kill_file import KillFile
from testing.clock import FakeClock
from tests.integration.test_llm_discovery import nobody  # noqa: F401  a fixture


def pinged(url: str, timeout_s: float = 5.0) -> Ping:
    endpoint = endpoint_from_settings(Settings(llm_base_url=url, llm_model="m"))
    assert endpoint is not None
    return ping(endpoint, timeout_s)


def test_a_server_that_answers_is_reached_and_only_its_list_was_asked_for(server):
    server.models = [f"m{number}" for number in range(MOST_NAMES + 5)]

    found = pinged(server.url)

    assert (found.reached, found.welcome, found.endpoint) == (True, True, server.url)
    assert (len(found.models), found.models[0]) == (MOST_NAMES, "m0")
    assert "lists 55 models" in found.reason
    assert server.requests == []  # no answer was asked for


def test_one_model_is_told_as_one(server):
    server.models = ["m"]

    assert pinged(server.url).reason.endswith("lists 1 model.")


def test_nobody_there_is_said(nobody):  # noqa: F811
    found = pinged(nobody)

    assert (found.reached, found.welcome, found.models) == (False, False, ())
    assert nobody in found.reason


def test_a_name_that_leads_into_a_private_network_is_not_connected_to():
    found = pinged("https://10.0.0.1/v1")

    assert (found.reached, found.welcome) == (False, False)
    assert "private" in found.reason


def test_a_second_press_hears_the_first_answer_again(server):
    clock, pings = FakeClock(), Pings()
    settings = Settings(llm_base_url=server.url, llm_model="m")

    server.models = ["first"]
    pings.ping(settings, clock, None)
    server.models = ["second"]
    assert pings.ping(settings, clock, None).models == ("first",)

    clock.advance(QUIET_S)
    assert pings.ping(settings, clock, None).models == ("second",)


def test_nothing_is_asked_while_the_kill_switch_is_on(server):
    settings = Settings(llm_base_url=server.url, llm_model="m")

    with pytest.raises(KillSwitchOn, match="stop it"):
        Pings().ping(settings, FakeClock(), KillFile("stop it", "ana", None))
    assert server.requests == []
