"""What swarm does where its word that it has the port is gone and cannot be written again."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhost import port_file
from store import processes
from store.processes import PROCESSES
from tests.integration.swarm_rig import SwarmRig

PATIENCE_S = 60


class Claim:
    """The writing of the word, which fails until it may go on."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._really = port_file.claim
        self._tries = threading.Semaphore(0)
        self.may_go_on = False

    def __call__(self, *given: object) -> None:
        self._tries.release()
        if not self.may_go_on:
            raise OSError(self._code, os.strerror(self._code))
        self._really(*given)  # type: ignore[arg-type]

    def wait_for_tries(self, count: int) -> None:
        """Wait until it was tried so often more; what came of the one before is written down by then."""
        for _ in range(count):
            assert self._tries.acquire(timeout=PATIENCE_S)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SwarmRig]:
    with SwarmRig(tmp_path) as made:
        yield made


def lose_the_word(rig: SwarmRig, monkeypatch: pytest.MonkeyPatch, code: int) -> Claim:
    made = Claim(code)
    monkeypatch.setattr(port_file, "claim", made)
    (rig.home.state / port_file.SWARM).unlink()
    return made


def down(rig: SwarmRig) -> dict[str, str]:
    """What is not up, with the sentence about it."""
    return processes.down(rig.store.reader.fact(PROCESSES))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log tells of a word that cannot be written."""
    told = [record.getMessage() for record in caplog.records]
    return [words for words in told if ".swarm/swarm_port cannot be written" in words]


def test_it_is_told_once_and_until_it_is_written(rig: SwarmRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.store.write(lambda tx: processes.enter(tx, [processes.SWARM]))
    claim = lose_the_word(rig, monkeypatch, errno.EISDIR)
    claim.wait_for_tries(3)

    assert ".swarm/swarm_port cannot be written" in down(rig)["swarm"]
    assert len(rig.events("daemon.crashed")) == 1
    assert rig.events("daemon.reached") == []
    claim.may_go_on = True
    claim.wait_for_tries(1)
    rig.stop.ask("look what is left")
    rig.thread.join(PATIENCE_S)
    assert down(rig) == {}
    assert len(rig.events("daemon.reached")) == 1


def test_a_moment_without_descriptors_is_no_trouble(rig: SwarmRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.store.write(lambda tx: processes.enter(tx, [processes.SWARM]))
    before = down(rig)
    lose_the_word(rig, monkeypatch, errno.EMFILE).wait_for_tries(3)

    assert down(rig) == before
    assert rig.events("daemon.crashed") == []


def test_of_one_that_nobody_supervises_the_log_alone_tells_it(
    rig: SwarmRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lose_the_word(rig, monkeypatch, errno.EISDIR).wait_for_tries(3)

    assert down(rig) == {}
    assert rig.events("daemon.crashed") == []
    assert len(said(caplog)) == 1


def test_a_store_that_cannot_be_written_then_does_not_end_it_and_is_logged_once(
    rig: SwarmRig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(rig.swarm.store, "write", fail)
        lose_the_word(rig, patched, errno.EISDIR).wait_for_tries(3)
        assert rig.client.get("/status").status_code == 200
        [words] = said(caplog)

    assert words.endswith("Too many open files")
