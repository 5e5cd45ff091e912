"""A request that only speaks of a thing has no command run for it."""

from __future__ import annotations

import pytest

from tool_router import Tool, ToolRouter

DROP = Tool.model_validate(
    {
        "name": "drop-table",
        "description": "Deletes a table file of the shop.",
        "examples": ["delete the table {table}"],
        "kind": "run",
        "argv": ["rm", "{table}"],
        "input_schema": {"required": ["table"], "properties": {"table": {"enum": ["orders", "customers"]}}},
    }
)


@pytest.mark.parametrize(
    "request_",
    [
        "do not delete the table orders",
        "Never delete the table customers",
        "please don't delete table orders, only show it",
        "do not run drop-table on orders",
        "who would delete the table orders?",
        "Explain how to delete the table orders",
        "Write a script that would delete the table orders",
        "should I delete the table orders",
        "without using drop-table, delete the table orders",
    ],
)
def test_what_is_forbidden_asked_about_or_explained_is_not_run(request_: str) -> None:
    route = ToolRouter([DROP]).route(request_)

    assert route.outcome != "run"
    assert route.name is None or "does not run: the prompt" in route.reason


@pytest.mark.parametrize(
    "request_", ["delete the table orders", "Please delete the table customers.", "use drop-table on orders"]
)
def test_what_is_asked_for_is_run(request_: str) -> None:
    assert ToolRouter([DROP]).route(request_).outcome == "run"
