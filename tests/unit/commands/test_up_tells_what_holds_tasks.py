"""`skep up` says why tasks of a kind wait, also in a run in which nothing new happened to say so."""

from __future__ import annotations

import pytest

from commands.telling import Teller
from store import processes
from store.reading import LOCAL_STATUS, MODEL_STATUS

NO_MODEL = "no model configured: start Ollama"


@pytest.fixture
def teller(store):
    store.set_fact(MODEL_STATUS, {"ready": False, "reason": NO_MODEL}, "daemon.model", reason=NO_MODEL)
    store.set_fact(LOCAL_STATUS, {"ready": True, "reason": "namespaces"}, "daemon.sandbox")
    return Teller(store.reader, as_json=False)


def test_what_was_so_before_the_run_is_told_once(teller, capsys):
    assert teller.tell_held()
    assert teller.tell_held()

    (line,) = capsys.readouterr().out.splitlines()
    assert line.split(maxsplit=2)[1:] == ["model", NO_MODEL]


def test_what_an_event_has_told_is_not_told_again(teller, store, capsys):
    reason = "no model configured: the server has none"
    store.set_fact(MODEL_STATUS, {"ready": False, "reason": reason}, "daemon.model", reason=reason)

    teller.tell_new()
    teller.tell_held()

    assert capsys.readouterr().out.count(reason) == 1


def test_it_is_not_told_while_swarm_which_knows_is_not_up(teller, store, capsys):
    store.write(lambda tx: processes.enter(tx, ["swarm", "worker-1"]))

    assert not teller.tell_held()
    assert capsys.readouterr().out == ""


def test_a_program_is_told_events_and_nothing_else(teller, store, capsys):
    assert Teller(store.reader, as_json=True).tell_held()
    assert capsys.readouterr().out == ""
