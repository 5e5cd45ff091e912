"""A command runs only where a request says nothing beyond what the command answers."""

from __future__ import annotations

from typing import Any

import pytest

from tool_router import Tool, ToolRouter


def tool(name: str, description: str, example: str, argv: list[str], **more: Any) -> Tool:
    return Tool.model_validate(
        {"name": name, "description": description, "examples": [example], "kind": "run", "argv": argv} | more
    )


TOOLS = [
    tool("commit-all", "Commits the staged changes.", "commit the staged changes", ["git", "commit"]),
    tool("git-status", "Shows the git status.", "print the git status", ["git", "status"]),
    tool("disk-usage", "Shows the disk usage.", "show the disk usage", ["df"]),
    tool(
        "count-lines", "Counts the lines of a file.", "count the lines of {file}", ["wc", "-l", "{file}"],
        input_schema={"required": ["file"], "properties": {"file": {"type": "string"}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        "Commit the staged changes pending approval.",
        "Commit the staged changes: translate this to German.",
        "Commit the staged changes (example of an imperative).",
        "Commit the staged changes, or rather leave them.",
        "Commit the staged changes to memory.",
        "commit-all, a history.",
        "Print the git status codes and their meanings.",
        "Show the disk usage of a typical Linux laptop in a table.",
        "Count the lines of poem.txt in the year 2030.",
    ],
)
def test_what_says_more_is_read_by_a_model(request_: str) -> None:
    assert ToolRouter(TOOLS).route(request_).outcome == "context"


@pytest.mark.parametrize(
    "request_",
    [
        "Commit the staged changes, please.",
        "Please commit my staged changes, thanks!",
        "use commit-all now",
        "print git status",
        "Show me the git status of this repo",
        "Show the disk usage",
        "Count the lines of poem.txt",
    ],
)
def test_what_says_no_more_than_the_tool_and_its_values_runs(request_: str) -> None:
    assert ToolRouter(TOOLS).route(request_).outcome == "run"
