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

    assert rig.row(claim.id)["state"] == state


def test_a_command_that_a_person_cancels_is_cancelled_whatever_its_effect(rig: RoadRig) -> None:
    claim = rig.claim(command="sleep 60", effect="unsafe")
    road = rig.road()
    walking = threading.Thread(target=road.walk, args=(claim,))
    walking.start()
    eventually(rig.commands, "the command runs")

    road.stop_task(claim.ref, hand_back=False)
    walking.join(30)

    assert rig.row(claim.id)["state"] == "cancelled"
