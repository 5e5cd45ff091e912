"""How much works at once is a fact that a person sets, within bounds, and that is told and put on record."""

from __future__ import annotations

import json

import pytest

from errors import InvalidRequest
from settings import Settings
from store import processes
from store.capacity import CAPACITY, MOST_AT_ONCE, Capacity

SETTINGS = Settings(workers=2, concurrency=5)


def test_where_nobody_said_anything_the_settings_do(store):
    assert Capacity.of(store.reader.fact(CAPACITY), SETTINGS) == Capacity(2, 5)


def test_what_a_person_sets_counts_until_it_is_taken_back(store):
    assert store.set_capacity({"workers": 3}, "cli:ada")
    assert store.set_capacity({"pace": 4}, "panel")
    assert Capacity.of(store.reader.fact(CAPACITY), SETTINGS) == Capacity(3, 4)
    assert not store.set_capacity({"pace": 4}, "panel")

    store.set_capacity({"workers": None}, "cli:ada")

    assert Capacity.of(store.reader.fact(CAPACITY), SETTINGS) == Capacity(2, 4)


def test_a_change_leaves_an_event_and_a_record_and_one_that_changes_nothing_leaves_none(store):
    store.set_capacity({"workers": 3}, "panel")
    store.set_capacity({"workers": 3}, "panel")
    store.set_capacity({"workers": None}, "panel")

    told = [json.loads(row["data"]) for row in store.reader.events() if row["event"] == "daemon.capacity"]
    assert told == [
        {"source": "panel", "workers": 3},
        {"source": "panel", "reason": "as the settings say"},
    ]
    records = [
        row for row in store.reader.all("audit_after", after=0, limit=10) if row["event"] == "capacity"
    ]
    assert [row["actor"] for row in records] == ["panel", "panel"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workers": 0}, "workers must be a whole number from 1 to 16"),
        ({"workers": 17}, "workers must be a whole number from 1 to 16"),
        ({"pace": 513}, "pace must be a whole number from 1 to 512"),
        ({"workers": 16, "pace": 100}, f"swarm serves at most {MOST_AT_ONCE:,}"),
    ],
)
def test_a_number_beyond_its_bounds_is_refused_and_nothing_changes(store, change, said):
    with pytest.raises(InvalidRequest, match=said):
        store.set_capacity(change, "panel")
    assert store.reader.fact(CAPACITY) is None


def test_a_worker_that_is_one_too_many_runs_nothing_and_one_without_a_place_is_never_too_many():
    wanted = Capacity(2, 5)

    assert [wanted.pace_of(number) for number in (1, 2, 3, None)] == [5, 5, 0, 5]
    assert [processes.number_of(name) for name in ("worker-3", "worker-0", "worker-a", "panel")] == [
        3,
        None,
        None,
        None,
    ]


def test_workers_join_and_part_among_the_processes(store):
    store.write(lambda tx: processes.enter(tx, ["swarm", "worker-1"]))
    store.write(lambda tx: processes.come_up(tx, "worker-1"))

    store.write(lambda tx: processes.join(tx, ["worker-2"]))
    fact = store.reader.fact(processes.PROCESSES)
    assert fact is not None
    assert (fact["worker-1"]["up"], fact["worker-2"]["up"]) == (True, False)

    store.write(lambda tx: processes.part(tx, ["worker-2"]))
    assert set(store.reader.fact(processes.PROCESSES) or {}) == {"swarm", "worker-1"}
