"""Many tasks that a saved file lacks: a person is asked once, and nothing is cancelled before they say so."""

from __future__ import annotations

import json

from tests.unit.queue_file.keeping import Keeping


def test_many_missing_tasks_are_asked_about_once_and_cancelled_only_when_accepted(keeping: Keeping) -> None:
    keeping.put(*({"id": f"t{number}", "prompt": "x"} for number in range(30)))
    content = keeping.shown()
    content["tasks"] = content["tasks"][:5]

    keeping.save(content)
    keeping.look()
    keeping.save(content | {"x": 1})
    keeping.look()

    assert set(keeping.statuses().values()) == {"pending"}
    held = keeping.events("queue_file.removal_held")
    assert [each["count"] for each in held] == [25]
    [decision] = keeping.store.reader.decisions()
    assert len(json.loads(decision["payload"])["ids"]) == 25
    keeping.round()
    assert len(keeping.shown()["tasks"]) == 30

    keeping.store.approve(decision["id"], "cli")
    assert list(keeping.statuses().values()).count("cancelled") == 25


def test_a_later_removal_of_some_of_them_is_asked_about_in_place_of_the_first(keeping: Keeping) -> None:
    keeping.put(*({"id": f"t{number}", "prompt": "x"} for number in range(40)))
    content = keeping.shown()
    tasks = content["tasks"]
    for left in (5, 8):
        keeping.save(content | {"tasks": tasks[:left], "x": left})
        keeping.look()

    [decision] = keeping.store.reader.decisions()
    assert len(json.loads(decision["payload"])["ids"]) == 32
    assert "32 pending tasks were missing from queue.json when it was saved (" in decision["question"]
    assert [each["answer"] for each in keeping.events("decision.answered")] == ["withdrawn"]
