"""A worker with nothing to do looks at the store now and then; a stop does not wait for the next look."""

from __future__ import annotations

import threading

from store.engine import SqliteEngine
from tests.integration.worker_rig import WorkerRig


def test_a_stop_wakes_a_worker_that_waits_for_tasks(tmp_path, monkeypatch):
    woken = threading.Event()
    wake = SqliteEngine.wake

    def note(engine: SqliteEngine) -> None:
        woken.set()
        wake(engine)

    monkeypatch.setattr(SqliteEngine, "wake", note)
    with WorkerRig(tmp_path):
        woken.clear()

    assert woken.is_set()
