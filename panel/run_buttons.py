"""What a person may do to a whole run, as buttons, each with the command line that does the same."""

from __future__ import annotations

from typing import Any

from flask import url_for

from panel import command_lines
from panel.labels import Button
from panel.words import count_of


def deeds_of(run: dict[str, Any]) -> list[Button]:
    """The buttons of a run as `panel.run_views` tells it."""
    found = []
    if run["state"] == "running":
        if run["is_open"]:
            ask = f"Close {run['id']}? It ends when all its tasks have; nothing more can be added to it."
            found.append(_button(run, "close", "Close", ask=ask))
        if not run["is_stopping"]:
            found.append(_abort(run))
    if run["state"] in {"failed", "aborted"} and not run["is_lost"]:
        ask = (
            f"Resume {run['id']}? What did not complete is sent back to the queue and may cost again; "
            "what completed is not done again."
        )
        found.append(_button(run, "resume", "Resume", ask=ask, look="primary"))
    return found


def _abort(run: dict[str, Any]) -> Button:
    left = count_of(run["open_tasks"], "task has", "tasks have")
    ask = (
        f"Abort {run['id']}? {left} not ended: what has not begun never will, what runs is stopped, and what "
        "it has done so far is not undone. A later resume goes on from there."
    )
    return _button(run, "abort", "Abort", ask=ask, look="danger")


def _button(run: dict[str, Any], name: str, label: str, **more: Any) -> Button:
    path = url_for(f"api_run_steering.{name}", run_id=run["id"])
    line = command_lines.of_run(name, run["id"])
    return Button(**({"values": {}} | more), name=name, label=label, path=path, cli=line)
