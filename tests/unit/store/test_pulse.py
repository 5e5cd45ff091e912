"""How soon a commit of somebody else is noticed, by how long nothing has happened."""

from __future__ import annotations

import itertools
import threading

import pytest

from store.pulse import Pulse, pause_after


@pytest.mark.parametrize(("quiet_s", "pause_s"), [(0, 0.02), (4.9, 0.02), (5.1, 0.05), (59, 0.05), (61, 0.1)])
def test_the_longer_it_is_quiet_the_less_often_is_looked(quiet_s, pause_s):
    moment = 0.0
    for looks in itertools.count():
        moment += pause_after(looks)
        if moment > quiet_s:
            assert pause_after(looks) == pause_s
            return


def test_a_commit_is_noticed_at_rest_too_and_looks_are_quick_again(store, monkeypatch):
    pauses: list[float] = []

    def pause(quiet_looks: int) -> float:
        pauses.append(pause_after(quiet_looks))
        return 0.001

    monkeypatch.setattr("store.pulse.pause_after", pause)
    monkeypatch.setattr("store.pulse.REST_AFTER_LOOKS", 3)
    monkeypatch.setattr("store.pulse.IDLE_AFTER_LOOKS", 2)
    pulse, changed, rests = Pulse(store.reader), threading.Event(), threading.Event()
    pulse.listen(changed)
    pulse.start()
    try:
        while not pauses or pauses[-1] < 0.1:
            rests.wait(0.001)
        changed.clear()
        del pauses[:]
        store.write(lambda tx: tx.set_meta("x", "1"))
        assert changed.wait(60)
        while 0.02 not in pauses:
            rests.wait(0.001)
    finally:
        pulse.stop()
