"""A process of the daemon that the system refuses to begin: for ever counts as a fall, for now does not."""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from settings import Home, Settings
from stopping import Stop
from store import processes
from store.sqlite_store import SqliteStore
from supervisor.child import LONGEST_WAIT_S, Child
from supervisor.daemon import HOPELESS_STARTS, Daemon
from supervisor.refusal import NOT_BEGUN, Refusal
from supervisor.spawning import ByExec
from supervisor.standing import ProcessRecord


class Refusing:
    """Begins nothing, as a machine does that has no more of something."""

    def __init__(self, number: int) -> None:
        self._number = number

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        raise OSError(self._number, os.strerror(self._number))

    def tend(self) -> None:
        pass

    def close(self) -> None:
        pass


def start_until_hopeless(child: Child) -> list[int | None]:
    """What came of each start."""
    return [child.keep_up(LONGEST_WAIT_S * number) for number in range(1, HOPELESS_STARTS + 1)]


def unfit(tmp_path: Path, kind: str) -> Path:
    """A program that the kernel executes for nobody, not even for root."""
    program = tmp_path / "python"
    if kind == "not to be executed":
        program.write_text("#!/bin/sh\n")
        program.chmod(0o644)
    elif kind == "no program":
        program.write_text("these are words\n")
        program.chmod(0o755)
    elif kind == "beneath a file":
        program.write_text("")
        program /= "python"
    elif kind == "a circle of links":
        program.symlink_to(program)
    return program


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("not to be executed", "Permission denied"),
        ("gone", "No such file or directory"),
        ("no program", "Exec format error"),
        ("beneath a file", "Not a directory"),
        ("a circle of links", "Too many levels of symbolic links"),
    ],
)
def test_an_interpreter_that_cannot_be_executed_is_a_failed_start_that_names_it(
    tmp_path, monkeypatch, kind, why
):
    program = unfit(tmp_path, kind)
    monkeypatch.setattr(sys, "executable", str(program))
    child = Child("swarm", ["swarm"], spawner=ByExec())

    assert start_until_hopeless(child) == [NOT_BEGUN] * HOPELESS_STARTS
    assert child.failed_starts == HOPELESS_STARTS
    assert child.refusal is not None
    assert child.refusal.reason.startswith(f"{program} cannot be executed: {why}. Let the user")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY])
def test_what_a_machine_has_none_left_of_is_told_and_never_counts_as_a_failed_start(number):
    child = Child("swarm", ["swarm"], spawner=Refusing(number))

    assert start_until_hopeless(child) == [NOT_BEGUN] * HOPELESS_STARTS
    assert child.failed_starts == 0
    assert child.refusal is not None
    assert os.strerror(number) in child.refusal.reason


@pytest.mark.parametrize(("number", "is_hopeless"), [(errno.EACCES, True), (errno.ENOMEM, False)])
def test_a_daemon_whose_processes_are_not_begun_cannot_start_only_where_that_lasts(
    tmp_path, monkeypatch, number, is_hopeless
):
    monkeypatch.setattr("supervisor.child.LONGEST_WAIT_S", 0.0)
    monkeypatch.setattr("supervisor.daemon.LOOK_EVERY_S", 0.001)
    daemon = Daemon(Home(tmp_path), Settings(), with_panel=False, spawner=Refusing(number))
    fell: list[str] = []
    looks = itertools.count(1)

    def take(name: str, code: int, refusal: Refusal | None) -> None:
        assert (code, refusal is not None) == (NOT_BEGUN, True)
        fell.append(name)

    daemon.run(Stop(), take, lambda: next(looks) > HOPELESS_STARTS)

    assert fell.count("swarm") == HOPELESS_STARTS
    assert (daemon.cannot_start() is daemon.swarm) is is_hopeless


@pytest.mark.parametrize(("number", "passes"), [(errno.ENOENT, False), (errno.EAGAIN, True)])
def test_why_a_process_was_not_begun_is_on_record_and_told_once(tmp_path, number, passes):
    home = Home(tmp_path)
    refusal = Refusal.of(OSError(number, os.strerror(number), "/opt/python"))
    with SqliteStore(home, Settings()) as store:
        record = ProcessRecord(home, store)
        record.enter(["swarm"])
        record.fall("swarm", NOT_BEGUN, refusal)
        first = processes.hold(store.reader.fact(processes.PROCESSES))
        record.fall("swarm", NOT_BEGUN, refusal)
        second = processes.hold(store.reader.fact(processes.PROCESSES))

        sentence = f"swarm is not up: {refusal.reason}"
        assert first == (sentence, processes.SWARM_STARTING if passes else processes.SWARM)
        assert second == (sentence, processes.SWARM)
        (event,) = [row for row in store.reader.events(after=0) if row["event"] == "daemon.crashed"]
        assert sentence in event["data"]
