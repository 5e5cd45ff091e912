"""The seed's two functions over a whole queue."""

from __future__ import annotations

import pytest

from runtime_contract import (
    DEFAULT_API_ENDPOINT,
    QUEUE_CONTRACT_VERSION,
    normalize_queue,
    validate_queue_contract,
)

EMPTY = {
    "version": QUEUE_CONTRACT_VERSION,
    "api_endpoint": DEFAULT_API_ENDPOINT,
    "tasks": [],
    "completed": [],
    "failed": [],
}


@pytest.mark.parametrize("raw", [None, {}, {"tasks": None, "completed": None, "failed": None}])
def test_nothing_becomes_an_empty_queue_that_keeps_the_contract(raw):
    assert normalize_queue(raw) == EMPTY
    assert validate_queue_contract(normalize_queue(raw)) == []


def test_a_task_gets_the_seeds_defaults_and_keeps_what_it_has():
    queue = normalize_queue({"tasks": [{"id": "a", "prompt": "x", "parallel_safe": False, "mine": 1}]})
    assert queue["tasks"] == [
        {
            "type": "cycle",
            "depends_on": [],
            "parallel_safe": False,
            "status": "pending",
            "id": "a",
            "prompt": "x",
            "mine": 1,
        }
    ]
    assert validate_queue_contract(queue) == []


def test_normalising_changes_nothing_that_was_given_and_twice_equals_once():
    raw = {
        "version": "1.0",
        "mine": {"a": 1},
        "tasks": [{"id": "a", "prompt": "x"}, 5],
        "failed": [{"id": "z"}],
    }
    once = normalize_queue(raw)
    assert raw["tasks"] == [{"id": "a", "prompt": "x"}, 5]
    assert (once["version"], once["mine"], once["failed"]) == ("1.0", {"a": 1}, [{"id": "z"}])
    assert once["tasks"][1] == 5
    assert normalize_queue(once) == once


@pytest.mark.parametrize(
    ("queue", "problems"),
    [
        ([], ["the queue must be an object, not a list"]),
        (None, ["the queue must be an object, not null"]),
        (EMPTY | {"tasks": 5}, ["queue.tasks: must be a list, got 5"]),
        (EMPTY | {"version": 1}, ["queue.version: must be a text, got 1"]),
        (EMPTY | {"revision": True}, ["queue.revision: must be a whole number, got True"]),
        (
            {key: EMPTY[key] for key in ("version", "api_endpoint", "tasks", "failed")},
            ["missing key: completed"],
        ),
    ],
)
def test_every_breach_of_the_contract_is_a_sentence(queue, problems):
    assert validate_queue_contract(queue) == problems


def test_every_bad_task_is_told_and_the_good_ones_are_not():
    queue = EMPTY | {"tasks": [{"id": "a"}, {"id": "b", "prompt": "x"}, 5, {"prompt": "x"}]}
    told = validate_queue_contract(queue)
    assert [line.partition(":")[0] for line in told] == ["tasks[0].prompt", "tasks[2]", "tasks[3].id"]


def test_lists_of_a_wrong_type_are_left_for_the_check_to_refuse():
    assert normalize_queue({"tasks": {"id": "a"}})["tasks"] == {"id": "a"}
