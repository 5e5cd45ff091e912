"""A worker that stops takes its tasks' commands along: what may run again does, what may not asks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.integration.road_rig import RoadRig
from tests.integration.swarm_rig import eventually


@pytest.fixture
def rig(tmp_path: Path):
    with RoadRig(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize(("effect", "state"), [("idempotent", "ready"), ("unsafe", "review")])
def test_a_command_that_is_stopped_with_the_worker_goes_by_its_effect(
    rig: RoadRig, effect: str, state: str
) -> None:
    claim = rig.claim(command="sleep 60", effect=effect)
    road = rig.road()
    walking = threading.Thread(target=road.walk, args=(claim,))
    walking.start()
    eventually(rig.commands, "the command runs")

    road.stop_task(claim.ref, hand_back=True)
    walking.join(30)

    assert rig.row(claim.id)["state"] == state
    asked = [row["question"] for row in rig.store.reader.decisions()]
    assert len(asked) == (effect == "unsafe")
    assert all("the worker stopped while it ran" in question for question in asked)
    assert rig.row(claim.id)["reason"] == (None if asked else "the worker stopped")


@pytest.mark.parametrize(("effect", "state"), [("idempotent", "ready"), ("unsafe", "review")])
def test_a_command_that_a_program_stops_through_cancel_says_so_and_goes_by_its_effect(
    rig: RoadRig, effect: str, state: str
) -> None:
    claim = rig.claim(command="sleep 60", effect=effect)
    walking = threading.Thread(target=rig.road().walk, args=(claim,))
    walking.start()
    eventually(rig.commands, "the command runs")

    assert rig.cancel(claim).json()["status"] == "stopping"
    walking.join(30)

    row, asked = rig.row(claim.id), [each["question"] for each in rig.store.reader.decisions()]
    assert row["state"] == state
    assert row["reason"] == (None if asked else "it was stopped through /cancel")
    assert len(asked) == (effect == "unsafe")
    assert all("it was stopped through /cancel while it ran" in question for question in asked)


@pytest.mark.parametrize(("effect", "state"), [("idempotent", "ready"), ("unsafe", "review")])
def test_a_command_that_was_stopped_when_nobody_could_record_it_goes_by_its_effect_too(
    rig: RoadRig, effect: str, state: str
) -> None:
    claim = rig.claim(command="sleep 60", effect=effect)
    call = rig.in_background(claim)
    eventually(rig.commands, "the command runs")
    rig.cancel(claim)
    assert call.answer().json()["status"] == "cancelled"

    rig.road().resume(claim)

    told = "it was stopped through /cancel or by the worker before"
    asked = [row["question"] for row in rig.store.reader.decisions()]
    assert rig.row(claim.id)["state"] == state
    assert rig.row(claim.id)["reason"] == (None if asked else told)
    assert all(f"{told} while it ran" in question for question in asked)


def test_a_command_that_a_person_cancels_is_cancelled_whatever_its_effect(rig: RoadRig) -> None:
    claim = rig.claim(command="sleep 60", effect="unsafe")
    road = rig.road()
    walking = threading.Thread(target=road.walk, args=(claim,))
    walking.start()
    eventually(rig.commands, "the command runs")

    road.stop_task(claim.ref, hand_back=False)
    walking.join(30)

    assert rig.row(claim.id)["state"] == "cancelled"
