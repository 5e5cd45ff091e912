"""The watch over what runs: it stops it once the switch is set, again while it must, and survives trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from errors import KillSwitchOn
from safety.kill_switch import KillSwitch, KillSwitchWatch
from settings import Home

PATIENCE_S = 20.0


@pytest.fixture
def switch(home: Home) -> KillSwitch:
    home.state.mkdir()
    return KillSwitch(home)


class Running:
    """Something runs from `begin` on."""

    def __init__(self) -> None:
        self.begin = threading.Event()
        self.stops = threading.Semaphore(0)
        self.fails = False

    def what_runs(self) -> Callable[[], None]:
        return self.stop

    def stop(self) -> None:
        self.stops.release()
        if self.fails:
            self.fails = False
            raise OSError("not now")


@pytest.fixture
def running(switch):
    runs = Running()
    watch = KillSwitchWatch(switch, runs.begin.wait, runs.what_runs)
    watch.start()
    yield runs
    watch.stop()
    runs.begin.set()


def test_what_runs_is_stopped_and_again_while_it_still_runs(home, running):
    running.begin.set()
    home.kill_switch.touch()

    assert running.stops.acquire(timeout=PATIENCE_S)
    assert running.stops.acquire(timeout=PATIENCE_S)


def test_what_begins_later_is_stopped_too(home, running):
    home.kill_switch.touch()
    running.begin.set()

    assert running.stops.acquire(timeout=PATIENCE_S)


def test_trouble_does_not_end_the_watch(home, running):
    running.fails = True
    running.begin.set()
    home.kill_switch.mkdir()

    assert running.stops.acquire(timeout=PATIENCE_S)
    assert running.stops.acquire(timeout=PATIENCE_S)


def test_while_it_is_clear_nothing_is_refused(switch):
    switch.check()

    assert (switch.is_on(), switch.look()) == (False, None)


def test_while_it_is_set_the_refusal_gives_the_reason(home, switch):
    home.kill_switch.write_text("it loops")

    with pytest.raises(KillSwitchOn, match="The kill switch is on: it loops"):
        switch.check()
