"""Runs of a worked home, driven by hand, before and after its database is rebuilt."""

from __future__ import annotations

from typing import Any

import host_platform
from runs.entering import new_run
from runs.request import read_start
from store import runs
from store.claims import Claimant
from testing.durable_runs import DurableRuns
from tests.unit.store_recovery.worked_home import WorkedHome


def rig_of(home: WorkedHome) -> DurableRuns:
    made = DurableRuns(
        home.opened, Claimant("w", host_platform.this_process(), 60.0), lambda name: f"ok:{name}"
    )
    made.read_outputs(home.home.outputs)
    return made


def rebuilt(home: WorkedHome) -> DurableRuns:
    """The home as it is after its database was damaged, rebuilt and accepted."""
    home.show()
    home.close()
    home.zero_the_header()
    recovered = home.recover()
    assert recovered is not None
    home.open()
    home.accept(recovered)
    return rig_of(home)


def start_under(rig: DurableRuns, key: str, **request: Any) -> str:
    made = new_run(read_start({"tasks": [{"id": "a", "prompt": "x"}], **request}), rig.house, key)
    return str(rig.store.write(lambda tx: runs.start(tx, made, "test", rig.store.limits))["id"])
