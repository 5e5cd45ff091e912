"""What a person may do about one task, as the buttons of its own page: each with its command line."""

from __future__ import annotations

import dataclasses
from typing import Any

from panel import command_lines
from panel.addresses import url_for
from panel.labels import Button, answers_to, buttons_of


def actions_of(task: dict[str, Any], tries_left: int) -> list[Button]:
    """The buttons of a task. `tries_left`: attempts that may follow a rejected result."""
    decision = task["decision"]
    is_of_money = decision is not None and decision["kind"] == "budget"
    found = answers_to(decision) if is_of_money else []
    for each in buttons_of(task):
        if each.name == "reject" and tries_left > 0:
            found += [_requeue(each, task, tries_left), _for_good(each, task)]
        elif each.name == "reject":
            ask = f"Reject the result of {task['id']}? No attempts are left: it fails, and what waits for it."
            found.append(dataclasses.replace(each, ask=ask, look="danger"))
        else:
            found.append(each)
    return [dataclasses.replace(each, cli=command_lines.of_button(each.name, task)) for each in found]


def _requeue(reject: Button, task: dict[str, Any], tries_left: int) -> Button:
    left = "once more" if tries_left == 1 else f"up to {tries_left} more times"
    ask = f"Send {task['id']} back? It may be tried {left}, with what you say in its prompt."
    return dataclasses.replace(reject, label="Requeue with feedback", ask=ask)


def _for_good(reject: Button, task: dict[str, Any]) -> Button:
    return dataclasses.replace(
        reject,
        label="Reject for good",
        name="fail",
        path=url_for("api_task_edits.fail", task_id=task["id"]),
        ask=f"Reject the result of {task['id']} for good? It fails, and what waits for it fails too.",
        reason="Why? It is shown as the reason of its end.",
        look="danger",
    )
