"""The wall clock is set a day forward or back while there is work: only what a person dated may notice."""

from __future__ import annotations

import pytest

from store.rescue import find_abandoned
from tests.unit.store_recovery.worked_home import WorkedHome

DAY_S = 86_400.0
JUMPS = pytest.mark.parametrize("jump", [DAY_S, -DAY_S], ids=["a day forward", "a day back"])


@pytest.fixture
def worked(tmp_path, clock):
    home = WorkedHome(tmp_path / "home", clock).open()
    yield home
    home.close()


@JUMPS
def test_a_lease_outlives_the_jump_and_its_heartbeats_go_on(worked: WorkedHome, clock, jump: float) -> None:
    import host_platform
    from store.claims import Claimant

    worked.add("a")
    (claim,) = worked.claim("a")
    clock.jump(jump)
    assert worked.opened.write(find_abandoned) == []
    who = Claimant("worker-test", host_platform.this_process(), 30.0)
    assert worked.opened.heartbeat(who, [claim.ref]) == []
    worked.conclude(claim)
    assert worked.states() == {"a": "approved"}


@JUMPS
def test_a_lease_without_heartbeats_still_runs_out(worked: WorkedHome, clock, jump: float) -> None:
    worked.add("a")
    worked.claim("a")
    clock.jump(jump)
    clock.advance(31.0)
    assert [one.row["id"] for one in worked.opened.write(find_abandoned)] == ["a"]


def test_a_dated_task_goes_when_the_wall_clock_says_so_and_not_before(worked: WorkedHome, clock) -> None:
    worked.add("dated", not_before=clock.now() + DAY_S / 2)
    clock.jump(-DAY_S)
    assert worked.opened.promote_due() == 0
    clock.jump(2 * DAY_S)
    assert worked.opened.promote_due() == 1
    assert [claim.id for claim in worked.claim()] == ["dated"]


def test_a_clock_set_back_while_a_retry_waits_delays_it_by_no_more_than_the_jump(
    worked: WorkedHome, clock
) -> None:
    from store import recording

    worked.add("a")
    (claim,) = worked.claim("a")

    def put_back(tx):
        row = tx.one("held", id=claim.id, lease=claim.ref.lease)
        recording.requeue(
            tx, row, "429", not_before=tx.now + 60, waiting_for="the server's own time", counts=False
        )

    worked.opened.write(put_back)
    clock.jump(-DAY_S)
    clock.advance(61)
    assert worked.opened.promote_due() == 0
    clock.jump(DAY_S)
    assert worked.opened.promote_due() == 1


def test_a_schedule_fires_once_for_a_day_that_was_jumped_over(worked: WorkedHome, clock) -> None:
    worked.add("tick", every="0 * * * *")
    clock.jump(DAY_S)
    assert worked.opened.promote_due() == 1
    assert worked.opened.promote_due() == 0
    (claim,) = worked.claim()
    assert claim.id.startswith("tick.")
    row = worked.opened.reader.task("tick")
    assert row is not None
    assert clock.now() < row["not_before"] <= clock.now() + 3600


def test_a_schedule_does_not_fire_again_for_hours_that_the_clock_lives_twice(
    worked: WorkedHome, clock
) -> None:
    worked.add("tick", every="0 * * * *")
    clock.advance(3600)
    assert worked.opened.promote_due() == 1
    (claim,) = worked.claim()
    worked.conclude(claim)
    clock.jump(-3600)
    assert worked.opened.promote_due() == 0
    clock.advance(3600)
    assert worked.opened.promote_due() == 0
    assert [name for name in worked.states() if name.startswith("tick.")] == [claim.id]


@JUMPS
def test_the_log_stays_in_order_of_commits_whatever_the_clock_says(
    worked: WorkedHome, clock, jump: float
) -> None:
    worked.do("a")
    clock.jump(jump)
    worked.do("b")
    worked.show()
    assert worked.verify().ok


@JUMPS
def test_a_backup_is_due_by_time_that_passes_and_not_by_the_wall_clock(
    worked: WorkedHome, clock, jump: float
) -> None:
    from store.backup import Backup

    backup = Backup(worked.home, worked.settings, clock)
    worked.do("a")
    assert backup.run_if_due(clock.monotonic())
    backup.close()
    again = Backup(worked.home, worked.settings, clock)
    again.run_if_due(clock.monotonic())
    clock.jump(jump)
    assert not again.run_if_due(clock.monotonic() + worked.settings.backup_interval_s / 2)
    again.close()
