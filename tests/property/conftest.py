"""What properties of runs of the daemon share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import host_platform
from settings import Home, Settings
from store.claims import Claimant
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.durable_runs import DurableRuns
from testing.new_home import put_database
from testing.paid_runs import PaidRuns
from testing.timed_runs import TimedRuns


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableRuns]:
    """Runs of one home for all examples of a module, driven by hand."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.workspace.mkdir()
    with SqliteStore(put_database(home), Settings(), FakeClock()) as store:
        made = DurableRuns(store, Claimant("w", host_platform.this_process(), 60.0), str)
        made.read_outputs(home.outputs)
        yield made


@pytest.fixture(scope="module")
def timed_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedRuns]:
    """The same in the time of a clock."""
    home, clock = Home(tmp_path_factory.mktemp("home")), FakeClock()
    with SqliteStore(put_database(home), Settings(), clock) as store:
        yield TimedRuns(store, Claimant("w", host_platform.this_process(), 60.0), clock)


@pytest.fixture(scope="module")
def paid_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaidRuns]:
    """The same where attempts cost money."""
    home, clock = Home(tmp_path_factory.mktemp("home")), FakeClock()
    with SqliteStore(put_database(home), Settings(), clock) as store:
        yield PaidRuns(store, Claimant("w", host_platform.this_process(), 60.0), clock)
