"""How many tasks of one model run at once, also where it is the model of those that name none."""

from __future__ import annotations

import pytest

from settings import Home, Settings
from store.claims import Claimant
from store.intake import LANE_LIMITS
from store.lanes import ConcurrencyLimits, Gate, Head, choose, lane_of
from store.reading import MODEL_STATUS
from store.records import Intake
from store.sqlite_store import SqliteStore
from testing.clock import FakeClock
from testing.tasks import new_task
from tests.integration.planning_rig import split

LIMITS = ConcurrencyLimits(models={"m": 2})


@pytest.fixture
def settings() -> Settings:
    return Settings(model_limits={"m": 2})


def uses(store: SqliteStore, model: str) -> None:
    store.set_fact(MODEL_STATUS, {"ready": True, "model": model}, "daemon.model")


def enter(store: SqliteStore, count: int, **fields: object) -> None:
    store.submit(Intake(new=[new_task(id=f"t{n}", prompt="x", **fields) for n in range(count)]), "test")


@pytest.mark.parametrize(("fields", "model", "most"), [({}, "m", 2), ({"model": "m"}, "o", 2), ({}, "o", 5)])
def test_a_task_that_names_no_model_counts_for_the_default(
    store: SqliteStore, who: Claimant, fields: dict[str, str], model: str, most: int
) -> None:
    uses(store, model)
    enter(store, 5, **fields)

    assert len(store.claim(who, 8)) == most


def test_those_that_name_the_default_and_those_that_do_not_count_together(
    store: SqliteStore, who: Claimant
) -> None:
    uses(store, "m")
    enter(store, 1, model="m")
    store.submit(Intake(new=[new_task(id=f"u{n}", prompt="x") for n in range(3)]), "test")

    assert len(store.claim(who, 8)) == 2
    row = store.reader.task("u1")
    assert row is not None
    assert store.reader.waiting_for(row) == "the concurrency limit of model m (2 at once)"
    uses(store, "other")
    assert [claim.id for claim in store.claim(who, 8)] == ["u1", "u2"]


def test_the_parts_of_a_split_prompt_count_as_well(store: SqliteStore, who: Claimant) -> None:
    uses(store, "m")
    enter(store, 1)
    (claim,) = store.claim(who, 1)
    assert split(store, claim, (), (), (), ())

    assert len(store.claim(who, 8)) == 2


def test_commands_and_what_people_do_ask_no_model() -> None:
    gate = Gate(default_model="m")
    running = ["llm|model:", "llm|model:m"]
    assert lane_of(new_task(id="c", command="true").task, LIMITS) == "local"

    assert choose([Head("llm|model:|ask", 0, 1)], running, gate, LIMITS) == "llm|model:|ask"
    assert choose([Head("llm|model:", 0, 1)], ["llm|model:|ask"] * 3, gate, LIMITS) == "llm|model:"
    assert choose([Head("llm|model:", 0, 1)], running, gate, LIMITS) is None


def test_tasks_of_a_home_from_before_are_counted_from_the_next_start_on(
    home: Home, store: SqliteStore, settings: Settings, who: Claimant, clock: FakeClock
) -> None:
    uses(store, "m")
    enter(store, 5)
    store.write(lambda tx: tx.set_meta(LANE_LIMITS, '[{}, {"m": 2}, []]'))
    store.write(lambda tx: [tx.run("set_lane", seq=seq, lane="llm") for seq in range(1, 6)])

    store.apply_limits()

    assert len(store.claim(who, 8)) == 2
