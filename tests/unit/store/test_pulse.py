"""How soon a commit of somebody else is noticed, by how long nothing has happened."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import host_platform
from store import commit_ear
from store.file_watch import FileWatch
from store.pulse import Pulse, pause_after


@pytest.mark.parametrize(("quiet_s", "pause_s"), [(0, 0.02), (4.9, 0.02), (5.1, 0.05), (59, 0.05), (61, 0.1)])
def test_the_longer_it_is_quiet_the_less_often_is_looked(quiet_s, pause_s):
    moment = 0.0
    for looks in itertools.count():
        moment += pause_after(looks)
        if moment > quiet_s:
            assert pause_after(looks) == pause_s
            return


PATIENCE_S = 60


class Pauses:
    """The pauses between looks that were asked for; a short quiet makes the store idle, and then at rest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[float] = []
        self._more = threading.Event()
        monkeypatch.setattr("store.pulse.pause_after", self._pause)
        monkeypatch.setattr("store.pulse.IDLE_AFTER_LOOKS", 2)
        monkeypatch.setattr("store.pulse.REST_AFTER_LOOKS", 3)

    def _pause(self, quiet_looks: int) -> float:
        self.seen.append(pause_after(quiet_looks))
        self._more.set()
        return 0.001

    def until(self, wanted: float) -> None:
        """Wait for a pause as long as that, from now on."""
        del self.seen[:]
        while wanted not in self.seen:
            assert self._more.wait(PATIENCE_S)
            self._more.clear()


@contextmanager
def beating(store) -> Iterator[threading.Event]:
    """A pulse of a store, and the event that it sets."""
    pulse, changed = Pulse(store.reader), threading.Event()
    pulse.listen(changed)
    pulse.start()
    try:
        yield changed
    finally:
        pulse.stop()


def commit(store, value: str) -> None:
    store.write(lambda tx: tx.set_meta("x", value))


@pytest.mark.parametrize("tells", [True, False])
def test_a_commit_is_noticed_at_rest_too_and_looks_are_quick_again(store, monkeypatch, tells):
    if not tells:
        monkeypatch.setattr(FileWatch, "start", lambda _: False)
    pauses = Pauses(monkeypatch)
    with beating(store) as changed:
        pauses.until(0.1)
        changed.clear()
        commit(store, "1")
        assert changed.wait(PATIENCE_S)
        pauses.until(0.02)


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="commits are listened for on Linux")
def test_a_system_that_says_it_tells_and_does_not_is_found_out(store, monkeypatch):
    """As where a file system of the network or of a container tells nothing."""
    monkeypatch.setattr("store.pulse.LISTENING_LOOK_S", 0.05)
    monkeypatch.setattr("store.pulse.TELLING_S", 0.01)
    monkeypatch.setattr(FileWatch, "on_any_event", lambda *_: None)
    began = []
    start = FileWatch.start

    def count(self: FileWatch) -> bool:
        began.append(1)
        return start(self)

    monkeypatch.setattr(FileWatch, "start", count)
    pauses = Pauses(monkeypatch)
    with beating(store) as changed:
        for value in range(commit_ear.MOST_MISSED + 3):
            pauses.until(0.1)
            changed.clear()
            commit(store, str(value))
            assert changed.wait(PATIENCE_S)
            pauses.until(0.02)
    assert commit_ear.MOST_MISSED <= len(began) <= commit_ear.MOST_MISSED + 1


class LateReader:
    """A store whose log is written one look before the commit can be seen, as SQLite does it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path.with_name(f"{path.name}-wal")
        self.journal.touch()
        self._sizes = [0, 0]

    def data_version(self) -> int:
        self._sizes.append(self.journal.stat().st_size)
        return self._sizes[-2]

    def write(self) -> None:
        with self.journal.open("ab") as journal:
            journal.write(b"x")


@pytest.mark.skipif(not host_platform.IS_LINUX, reason="commits are listened for on Linux")
def test_at_rest_the_system_tells_of_a_commit_before_it_can_be_seen_and_none_counts_as_missed(
    tmp_path, monkeypatch
):
    missed: list[bool] = []
    monkeypatch.setattr(commit_ear.CommitEar, "missed", lambda _: missed.append(True))
    monkeypatch.setattr("store.pulse.LISTENING_LOOK_S", PATIENCE_S * 10)
    pauses = Pauses(monkeypatch)
    reader = LateReader(tmp_path / "state.db")
    with beating(SimpleNamespace(reader=reader)) as changed:
        for _ in range(commit_ear.MOST_MISSED):
            pauses.until(0.1)
            changed.clear()
            reader.write()
            assert changed.wait(PATIENCE_S)
    assert missed == []
