"""A command that is done for each item of a list: an item is text in one argument, judged as it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from run_contract.errors import InvalidInput
from testing.model_server import ModelServer, Reply
from tests.integration.run_road_rig import RunRoadRig


@pytest.fixture
def server():
    with ModelServer() as server:
        yield server


@pytest.fixture
def rig(tmp_path, server):
    with RunRoadRig(tmp_path, server) as rig:
        yield rig


def over(items: Any, *argv: str, **fields: Any) -> dict[str, Any]:
    return {"id": "each", "argv": [*argv], "for_each": items, **fields}


def test_each_item_is_told_with_its_number_and_the_answers_are_put_together(rig) -> None:
    told = rig.go(rig.start(id="r", tasks=[over(["x", "y"], "echo", "{{index}}: {{item}}")]))

    assert told["state"] == "completed"
    assert json.loads(told["tasks"]["each"]["output"]) == ["1: x\n", "2: y\n"]


def test_what_a_model_lists_is_one_argument_whatever_it_says(rig, server) -> None:
    hostile = ["a b", "$(touch broken)", "; touch broken", "{{index}}"]
    server.default = Reply(text=json.dumps(hostile))
    tasks = [{"id": "list", "prompt": "x"}, over("{{deps.list.output}}", "echo", "{{item}}", deps=["list"])]
    told = rig.go(rig.start(id="r", tasks=tasks))

    ran = [json.loads(rig.row(f"r:each.{number}")["doc"])["argv"] for number in range(1, 5)]
    assert ran == [["echo", item] for item in hostile]
    assert not (rig.home.workspace / "broken").exists()
    assert told["tasks"]["each.1"]["output"] == "a b\n"


def test_the_gateway_judges_the_command_as_it_is_filled_in(rig) -> None:
    told = rig.go(rig.start(id="r", tasks=[over(["/etc/shadow"], "cat", "{{item}}")]))

    assert told["tasks"]["each.1"]["error"]["code"] == "safety_blocked"
    assert told["state"] == "failed"


def test_an_argument_may_refer_to_nothing_but_the_item(rig) -> None:
    with pytest.raises(InvalidInput) as refusal:
        rig.start(id="r", tasks=[over(["x"], "echo", "{{inputs.name}}", inputs={"name": "y"})])
    assert refusal.value.details["path"] == "tasks[0].command"


def test_a_command_without_a_list_is_told_nothing_of_items(rig) -> None:
    with pytest.raises(InvalidInput):
        rig.start(id="r", tasks=[{"id": "a", "argv": ["echo", "{{item}}"]}])
