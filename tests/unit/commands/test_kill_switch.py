"""`skep kill-switch`, and what `status`, `doctor`, `resume` and `wait` say of the two halts."""

from __future__ import annotations

import fcntl
import json

import pytest

from commands import kill_switch
from store.halting import Trip


def kinds(store):
    return [row["event"] for row in store.reader.events() if row["event"].startswith("daemon.")]


def trip(store):
    store.trip_breaker(Trip("failures_in_a_row", "20 tasks in a row failed", 20), 0)


def test_it_is_set_told_and_cleared(run, ask, store, home, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    assert run("kill-switch").stdout == "The kill switch is off.\n"

    told = run("kill-switch", "on", "--reason", "it\nloops").stdout

    assert told.startswith("The kill switch is on: it loops (cli:ada since ")
    assert "`skep kill-switch off` clears it" in told
    assert run("kill-switch").stdout == told
    assert home.kill_switch.stat().st_mode & 0o777 == 0o600
    assert run("kill-switch", "off").stdout == "The kill switch is cleared; work goes on.\n"
    assert run("kill-switch", "off").stdout == "The kill switch was not on.\n"
    assert kinds(store) == ["daemon.kill_switch_on", "daemon.kill_switch_off"]


def test_programs_read_it_as_json(ask, store, home):
    assert ask("kill-switch") == {"on": False, "reason": None, "by": None, "since": None}
    told = ask("kill-switch", "on", "--reason", "r")

    assert (told["on"], told["reason"], told["recorded"]) == (True, "r", True)
    assert ask("kill-switch")["reason"] == "r"
    assert ask("kill-switch", "off") == {
        "was_on": True, "on": False, "reason": None, "by": None, "since": None, "recorded": True,
    }  # fmt: skip


def test_to_set_it_twice_keeps_the_first_reason_unless_another_is_given(ask, store):
    ask("kill-switch", "on", "--reason", "first")

    assert ask("kill-switch", "on")["reason"] == "first"
    assert ask("kill-switch", "on", "--reason", "second")["reason"] == "second"


def test_made_by_hand_it_is_the_same(run, ask, store, home):
    home.kill_switch.write_text("why\x1b[31m not")

    assert ask("kill-switch")["reason"] == "why\\u001b[31m not"
    assert "\x1b" not in run("kill-switch").stdout
    assert "(by hand since " in run("kill-switch").stdout


@pytest.mark.parametrize("words", [["off", "--reason", "x"], ["--reason", "x"], ["maybe"], ["on", "off"]])
def test_wrong_words_are_2_and_change_nothing(run, store, home, words):
    home.kill_switch.touch()

    run("kill-switch", *words, code=2)

    assert home.kill_switch.exists()


def test_where_there_is_no_home_nothing_is_made(run, home):
    assert "no Skep home here" in run("kill-switch", "on", code=3).stderr
    assert not home.state.exists()


def test_it_needs_no_database(run, ask, home):
    home.state.mkdir(mode=0o700)
    home.database.write_bytes(b"this is no database" * 1000)

    told = run("kill-switch", "on", "--reason", "r")

    assert home.kill_switch.exists()
    assert "The store could not be told" in told.stderr
    assert ask("kill-switch", "off")["recorded"] is False
    assert not home.kill_switch.exists()


def test_a_store_that_hangs_holds_nothing_up(run, store, home, monkeypatch):
    monkeypatch.setattr(kill_switch, "PATIENCE_S", 0.05)
    with (home.state / "write.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = run("kill-switch", "on")
        assert "it does not answer" in told.stderr
        assert home.kill_switch.exists()
        fcntl.flock(lock, fcntl.LOCK_UN)


def test_wrong_settings_do_not_stop_it(run, home, store):
    (home.root / "skep.toml").write_text("nonsense = 1\n")

    run("kill-switch", "on")

    assert home.kill_switch.exists()


def test_where_it_cannot_be_set_that_is_3_and_said(run, store, home, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("store.kill_file.os.open", refuse)

    assert "cannot be written" in run("kill-switch", "on", code=3).stderr


def test_every_task_says_so_and_waiting_for_them_ends_with_75(run, ask, walk, home):
    walk.submit({"id": "a"})
    home.kill_switch.write_text("it loops")

    assert ask("list")["tasks"][0]["waiting_for"] == "the kill switch is on: it loops (skep kill-switch off)"
    assert "the kill switch is on: it loops" in run("wait", "a", code=75).stdout


def test_status_and_doctor_tell_it_first(run, ask, store, home):
    home.kill_switch.write_text("it loops")
    store.pause("ada")

    assert run("status").stdout.startswith(
        "The kill switch is on: it loops; `skep kill-switch off` clears it.\n"
    )
    assert ask("status")["kill_switch"]["reason"] == "it loops"
    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "kill switch"]
    assert (found["level"], found["way_out"]) == ("warn", "skep kill-switch off")
    assert found["told"] == "The kill switch is on (by hand): it loops."


def test_a_tripped_breaker_is_told_and_reset_by_resume(run, ask, store):
    trip(store)

    assert run("status").stdout.startswith(
        "The circuit breaker tripped: 20 tasks in a row failed; `skep resume` goes on."
    )
    assert ask("status")["circuit_breaker"]["rule"] == "failures_in_a_row"
    (found,) = [each for each in ask("doctor")["checks"] if each["check"] == "breaker"]
    assert (found["level"], found["way_out"]) == ("warn", "skep resume")

    assert run("resume").stdout == "The circuit breaker is reset. Work goes on.\n"
    assert ask("status")["circuit_breaker"] is None


def test_resuming_says_what_still_holds_everything(run, ask, store, home):
    store.pause("ada")
    home.kill_switch.touch()

    told = run("resume")

    assert told.stdout == "It is no longer paused.\n"
    assert told.stderr == "Nothing is started all the same: the kill switch is on (skep kill-switch off).\n"
    assert json.loads(run("resume", "--json").stdout) == {
        "paused": False,
        "was_paused": False,
        "was_tripped": False,
        "held_by": "the kill switch is on (skep kill-switch off)",
    }


def test_the_breakers_question_can_be_answered_by_its_id(run, ask, store):
    trip(store)
    (decision,) = ask("status")["decisions"]

    run("approve", decision["id"])

    assert ask("status")["circuit_breaker"] is None
