"""Free time: bought when nothing is to do, by whoever has the most, within bounds; and it earns nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from enrichment.roster import Roster
from errors import OverBudget
from road.free_time import FreeTime
from settings import Settings
from store import ledger, recording
from testing.model_server import ModelServer, Reply
from tests.integration.road_rig import RoadRig

SETTINGS: dict[str, Any] = {"free_time": True, "free_time_cost": 8, "free_time_per_day": 2}


@pytest.fixture
def rig(tmp_path: Path, model: ModelServer):
    with RoadRig(tmp_path, llm_base_url=model.url, llm_model="m", **SETTINGS) as opened:
        opened.home.identities.mkdir()
        yield opened


def make(rig: RoadRig, name: str, *activities: str) -> None:
    (rig.home.identities / f"{name}.toml").write_text(f"free_time = {json.dumps(list(activities))}")


def earn(rig: RoadRig, identity: str, times: int = 1) -> None:
    """Ten tokens for each task."""
    for _ in range(times):
        claim = rig.claim(prompt="work", identity_id=identity, max_budget=0.1)
        rig.road().walk(claim)


def look(rig: RoadRig, **changes: Any) -> str | None:
    settings = Settings.model_validate(rig.settings.model_dump() | changes)
    return FreeTime(rig.store, Roster(rig.home.identities), settings).look()


def run(rig: RoadRig) -> str:
    claim = rig.reclaim()
    rig.road().walk(claim)
    return str(rig.row(claim.id)["state"])


def test_who_has_the_most_tokens_goes_first_and_takes_its_activities_in_turn(rig, model):
    make(rig, "ada", "Write a haiku.", "Draw a map.")
    make(rig, "bob", "Whistle.")
    make(rig, "cy")
    earn(rig, "ada", 2)
    earn(rig, "bob", 1)
    earn(rig, "cy", 3)
    model.reply_with(Reply(text="bees hum"))
    assert look(rig) == "free-ada-1"
    row = rig.row("free-ada-1")
    task = json.loads(row["doc"])
    assert row["source"] == "free_time"
    assert (task["identity_id"], task["max_budget"], task["tags"]) == ("ada", 0.05, ["free-time"])
    assert (task["decompose"], task["priority"]) == ("never", -1000)
    assert task["prompt"].endswith("Write a haiku.")
    assert ledger.purse_of(rig.store.reader, "ada") == ledger.Purse("ada", earned=20, balance=12)
    assert look(rig) is None, "the one that was bought comes first"
    assert run(rig) == "approved"
    assert look(rig) == "free-ada-2"
    assert json.loads(rig.row("free-ada-2")["doc"])["prompt"].endswith("Draw a map.")


def test_free_time_earns_nothing_says_so_and_goes_into_the_journal(rig, model):
    make(rig, "ada", "Write a haiku.")
    earn(rig, "ada")
    model.reply_with(Reply(text="bees hum"))
    look(rig)
    assert run(rig) == "approved"
    told = [row for row in rig.events("task.approved") if row["task_id"] == "free-ada-1"]
    assert json.loads(told[0]["data"])["phase5_reward_reason"] == "free_time"
    assert ledger.purse_of(rig.store.reader, "ada") == ledger.Purse("ada", earned=10, balance=2)
    (entry,) = rig.store.reader.all("journal_entries", identity="ada", limit=9)
    assert (entry["text"], entry["written_by"]) == ("bees hum", "free-ada-1")


def test_an_edit_that_lets_free_time_be_split_does_not_make_its_parts_earn(rig):
    make(rig, "ada", "Write a haiku.")
    earn(rig, "ada")
    look(rig)
    rig.submit(id="part", prompt="a part", identity_id="ada", max_budget=0.1)
    rig.store.write(lambda tx: tx.run("make_subtasks", parent="free-ada-1", ids='["part"]'))
    claims = {claim.id: claim for claim in (rig.reclaim(), rig.reclaim())}
    rig.road().walk(claims["part"])
    assert rig.row("part")["state"] == "approved"
    assert ledger.purse_of(rig.store.reader, "ada").earned == 10


@pytest.mark.parametrize(
    ("changes", "earned"),
    [
        ({"free_time": False}, 1),
        ({"free_time_cost": 11}, 1),
        ({"free_time_per_day": 0}, 1),
        ({}, 0),
    ],
)
def test_nothing_is_bought_where_it_is_off_too_dear_or_used_up(rig, changes, earned):
    make(rig, "ada", "Write a haiku.")
    earn(rig, "ada", earned)
    assert look(rig, **changes) is None
    assert [row["source"] for row in rig.store.reader.tasks()] == ["cli"] * earned


def test_the_days_cap_counts_everybody(rig, model):
    make(rig, "ada", "Write a haiku.")
    make(rig, "bob", "Whistle.")
    earn(rig, "ada", 2)
    earn(rig, "bob", 2)
    for _ in range(2):
        assert look(rig) is not None
        run(rig)
    assert look(rig) is None
    assert look(rig, free_time_per_day=3) is not None


def test_nothing_is_bought_while_there_is_work_or_while_work_is_paused(rig):
    make(rig, "ada", "Write a haiku.")
    earn(rig, "ada")
    rig.submit(id="work", prompt="work")
    assert look(rig) is None
    rig.store.cancel("work", "me")
    claim = rig.claim(id="dear", prompt="work")
    held = OverBudget(held_by="day", waiting_for="budget day reached", needs_micros=1)
    rig.store.write(lambda tx: recording.hold_back(tx, claim.ref, held))
    assert look(rig) is None, "what waits for money comes first"
    rig.store.cancel("dear", "me")
    rig.store.pause("me")
    assert look(rig) is None
    rig.store.resume("me")
    assert look(rig) == "free-ada-1"


def test_an_id_that_is_taken_is_passed_over(rig):
    make(rig, "ada", "Write a haiku.")
    rig.submit(id="free-ada-1", command="true")
    run(rig)
    earn(rig, "ada")
    assert look(rig) == "free-ada-2"
