"""A question to a person that is about no one task, whole: every word of what a yes would do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from commands.task_view import decision
from store.reading import Reader


def question(reader: Reader, name: str) -> dict[str, Any] | None:
    """The open question of that id, as JSON tells it."""
    row = next((each for each in reader.decisions() if each["id"] == name), None)
    return None if row is None else decision(row, None)


def lines(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The question for a person, label by label."""
    yield "question", told["id"]
    yield "asks", told["question"]
    for task in told["payload"].get("tasks", []):
        yield "task", json.dumps(task, ensure_ascii=False)
    rest = {name: value for name, value in told["payload"].items() if name != "tasks"}
    if rest:
        yield "about", json.dumps(rest, ensure_ascii=False)
    yield "answer", f"skep approve {told['id']}, or skep reject {told['id']}"
