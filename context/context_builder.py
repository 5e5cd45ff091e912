"""The prompt of one attempt: the task's own text, what a tool adds, what the last attempt got wrong.

A tool's text comes from the user's own configuration and stands as it is. Findings quote answers, so they go
in an envelope (`context.envelope`) and cannot pass for an instruction.
"""

from __future__ import annotations

from collections.abc import Sequence

from context import envelope
from tool_router import Route


def build_prompt(prompt: str, route: Route, feedback: Sequence[str]) -> str:
    """The text that is sent for `prompt`."""
    parts = [route.context(), prompt if route.tool is None else f"TASK:\n{prompt}", _findings(feedback)]
    return "\n\n".join(part for part in parts if part)


def _findings(feedback: Sequence[str]) -> str:
    if not feedback:
        return ""
    told = "An earlier answer to this was rejected. Mend what was found:"
    return f"{told}\n{envelope.wrap('the review of an earlier answer', feedback)}"
