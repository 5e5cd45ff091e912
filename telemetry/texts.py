"""Prompts, answers and commands for spans, read only where `otel_prompts` is set."""

from __future__ import annotations

import json
from typing import Any

from runtime_contract import Expect
from store.asking import Asks
from telemetry import names
from telemetry.span import LONGEST_TEXT, Value, known


def of_call(asks: Asks, task_id: str | None, lease: int | None) -> dict[str, Value]:
    """What a task asks a model, and the beginning of its answer; not all that was put around them."""
    doc = _doc(asks, task_id)
    row = None if lease is None else asks.one("get_attempt", id=task_id, lease=lease)
    outcome: dict[str, Any] = json.loads(row["outcome"]) if row is not None and row["outcome"] else {}
    told = {
        names.INPUT_MESSAGES: _message("user", doc.get("prompt")),
        names.OUTPUT_MESSAGES: _message("assistant", outcome.get("output")),
    }
    return known(told, LONGEST_TEXT)


def of_command(asks: Asks, task_id: str) -> dict[str, Value]:
    """The command that a task is, as it stands there."""
    doc = _doc(asks, task_id)
    argv = doc.get("argv")
    return known({names.COMMAND_LINE: doc.get("command") or (" ".join(argv) if argv else None)}, LONGEST_TEXT)


def of_check(asks: Asks, task_id: str, number: int) -> dict[str, Value]:
    """The command that checks the result of a task, by its place among them."""
    commands = Expect.model_validate(_doc(asks, task_id).get("expect") or {}).commands
    argv = commands[number] if number < len(commands) else None
    return known({names.COMMAND_LINE: " ".join(argv) if argv else None}, LONGEST_TEXT)


def _doc(asks: Asks, task_id: str | None) -> dict[str, Any]:
    row = None if task_id is None else asks.one("traced_task", id=task_id)
    return json.loads(row["doc"]) if row is not None else {}


def _message(role: str, text: Any) -> str | None:
    """One message as the conventions write them: a list in JSON."""
    if not isinstance(text, str) or not text:
        return None
    part = {"type": "text", "content": text[: LONGEST_TEXT // 2]}
    return json.dumps([{"role": role, "parts": [part]}], ensure_ascii=False)
